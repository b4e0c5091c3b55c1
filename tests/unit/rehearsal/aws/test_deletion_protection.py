"""A load balancer with deletion protection is not deleted, by whomever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

from rehearsal import aws
from rehearsal.aws import DELETION_PROTECTION
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import serve

REGION = "ap-northeast-2"


def test_a_protected_load_balancer_stays_until_its_protection_is_off(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html."""
    layout = Layout(tmp_path)
    serve(layout)
    ec2, elbv2 = (aws.client(layout, service, region=REGION) for service in ("ec2", "elbv2"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for number, zone in enumerate("ac")
    ]
    made: Any = elbv2.create_load_balancer(Name="k8s", Subnets=[one["SubnetId"] for one in subnets])
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    for value in ("true", "false"):
        attribute = {"Key": DELETION_PROTECTION, "Value": value}
        elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[attribute])
        if value == "true":
            with pytest.raises(ClientError, match="OperationNotPermitted"):
                elbv2.delete_load_balancer(LoadBalancerArn=arn)
        assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
