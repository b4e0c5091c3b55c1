"""The emulator of the provider aws, with creates that take a fraction of their time on AWS.

Times are AWS's published ones, or else common observations; benchmarks compare their ratios.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import grpc

from rehearsal.emulators.aws.provider import AwsProvider, type_of
from rehearsal.layout import Layout
from rehearsal.plugin import serve

MODULE = "tools.benchmarks.creation_times"

SCALE_VARIABLE = "HELLO_CREATION_TIME_SCALE"
"""Environment variable with the fraction of AWS's times that creates take; they take no extra time without it."""

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


def seconds(type_token: str) -> float:
    """AWS's creation time of a type."""
    return SECONDS.get(type_token, OTHERWISE)


class TimedProvider(AwsProvider):
    """The provider `aws` with creation times."""

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Creates a resource after its type's creation time, scaled."""
        if not request.preview:
            time.sleep(float(os.environ.get(SCALE_VARIABLE, "0")) * seconds(type_of(request.urn)))
        return super().Create(request, context)


if __name__ == "__main__":
    serve(TimedProvider(Layout.of_environment()).add_to)
