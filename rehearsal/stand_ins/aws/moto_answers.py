"""What moto knows without an account: which documents IAM and ECR can read, which zones there are.

It is asked in this process, as previews are before any account is there, and imported only then: it takes a second.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any

from rehearsal.stand_ins.aws.errors import AwsError

_IMPORTING = threading.Lock()


def _moto(module: str) -> Any:
    """A module of moto's.

    One thread at a time: they import one another in circles, in which two threads that begin in different places wait
    for each other ("deadlock detected by _ModuleLock").
    """
    with _IMPORTING:
        return importlib.import_module(f"moto.{module}")


@contextmanager
def _in_aws_words() -> Generator[None]:
    """Passes moto's refusals on as ours."""
    ServiceException = _moto("core.exceptions").ServiceException  # noqa: N806 - moto's name

    try:
        yield
    except ServiceException as error:
        raise AwsError(str(error.code), str(error.message)) from None


@cache
def availability_zones(region: str) -> dict[str, str]:
    """The region's zones and their ids, by name in order; empty for a region there is not."""
    RegionsAndZonesBackend = _moto("ec2.models.availability_zones_and_regions").RegionsAndZonesBackend  # noqa: N806 - moto's name

    zones: list[Any] = RegionsAndZonesBackend.zones.get(region, [])
    return {str(zone.name): str(zone.zone_id) for zone in sorted(zones, key=lambda zone: str(zone.name))}


def judge_trust_policy(document: str) -> None:
    """Refuses a role's trust policy that IAM cannot read.

    Raises:
        AwsError: `MalformedPolicyDocument`.
    """
    IAMTrustPolicyDocumentValidator = _moto("iam.policy_validation").IAMTrustPolicyDocumentValidator  # noqa: N806 - moto's name

    with _in_aws_words():
        IAMTrustPolicyDocumentValidator(document).validate()


def judge_policy(document: str) -> None:
    """Refuses an identity's policy that IAM cannot read.

    Raises:
        AwsError: `MalformedPolicyDocument`.
    """
    IAMPolicyDocumentValidator = _moto("iam.policy_validation").IAMPolicyDocumentValidator  # noqa: N806 - moto's name

    with _in_aws_words():
        IAMPolicyDocumentValidator(document).validate()


@cache
def _aws_managed_policies() -> frozenset[str]:
    aws_managed_policies_data = _moto("iam.aws_managed_policies").aws_managed_policies_data

    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return frozenset(f"{policy['Path']}{name}" for name, policy in policies.items())


def is_aws_managed_policy(path_and_name: str) -> bool:
    """Whether AWS has a managed policy of this path and name, e.g. `/AmazonEKSClusterPolicy`."""
    return path_and_name in _aws_managed_policies()


def judge_lifecycle_policy(document: str) -> None:
    """Refuses lifecycle rules that ECR cannot read.

    Raises:
        AwsError: `InvalidParameterException`.
    """
    EcrLifecyclePolicyValidator = _moto("ecr.policy_validation").EcrLifecyclePolicyValidator  # noqa: N806 - moto's name

    with _in_aws_words():
        EcrLifecyclePolicyValidator(document).validate()
