"""AWS partitions: groups of regions whose ARNs, accounts and DNS names are separate."""

from __future__ import annotations

PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""Partition by the beginning of its regions' names; all others are in `aws`.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""


def partition_of(region: str) -> str:
    """The partition of a region, the second part of each ARN."""
    return next((name for prefix, name in PARTITIONS.items() if region.startswith(prefix)), "aws")


def dns_suffix(region: str) -> str:
    """The end of the names of services in a region, as in `ec2.amazonaws.com`.

    https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
    """
    return "amazonaws.com.cn" if partition_of(region) == "aws-cn" else "amazonaws.com"


def arn(partition: str, service: str, resource: str, *, region: str = "", owner: str = "") -> str:
    """An ARN.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html

    Args:
        partition: Partition of the resource's region.
        service: Its service.
        resource: Its type and name, such as `role/NAME`.
        region: Its region; empty for a global resource.
        owner: Its account, or `aws` for AWS's own; empty where the service has none in its ARNs.
    """
    return f"arn:{partition}:{service}:{region}:{owner}:{resource}"
