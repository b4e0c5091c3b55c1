"""The resources in the account by its own API: none that costs money or blocks a deletion is left after a destroy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal import aws
from rehearsal.layout import Layout

_LISTED = (
    ("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    ("ec2", "describe_addresses", "Addresses", "AllocationId"),
    ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_volumes", "Volumes", "VolumeId"),
    ("ecr", "describe_repositories", "repositories", "repositoryName"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    ("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
)
"""Service, operation, key of the list in the response, key of the name. A stack's lists fit on one page each."""


def of(layout: Layout, region: str) -> list[str]:
    """All resources but the default VPC, one line each: the response's list, and the resource's name or id."""
    found = [
        f"{of_answer} {one[name]}"
        for service, operation, of_answer, name in _LISTED
        for one in _asked(layout, service, region, operation)[of_answer]
    ]
    return [*found, *_networks(layout, region), *_keys(layout, region)]


def _asked(layout: Layout, service: str, region: str, operation: str, **parameters: Any) -> Any:
    return getattr(aws.client(layout, service, region=region), operation)(**parameters)


def _networks(layout: Layout, region: str) -> Iterator[str]:
    own = [{"Name": "is-default", "Values": ["false"]}]
    for vpc in _asked(layout, "ec2", region, "describe_vpcs", Filters=own)["Vpcs"]:
        yield f"Vpcs {vpc['VpcId']}"
        within = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        for operation, of_answer, name in (
            ("describe_subnets", "Subnets", "SubnetId"),
            ("describe_security_groups", "SecurityGroups", "GroupId"),
            ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
        ):
            for one in _asked(layout, "ec2", region, operation, Filters=within)[of_answer]:
                yield f"{of_answer} {one[name]}"


def _keys(layout: Layout, region: str) -> Iterator[str]:
    """Yields the KMS keys that are not scheduled for deletion, without AWS managed keys."""
    aliases = _asked(layout, "kms", region, "list_aliases")["Aliases"]
    of_aws = {one.get("TargetKeyId") for one in aliases if one["AliasName"].startswith("alias/aws/")}
    for key in _asked(layout, "kms", region, "list_keys")["Keys"]:
        described = _asked(layout, "kms", region, "describe_key", KeyId=key["KeyId"])["KeyMetadata"]
        if described["KeyState"] != "PendingDeletion" and key["KeyId"] not in of_aws:
            yield f"Keys {key['KeyId']}"
