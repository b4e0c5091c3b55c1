"""Targets of load balancers come and go with their instances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

from rehearsal import aws
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import serve

REGION = "ap-northeast-2"


def test_a_target_that_has_ended_is_deregistered_without_an_error(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    serve(layout)
    ec2, elbv2 = (aws.client(layout, service, region=REGION) for service in ("ec2", "elbv2"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    started: Any = ec2.run_instances(ImageId="ami-1", MinCount=2, MaxCount=2, SubnetId=subnet)
    targets = [{"Id": one["InstanceId"], "Port": 30080} for one in started["Instances"]]
    (group,) = elbv2.create_target_group(Name="a", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"]
    arn = group["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=arn, Targets=targets)
    ec2.terminate_instances(InstanceIds=[targets[0]["Id"]])
    elbv2.deregister_targets(TargetGroupArn=arn, Targets=targets)
    assert elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"] == []
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        elbv2.deregister_targets(TargetGroupArn=arn.replace("/a/", "/b/"), Targets=targets)
