"""EKS clusters, their add-ons, access entries and Pod Identity associations.

https://docs.aws.amazon.com/eks/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import secrets
import zlib
from dataclasses import replace
from typing import Any

from rehearsal.aws.authorization import Access, allows
from rehearsal.emulators.aws import dependencies, local_cluster
from rehearsal.emulators.aws.api import tag_list
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.emulators.aws.kinds.logs import STILL_WRITTEN
from rehearsal.emulators.aws.kinds.network import SUBNET
from rehearsal.emulators.aws.properties import Properties, known_values

CLUSTER = "aws:eks/cluster:Cluster"

LEAST_ZONES = 2

ALLOW_ALL = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def check_subnets(cluster: Resource) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets ."""
    new, before = (
        [
            subnet.outputs
            for identifier in known_values(properties, "vpcConfig.subnetIds")
            if (subnet := cluster.find(SUBNET, str(identifier)))
        ]
        for properties in (cluster.inputs, cluster.previous)
    )
    if len({subnet["vpcId"] for subnet in (*new, *before)}) > 1:
        raise AwsError("InvalidParameterException", "Subnets specified must be in the same VPC as the cluster's")
    zones, old = ({subnet["availabilityZone"] for subnet in subnets} for subnets in (new, before))
    if old and not zones <= old:
        raise AwsError(
            "InvalidParameterException",
            f"Provided subnets belong to the AZs {','.join(sorted(zones))}. But they should belong to the exact set of "
            f"AZs {','.join(sorted(old))} in which subnets were provided during cluster creation.",
        )
    if len(zones) < LEAST_ZONES:
        raise AwsError("InvalidParameterException", "Subnets specified must be in at least two different AZs")


def check_endpoint_access(cluster: Resource) -> None:
    """Refuses a cluster without any endpoint."""
    network = cluster.inputs["vpcConfig"]
    if network.get("endpointPublicAccess", True) is False and network.get("endpointPrivateAccess") is not True:
        raise AwsError("InvalidParameterException", "Private and public endpoint access cannot both be disabled")


def vpc_config(cluster: Resource) -> Properties:
    """The input of this name, with the cluster security group."""
    group = cluster.response.get("GroupId") or cluster.previous["vpcConfig"]["clusterSecurityGroupId"]
    return {**cluster.inputs["vpcConfig"], "clusterSecurityGroupId": group}


def endpoint(cluster: Resource) -> str:
    """The local API server's URL."""
    return local_cluster.endpoint(cluster.layout)


def identities(cluster: Resource) -> list[dict[str, Any]]:
    """A cluster's OIDC issuer."""
    issuer = f"https://oidc.eks.{cluster.region}.amazonaws.com/id/{secrets.token_hex(16).upper()}"
    return [{"oidcs": [{"issuer": issuer}]}]


def create_security_group(cluster: Resource) -> Properties:
    """The cluster security group, which EKS creates for nodes and the control plane's network interfaces.

    https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
    """
    name = cluster.inputs["name"]
    tags = {
        "Name": f"eks-cluster-sg-{name}",
        "aws:eks:cluster-name": name,
        f"kubernetes.io/cluster/{name}": "owned",
    }
    subnet = cluster.find(SUBNET, str(next(known_values(cluster.inputs, "vpcConfig.subnetIds"))))
    with cluster.client("ec2") as ec2:
        group = ec2.create_security_group(
            GroupName=f"eks-cluster-sg-{name}-{zlib.crc32(cluster.inputs['roleArn'].encode())}",
            Description="EKS created security group applied to ENI that is attached to EKS Control Plane master "
            "nodes, as well as any managed workloads.",
            VpcId=subnet.inputs["vpcId"] if subnet is not None else "",
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tag_list(tags)}],
        )
        within = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group["GroupId"]}]}
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[within])
    return group


def delete_security_group(cluster: Resource) -> None:
    """Deletes the cluster security group, unless it is in use: it then stays, and blocks the deletion of its VPC."""
    group = replace(cluster, id=cluster.previous["vpcConfig"]["clusterSecurityGroupId"])
    if not dependencies.is_used(group):
        with cluster.client("ec2") as ec2:
            ec2.delete_security_group(GroupId=group.id)


def role_policies(resource: Resource, role_arn: str) -> list[Any]:
    """The inline policies of a role in the resource's account."""
    role = role_arn.rpartition("/")[2]
    with resource.client("iam") as iam:
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        return [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]


def keep_logging(cluster: Resource) -> None:
    """EKS writes logs until after the cluster's deletion, and makes a deleted log group again unless its role may not.

    https://github.com/terraform-aws-modules/terraform-aws-eks/issues/920
    """
    group, documents = f"/aws/eks/{cluster.id}/cluster", role_policies(cluster, str(cluster.inputs["roleArn"]))
    access = Access("logs:CreateLogGroup", cluster.text(f"arn:aws:logs:{{region}}:{{account}}:log-group:{group}"))
    if cluster.inputs.get("enabledClusterLogTypes") and allows([ALLOW_ALL, *documents], access):
        with cluster.client("logs") as logs:
            logs.tag_log_group(logGroupName=group, tags={STILL_WRITTEN: "true"})
