"""How long AWS takes to make things, for those who measure in which order a program waits.

Nothing waits unless `HELLO_CREATION_TIME_SCALE` says how much of the true time: 0.01 makes six seconds of ten minutes.
The times are what AWS publishes where it does, and otherwise what is commonly seen; a benchmark is about their ratios.
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
    # Commonly half a minute to a minute, until EKS calls it active.
    "aws:eks/addon:Addon": 45,
    "aws:eks/accessEntry:AccessEntry": 2,
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": 2,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": 2,
    # "Pending" for one to two minutes: https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
    "aws:ec2/natGateway:NatGateway": 110,
    # The provider waits for the attributes that it sets afterwards, such as DNS host names.
    "aws:ec2/vpc:Vpc": 12,
    # Likewise: a public address on launch.
    "aws:ec2/subnet:Subnet": 11,
    "aws:ec2/internetGateway:InternetGateway": 1,
    "aws:ec2/eip:Eip": 1,
    "aws:ec2/vpcEndpoint:VpcEndpoint": 6,
    # The provider waits until IAM shows to all what it made.
    "aws:iam/role:Role": 2,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": 1,
    # The provider waits for the policy and the rotation to be seen by all:
    # https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency
    "aws:kms/key:Key": 15,
}
"""Seconds by Pulumi's type; what is not here takes `OTHERWISE`."""

OTHERWISE = 1.0


def scale(environment: Mapping[str, str] = os.environ) -> float:
    """How much of the true time is waited; 0 by default.

    Raises:
        RehearsalError: The variable is no number, or a negative one.
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
    """How long AWS takes to make one of this type."""
    return SECONDS.get(type_token, OTHERWISE)


def wait(
    type_token: str, *, environment: Mapping[str, str] = os.environ, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Waits as long as AWS takes to make one of this type, scaled.

    Raises:
        RehearsalError: The scale is none.
    """
    share = scale(environment)
    if share:
        sleep(share * seconds(type_token))
