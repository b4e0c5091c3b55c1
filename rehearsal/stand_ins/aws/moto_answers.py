"""Answers that moto gives: its models of AWS's rules, asked in this process.

moto is imported only when a question comes up: it takes more than a second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from rehearsal.stand_ins.aws.account import ACCOUNT_ID
from rehearsal.stand_ins.aws.errors import AwsError

# moto reads this at import: without it each backend begins with a catalogue of machine images nobody asks for.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

ELSEWHERE = "ap-northeast-2"
"""The region for questions whose answer is the same in all."""


@contextmanager
def _in_aws_words() -> Generator[None]:
    """Passes moto's refusals on as ours."""
    from moto.core.exceptions import ServiceException  # noqa: PLC0415 - see the module's docstring

    try:
        yield
    except ServiceException as error:
        raise AwsError(str(error.code), str(error.message)) from None


def _ec2(region: str) -> Any:
    """An empty EC2 of moto's."""
    from moto.ec2.models import EC2Backend  # noqa: PLC0415 - see the module's docstring

    return cast("Any", EC2Backend)(region, ACCOUNT_ID)


def judge_vpc(cidr_block: str) -> None:
    """Refuses an address range that no VPC may have.

    Raises:
        AwsError: `InvalidVpc.Range`, `InvalidParameterValue`.
    """
    with _in_aws_words():
        _ec2(ELSEWHERE).create_vpc(cidr_block)


def judge_subnet(vpc_cidr_block: str, neighbours: Iterable[str], cidr_block: str) -> None:
    """Refuses a subnet outside its VPC, or one that overlaps a neighbour.

    Raises:
        AwsError: `InvalidSubnet.Range`, `InvalidSubnet.Conflict`.
    """
    with _in_aws_words():
        backend = _ec2(ELSEWHERE)
        vpc = backend.create_vpc(vpc_cidr_block)
        for subnet in (*neighbours, cidr_block):
            backend.create_subnet(vpc.id, subnet, availability_zone=f"{ELSEWHERE}a")


@cache
def availability_zones(region: str) -> dict[str, str]:
    """The region's zones and their ids, by name in order; empty for a region there is not."""
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend  # noqa: PLC0415 - see above

    zones: list[Any] = cast("Any", RegionsAndZonesBackend).zones.get(region, [])
    return {str(zone.name): str(zone.zone_id) for zone in sorted(zones, key=lambda zone: str(zone.name))}


def judge_trust_policy(document: str) -> None:
    """Refuses a role's trust policy that IAM cannot read.

    Raises:
        AwsError: `MalformedPolicyDocument`.
    """
    from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator  # noqa: PLC0415 - see the docstring

    with _in_aws_words():
        cast("Any", IAMTrustPolicyDocumentValidator)(document).validate()


def judge_policy(document: str) -> None:
    """Refuses an identity's policy that IAM cannot read.

    Raises:
        AwsError: `MalformedPolicyDocument`.
    """
    from moto.iam.policy_validation import IAMPolicyDocumentValidator  # noqa: PLC0415 - see the module's docstring

    with _in_aws_words():
        cast("Any", IAMPolicyDocumentValidator)(document).validate()


@cache
def _aws_managed_policies() -> frozenset[str]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data  # noqa: PLC0415 - see the docstring

    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return frozenset(f"{policy['Path']}{name}" for name, policy in policies.items())


def is_aws_managed_policy(path_and_name: str) -> bool:
    """Whether AWS has a managed policy of this path and name, e.g. `/AmazonEKSClusterPolicy`."""
    return path_and_name in _aws_managed_policies()


def judge_repository(name: str) -> None:
    """Refuses a name that ECR does not take.

    Raises:
        AwsError: `InvalidParameterException`.
    """
    from moto.ecr.models import ECRBackend  # noqa: PLC0415 - see the module's docstring

    with _in_aws_words():
        cast("Any", ECRBackend)(ELSEWHERE, ACCOUNT_ID).create_repository(
            name, None, None, None, None, [], image_tag_mutability_exclusion_filters=None
        )


def judge_lifecycle_policy(document: str) -> None:
    """Refuses lifecycle rules that ECR cannot read.

    Raises:
        AwsError: `InvalidParameterException`.
    """
    from moto.ecr.policy_validation import EcrLifecyclePolicyValidator  # noqa: PLC0415 - see the module's docstring

    with _in_aws_words():
        cast("Any", EcrLifecyclePolicyValidator)(document).validate()
