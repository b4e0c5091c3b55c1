"""EKS clusters and their add-ons.

https://docs.aws.amazon.com/eks/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import secrets
import zlib
from dataclasses import replace
from typing import Any

from rehearsal.emulators.aws import addons, dependencies, local_cluster, protection, rules
from rehearsal.emulators.aws.api import Api, Call, answering
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import AutoName, Kind, Making, Reference, Refusal, names, taken, text
from rehearsal.emulators.aws.kinds.network import NO_SUCH_SUBNET, SUBNET, in_subnets
from rehearsal.emulators.aws.kinds.roles import ROLE
from rehearsal.emulators.aws.properties import Properties, known_values

CLUSTER = "aws:eks/cluster:Cluster"
ADDON = "aws:eks/addon:Addon"
NO_SUCH_CLUSTER = Refusal("ResourceNotFoundException", "No cluster found for name: {value}.")
NO_SUCH_ROLE = Refusal("InvalidParameterException", "The role {value} cannot be found.")
LEAST_ZONES = 2


def of_cluster() -> Reference:
    """A reference to a resource's cluster, with which it is deleted."""
    return Reference("clusterName", CLUSTER, missing=NO_SUCH_CLUSTER, follows=True)


def constrained(field: str, expression: str) -> rules.Rule:
    """A regular expression for a field, with EKS's message."""
    return rules.pattern(
        expression,
        "InvalidParameterException",
        f"Value '{{value}}' at '{field}' failed to satisfy constraint: Member must satisfy regular expression "
        f"pattern: {expression.replace('{', '{{').replace('}', '}}')}",
    )


def _stands_in_two_zones(making: Making) -> None:
    subnets = [making.find(SUBNET, str(subnet)) for subnet in known_values(making.inputs, "vpcConfig.subnetIds")]
    zones = {subnet.outputs["availabilityZone"] for subnet in subnets if subnet is not None}
    if len(zones) < LEAST_ZONES:
        raise AwsError("InvalidParameterException", "Subnets specified must be in at least two different AZs")


def _is_reachable(making: Making) -> None:
    network = making.inputs["vpcConfig"]
    if network.get("endpointPublicAccess", True) is False and network.get("endpointPrivateAccess") is not True:
        raise AwsError("InvalidParameterException", "Private and public endpoint access cannot both be disabled")


def _network(making: Making) -> dict[str, Any]:
    before = making.previous.get("vpcConfig", making.answer)
    return {
        **making.inputs["vpcConfig"],
        "clusterSecurityGroupId": before.get("clusterSecurityGroupId") or before["GroupId"],
    }


def _vpc(making: Making) -> str:
    subnet = making.find(SUBNET, str(next(known_values(making.inputs, "vpcConfig.subnetIds"), "")))
    return str(subnet.inputs["vpcId"]) if subnet is not None else ""


def _issuer(making: Making) -> list[dict[str, Any]]:
    issuer = f"https://oidc.eks.{making.region}.amazonaws.com/id/{secrets.token_hex(16).upper()}"
    return [{"oidcs": [{"issuer": issuer}]}]


def _security_group(making: Making) -> Properties:
    """The cluster security group, which EKS creates for nodes and the control plane's network interfaces.

    https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
    """
    name = making.inputs["name"]
    return {
        "GroupName": f"eks-cluster-sg-{name}-{zlib.crc32(making.inputs['roleArn'].encode())}",
        "Description": "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, "
        "as well as any managed workloads.",
        "VpcId": _vpc(making),
        "TagSpecifications": [
            {
                "ResourceType": "security-group",
                "Tags": [
                    {"Key": "Name", "Value": f"eks-cluster-sg-{name}"},
                    {"Key": "aws:eks:cluster-name", "Value": name},
                    {"Key": f"kubernetes.io/cluster/{name}", "Value": "owned"},
                ],
            }
        ],
    }


def _reaches_itself(making: Making) -> None:
    if making.previous:
        return
    everything = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": making.answer["GroupId"]}]}
    with answering(making.layout, "ec2", making.region) as ec2:
        ec2.authorize_security_group_ingress(GroupId=making.answer["GroupId"], IpPermissions=[everything])


def _group_goes(making: Making) -> None:
    """Deletes the cluster security group, unless it is in use: it then stays, and blocks the deletion of its VPC."""
    group = replace(making, id=making.previous["vpcConfig"]["clusterSecurityGroupId"])
    if not dependencies.is_named(group):
        with answering(making.layout, "ec2", making.region) as ec2:
            ec2.delete_security_group(GroupId=group.id)


def _configuration_fits(making: Making) -> None:
    addons.judge(str(making.inputs["addonName"]), str(making.inputs.get("configurationValues") or ""))


CLUSTER_NAME = r"[0-9A-Za-z][A-Za-z0-9\-_]{0,99}"

KINDS = (
    Kind(
        type=CLUSTER,
        make_id=text("{name}"),
        # The cluster itself is a record only: moto's EKS lacks access entries, Pod Identity and add-ons' objects.
        api=Api(
            "ec2",
            Call("create_security_group", given=_security_group, inputs=False),
            puts=(_reaches_itself,),
            deletes=(_group_goes,),
        ),
        arn="arn:aws:eks:{region}:{account}:cluster/{name}",
        name=AutoName(longest=100),
        rules={
            "name": constrained("name", CLUSTER_NAME),
            "roleArn": rules.arn("iam"),
            "version": rules.pattern(
                r"1\.\d{2}", "InvalidParameterException", "unsupported Kubernetes version {value}"
            ),
            "enabledClusterLogTypes": rules.one_of("api", "audit", "authenticator", "controllerManager", "scheduler"),
            "accessConfig.authenticationMode": rules.one_of("API", "API_AND_CONFIG_MAP", "CONFIG_MAP"),
            "vpcConfig.publicAccessCidrs": rules.cidr,
            "encryptionConfig.provider.keyArn": rules.arn("kms"),
            "encryptionConfig.resources": rules.one_of("secrets"),
        },
        references=(
            in_subnets("vpcConfig.subnetIds", missing=NO_SUCH_SUBNET),
            Reference("roleArn", ROLE, by="arn", missing=NO_SUCH_ROLE),
            Reference(
                "encryptionConfig.provider.keyArn",
                "aws:kms/key:Key",
                by="arn",
                missing=Refusal("InvalidParameterException", "The keyArn {value} does not exist"),
            ),
        ),
        refusals=(
            taken(CLUSTER, "name", "ResourceInUseException", "Cluster already exists with name: {name}"),
            _stands_in_two_zones,
            _is_reachable,
        ),
        deletion_refusals=(protection.refuse,),
        replaces=names(
            "accessConfig.bootstrapClusterCreatorAdminPermissions bootstrapSelfManagedAddons "
            "encryptionConfig kubernetesNetworkConfig.ipFamily "
            "kubernetesNetworkConfig.serviceIpv4Cidr name outpostConfig roleArn"
        ),
        attributes={"endpoint": lambda making: local_cluster.endpoint(making.layout), "identities": _issuer},
        revised={"vpcConfig": _network},
        converge=local_cluster.remember,
        dissolve=local_cluster.sweep,
    ),
    Kind(
        type=ADDON,
        make_id=text("{clusterName}:{addonName}"),
        arn="arn:aws:eks:{region}:{account}:addon/{clusterName}/{addonName}",
        rules={
            "addonName": constrained("addonName", r"[a-z0-9][a-z0-9_\-]{0,99}"),
            "addonVersion": rules.pattern(
                r"v\d+\.\d+\.\d+-eksbuild\.\d+",
                "InvalidParameterException",
                "Addon version specified is not supported: {value}",
            ),
            "configurationValues": rules.json_text,
            "resolveConflictsOnCreate": rules.one_of("NONE", "OVERWRITE"),
            "resolveConflictsOnUpdate": rules.one_of("NONE", "OVERWRITE", "PRESERVE"),
            "serviceAccountRoleArn": rules.arn("iam"),
        },
        references=(
            of_cluster(),
            Reference("serviceAccountRoleArn", ROLE, by="arn", missing=NO_SUCH_ROLE),
            Reference("podIdentityAssociations.roleArn", ROLE, by="arn", missing=NO_SUCH_ROLE),
        ),
        refusals=(
            taken(ADDON, "clusterName addonName", "ResourceInUseException", "Addon already exists."),
            _configuration_fits,
        ),
        replaces=frozenset({"addonName", "clusterName", "namespaceConfig"}),
        converge=addons.converge,
        dissolve=addons.dissolve,
    ),
)
