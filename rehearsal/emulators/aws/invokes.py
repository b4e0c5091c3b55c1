"""The emulated data sources (Pulumi invokes). Errors: `AwsError`, and `RehearsalError` for what is not emulated."""

from __future__ import annotations

from rehearsal.emulators.aws.account import Account
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kinds import certificates
from rehearsal.emulators.aws.kinds.clusters import CLUSTER
from rehearsal.emulators.aws.kinds.network import SUBNET
from rehearsal.emulators.aws.kinds.upgrades import NODE_GROUP
from rehearsal.emulators.aws.lifecycle import Caller
from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError

LOAD_BALANCER_ZONES = {
    "ap-northeast-1": "Z14GRHDCWA56QT",
    "ap-northeast-2": "ZWKZPGTI48KDX",
    "eu-central-1": "Z215JYRZR1TBD5",
    "eu-west-1": "Z32O12XQLNTSW2",
    "us-east-1": "Z35SXDOTRQ7X7K",
    "us-west-2": "Z1H1FL5HABSF5",
}
"""Hosted zone ids of Application Load Balancers by region. https://docs.aws.amazon.com/general/latest/gr/elb.html ."""


def _certificate(caller: Caller, arguments: Properties) -> Properties:
    """The newest certificate of a domain name with one of the requested statuses.

    https://github.com/hashicorp/terraform-provider-aws/blob/v6.0.0/internal/service/acm/certificate_data_source.go
    """
    account = Account.load(caller.layout)
    domain = arguments.get("domain")
    for record in reversed(account.records(certificates.CERTIFICATE)):
        status = certificates.status(caller.layout, account, record)
        if record.inputs["domainName"] == domain and status in (arguments.get("statuses") or ["ISSUED"]):
            return {
                **arguments,
                "arn": record.id,
                "certificate": "",
                "certificateChain": "",
                "id": record.id,
                "region": caller.region,
                "status": status,
                "tags": record.outputs["tagsAll"],
            }
    raise AwsError("NotFound", f"no ACM Certificate matching domain ({domain})")


def _load_balancer_zone(caller: Caller, arguments: Properties) -> Properties:
    region = str(arguments.get("region") or caller.region)
    if region not in LOAD_BALANCER_ZONES:
        raise RehearsalError(
            f"the aws emulator does not have the hosted zone of load balancers in {region}",
            remedy="Add it to LOAD_BALANCER_ZONES in rehearsal/emulators/aws/invokes.py.",
        )
    return {**arguments, "id": LOAD_BALANCER_ZONES[region], "region": region}


def _clusters(caller: Caller, _arguments: Properties) -> Properties:
    names = [record.id for record in Account.load(caller.layout).records(CLUSTER)]
    return {"id": caller.region, "names": names, "region": caller.region}


def _cluster(caller: Caller, arguments: Properties) -> Properties:
    cluster = Account.load(caller.layout).find(CLUSTER, str(arguments["name"]))
    if cluster is None:
        raise AwsError("ResourceNotFoundException", f"No cluster found for name: {arguments['name']}.")
    return {**arguments, "id": cluster.id, "vpcConfig": cluster.outputs["vpcConfig"], "region": caller.region}


def _subnet(caller: Caller, arguments: Properties) -> Properties:
    subnet = Account.load(caller.layout).find(SUBNET, str(arguments["id"]))
    if subnet is None:
        raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{arguments['id']}' does not exist")
    known = {name: subnet.outputs[name] for name in ("availabilityZone", "cidrBlock", "vpcId")}
    return {**arguments, **known, "region": caller.region}


def _node_groups(caller: Caller, arguments: Properties) -> Properties:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_ListNodegroups.html ."""
    groups = [record.inputs for record in Account.load(caller.layout).records(NODE_GROUP)]
    names = [one["nodeGroupName"] for one in groups if one["clusterName"] == arguments["clusterName"]]
    return {**arguments, "id": arguments["clusterName"], "names": names, "region": caller.region}


def _node_group(caller: Caller, arguments: Properties) -> Properties:
    identifier = f"{arguments['clusterName']}:{arguments['nodeGroupName']}"
    group = Account.load(caller.layout).find(NODE_GROUP, identifier)
    if group is None:
        raise AwsError("ResourceNotFoundException", f"No node group found for name: {arguments['nodeGroupName']}.")
    return {
        **arguments,
        "id": identifier,
        "scalingConfigs": [group.inputs["scalingConfig"]],
        "releaseVersion": group.inputs.get("releaseVersion"),
        "region": caller.region,
    }


INVOKES = {
    "aws:acm/getCertificate:getCertificate": _certificate,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:eks/getCluster:getCluster": _cluster,
    "aws:eks/getClusters:getClusters": _clusters,
    "aws:eks/getNodeGroup:getNodeGroup": _node_group,
    "aws:eks/getNodeGroups:getNodeGroups": _node_groups,
    "aws:lb/getHostedZoneId:getHostedZoneId": _load_balancer_zone,
}


def invoke(token: str, caller: Caller, arguments: Properties) -> Properties:
    """A data source's result."""
    if token not in INVOKES:
        raise RehearsalError(
            f"the aws emulator has no data source {token}",
            remedy="Add it to INVOKES in rehearsal/emulators/aws/invokes.py.",
        )
    return INVOKES[token](caller, arguments)
