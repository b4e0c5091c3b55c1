"""Creation times of AWS resources, for benchmarks of a program's critical path.

Creates take no extra time unless `HELLO_CREATION_TIME_SCALE` is set to a fraction of the real time: 0.01 turns ten
minutes into six seconds. Times are AWS's published ones, or else common observations; benchmarks compare their ratios.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from rehearsal.errors import RehearsalError

SCALE_VARIABLE = "HELLO_CREATION_TIME_SCALE"

SECONDS: Mapping[str, float] = {
    # "Cluster provisioning takes several minutes", up to 10:
    # https://docs.aws.amazon.com/eks/latest/userguide/create-cluster.html
    "aws:eks/cluster:Cluster": 540,
    # Commonly 2 to 3 minutes from the request to ready nodes.
    "aws:eks/nodeGroup:NodeGroup": 150,
    # Commonly half a minute to a minute until `ACTIVE`.
    "aws:eks/addon:Addon": 45,
    "aws:eks/accessEntry:AccessEntry": 2,
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": 2,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": 2,
    # "Pending" for one to two minutes: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
    "aws:ec2/natGateway:NatGateway": 110,
    # The provider waits for attributes that it sets after the creation, e.g. DNS host names.
    "aws:ec2/vpc:Vpc": 12,
    # Likewise: a public address on launch.
    "aws:ec2/subnet:Subnet": 11,
    "aws:ec2/internetGateway:InternetGateway": 1,
    "aws:ec2/eip:Eip": 1,
    "aws:ec2/vpcEndpoint:VpcEndpoint": 6,
    # The provider waits for IAM's eventual consistency.
    "aws:iam/role:Role": 2,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": 1,
    # The provider waits for the policy and the rotation to propagate:
    # https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency
    "aws:kms/key:Key": 15,
}
"""Seconds by Pulumi's type; all other types take `OTHERWISE`."""

OTHERWISE = 1.0


def scale(environment: Mapping[str, str] = os.environ) -> float:
    """The fraction of the real time, at least 0; 0 by default.

    Raises:
        RehearsalError: The variable is not a finite number of at least 0.
    """
    text = environment.get(SCALE_VARIABLE, "0")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise RehearsalError(
            f"{SCALE_VARIABLE} is {text!r}", remedy="set it to a share of AWS's times, such as 0.01; or unset it."
        )
    return value


def seconds(type_token: str) -> float:
    """AWS's creation time of a type."""
    return SECONDS.get(type_token, OTHERWISE)


def wait(
    type_token: str, *, environment: Mapping[str, str] = os.environ, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Waits for a type's creation time, scaled.

    Raises:
        RehearsalError: The scale is invalid.
    """
    share = scale(environment)
    if share:
        sleep(share * seconds(type_token))
