"""Checks of the account, the region and its zones, the instance types and the quotas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

import config
from components.cluster.node_group import managed_groups
from config.instance_types import instance_types as known_types
from config.partitions import partition_of
from tools.findings import Finding, look, ok, stop
from tools.preflight.session import Aws

ZONES_WITHOUT_EKS = {
    "us-east-1": {"use1-az3"},
    "us-west-1": {"usw1-az2"},
    "ca-central-1": {"cac1-az3"},
}
"""Ids of the zones in which EKS makes no control plane, by region.

https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets
"""

STANDARD_FAMILIES = frozenset("acdhimrtz")
"""First letters of the instance families that the quotas of standard On-Demand and Spot instances count.

https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
"""


MORE_NODES_IN_A_ZONE = 2
"""Nodes that EKS adds to a group for each of its zones, at most, while it replaces the others.

https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html (scale up phase)
"""


@dataclass(frozen=True)
class Quota:
    """A service quota and what a stack takes of it.

    Attributes:
        subject: What the quota counts.
        service: Its service code.
        code: Its quota code.
        used: Counts what the account uses of it now, without this stack.
        first: What the first `up` takes.
        most: What the stack takes at its largest, while EKS replaces nodes.
    """

    subject: str
    service: str
    code: str
    used: Callable[[], float]
    first: int
    most: int


def identity(aws: Aws, settings: config.Settings) -> Iterator[Finding]:
    """The credentials' account and partition."""
    account, arn = aws.caller["Account"], aws.caller["Arn"]
    if account != settings.account_id:
        yield stop(
            "account",
            f"the credentials are of {account} ({arn}), the stack is of {settings.account_id}",
            "set accountId in the stack's file, or AWS_PROFILE to a profile of that account",
        )
    else:
        yield ok("account", f"{account} as {arn}")
    if aws.partition != partition_of(settings.region):
        yield stop(
            "partition",
            f"the credentials are of {aws.partition}, {settings.region} is in {partition_of(settings.region)}",
            "set AWS_PROFILE to a profile of that partition, or correct region",
        )


def cluster_creator(aws: Aws, settings: config.Settings, stack: str) -> Iterator[Finding]:
    """Whether the role that creates the cluster is in a list of roles too: its access entry would exist already.

    Once the cluster exists, its creator is no matter: other roles bring it up to date as the lists say.

    EKS makes the creator's entry with the cluster, and refuses another for the same role (ResourceInUseException, 409).
    https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html
    """
    if aws.cluster(stack):
        yield ok("creator", "the cluster exists")
        return
    access = settings.cluster
    lists = {
        "adminRoleArns": access.admin_role_arns,
        "deployerRoleArns": access.deployer_role_arns,
        "readerRoleArns": access.reader_role_arns,
    }
    names = {arn.rsplit("/", 1)[-1]: f"cluster.{key}" for key, arns in lists.items() for arn in arns}
    if aws.caller_role is None:
        yield look(
            "creator",
            "the credentials are not those of a role",
            "create the cluster as a role that others can assume: its creator stays an administrator",
        )
    elif aws.caller_role in names:
        yield stop(
            "creator",
            f"the role {aws.caller_role} creates the cluster and stands in {names[aws.caller_role]}",
            "take it out: EKS gives the creator an access entry of its own, and refuses a second one",
        )
    else:
        yield ok("creator", f"the role {aws.caller_role} becomes an administrator of the cluster")


def zones(aws: Aws, settings: config.Settings) -> Iterator[Finding]:
    """Whether the region is enabled, and has the stack's zones, which EKS takes."""
    ec2 = aws.client("ec2")
    regions = ec2.describe_regions(AllRegions=True, RegionNames=[settings.region])["Regions"]
    if any(region.get("OptInStatus") == "not-opted-in" for region in regions):
        yield stop("region", f"{settings.region} is not enabled", "enable it under Account, AWS Regions")
        return
    there = {zone["ZoneName"]: zone for zone in ec2.describe_availability_zones()["AvailabilityZones"]}
    usual = [name for name, zone in there.items() if zone.get("ZoneType", "availability-zone") == "availability-zone"]
    for name in settings.network.zones:
        if name not in usual or there[name]["State"] != "available":
            yield stop("zone", f"{name} is not available to this account", f"choose from {', '.join(sorted(usual))}")
        elif there[name]["ZoneId"] in ZONES_WITHOUT_EKS.get(settings.region, set[str]()):
            yield stop("zone", f"{name} is {there[name]['ZoneId']}, where EKS makes no control plane", "choose another")
        else:
            yield ok("zone", f"{name} ({there[name]['ZoneId']})")


def instance_types(aws: Aws, settings: config.Settings) -> Iterator[Finding]:
    """Whether each zone offers the instance types of both environments."""
    wanted = sorted({name for _, _, nodes in settings.environments.node_pools() for name in nodes.instance_types})
    offers = _pages(
        aws.client("ec2"),
        "describe_instance_type_offerings",
        LocationType="availability-zone",
        Filters=[
            {"Name": "instance-type", "Values": wanted},
            {"Name": "location", "Values": list(settings.network.zones)},
        ],
    )
    offered = {(offer["InstanceType"], offer["Location"]) for page in offers for offer in page["InstanceTypeOfferings"]}
    for name in wanted:
        missing = [zone for zone in settings.network.zones if (name, zone) not in offered]
        if missing:
            yield stop(
                "instance type",
                f"{name} is not offered in {', '.join(missing)}",
                "choose another type or another zone: a node group has nodes in each of them",
            )
        else:
            yield ok("instance type", f"{name} is offered in every zone")


def volume_key(aws: Aws, settings: config.Settings) -> Iterator[Finding]:
    """Whether nodes and pods may use the key by which EBS encrypts volumes where no other is named.

    A customer managed key must allow it: Auto Scaling for the root volumes of nodes, the CSI driver for those of pods.
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    """
    subject = "EBS key"
    identifier = str(aws.client("ec2").get_ebs_default_kms_key_id()["KmsKeyId"])
    key = aws.client("kms").describe_key(KeyId=identifier)["KeyMetadata"]
    if identifier.endswith("alias/aws/ebs") or key["KeyManager"] == "AWS":
        yield ok(subject, "volumes are encrypted with the AWS managed key where no other is named")
        return
    if settings.cluster.volume_key_arn is None:
        yield stop(
            subject,
            f"the account's default key for EBS is {key['Arn']}, which the volumes of pods may not use",
            "set cluster.volumeKeyArn to it, or to another key",
        )
    yield look(
        subject,
        f"the root volumes of nodes are encrypted with {key['Arn']}",
        "see that its policy lets AWSServiceRoleForAutoScaling use it and create grants: else no node starts",
    )


def docker_hub_secret(aws: Aws, settings: config.Settings) -> Iterator[Finding]:
    """Whether the secret with the login of Docker Hub is there, and ECR can decrypt it.

    ECR reads it when the cache is made, by a role of its own that may use no customer managed key.
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html
    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSECRPullThroughCache_ServiceRolePolicy.html
    """
    subject, arn = "Docker Hub login", settings.cluster.docker_hub_secret_arn
    if arn is None:
        return
    try:
        key = aws.client("secretsmanager").describe_secret(SecretId=arn).get("KmsKeyId")
    except ClientError as error:
        yield stop(subject, f"{arn}: {error}", "correct cluster.dockerHubSecretArn, or leave it out")
        return
    if key and not str(key).endswith("alias/aws/secretsmanager"):
        yield look(
            subject,
            f"the secret is encrypted with {key}",
            "see that the key's policy lets AWSServiceRoleForECRPullThroughCache decrypt with it",
        )
    else:
        yield ok(subject, arn)


def quotas(aws: Aws, settings: config.Settings, stack: str) -> Iterator[Finding]:
    """Whether the account's quotas leave room for the stack.

    Codes: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
    """
    client = aws.client("service-quotas")
    for quota in _quotas(aws, settings, stack):
        command = f"aws service-quotas request-service-quota-increase --region {settings.region}"
        command += f" --service-code {quota.service} --quota-code {quota.code} --desired-value {quota.most:g}"
        try:
            limit = client.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)["Quota"]["Value"]
            used = quota.used()
        except (ClientError, BotoCoreError) as error:
            yield look(quota.subject, f"the quota cannot be read ({error})", "see Service Quotas in the console")
            continue
        fact = f"{limit:g}, of which {used:g} are used elsewhere; the stack takes {quota.first:g} at first"
        fact += f" and up to {quota.most:g}" if quota.most > quota.first else ""
        if used + quota.first > limit:
            yield stop(quota.subject, fact, f"{command}  # add what else the account uses")
        elif used + quota.most > limit:
            yield look(quota.subject, fact, f"{command}  # before the stack grows")
        else:
            yield ok(quota.subject, fact)


def _quotas(aws: Aws, settings: config.Settings, stack: str) -> list[Quota]:
    ec2 = aws.client("ec2")
    gateways = len(settings.network.zones) if settings.network.nat_gateways == "per-zone" else 1
    platform = f"hello-{stack}"

    def of_others(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [item for item in items if not _is_of_stack(item.get("Tags", []), stack, platform)]

    def vcpus(name: str, code: str, *, spot: bool) -> Quota:
        def used() -> int:
            pages = _pages(ec2, "describe_instances", Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
            instances = [one for page in pages for group in page["Reservations"] for one in group["Instances"]]
            alike = [one for one in of_others(instances) if (one.get("InstanceLifecycle") == "spot") == spot]
            return sum(_standard_vcpus(one["InstanceType"]) for one in alike)

        pools = [
            (pool, max(map(_standard_vcpus, pool.instance_types)))
            for _, _, pool in settings.environments.node_pools()
            if (isinstance(pool, config.ServiceNodes) and pool.spot) == spot
        ]

        def more(pool: config.Nodes | config.ServiceNodes) -> int:
            groups = managed_groups(platform, pool, settings.network.zones)
            return sum(MORE_NODES_IN_A_ZONE * len(group.zones) for group in groups)

        first = sum(pool.desired * size for pool, size in pools)
        most = sum((pool.max + more(pool)) * size for pool, size in pools)
        return Quota(f"vCPUs of standard {name}", "ec2", code, used, first, most)

    spot_quota = vcpus("Spot instances", "L-34B43A08", spot=True)
    return [
        vcpus("On-Demand instances", "L-1216C47A", spot=False),
        *([spot_quota] if spot_quota.most else []),
        Quota(
            "Elastic IP addresses",
            "ec2",
            "L-0263D0A3",
            lambda: len(of_others(ec2.describe_addresses()["Addresses"])),
            gateways,
            gateways,
        ),
        Quota("VPCs", "vpc", "L-F678F1CE", lambda: len(of_others(ec2.describe_vpcs()["Vpcs"])), 1, 1),
        Quota(
            "rules of a security group",
            "vpc",
            "L-0EA8095F",
            lambda: 0,
            *[2 * max(len(settings.load_balancer.staff_cidrs), len(settings.load_balancer.public_cidrs))] * 2,
        ),
    ]


def _standard_vcpus(name: str) -> int:
    """The vCPUs that an instance of a type takes of the quota of standard instances; an unknown type counts as none."""
    known = known_types().get(name)
    return known.vcpus if known and name[0] in STANDARD_FAMILIES else 0


def _is_of_stack(tags: list[dict[str, str]], stack: str, platform: str) -> bool:
    """Whether a resource is this stack's, or a node of its cluster, as an earlier `up` made them."""
    values = {tag["Key"]: tag["Value"] for tag in tags}
    return (values.get("platform"), values.get("stack")) == (config.PROJECT, stack) or (
        f"kubernetes.io/cluster/{platform}" in values
    )


def _pages(client: Any, operation: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    return iter(client.get_paginator(operation).paginate(**arguments))
