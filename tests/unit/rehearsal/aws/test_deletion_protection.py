"""A load balancer with deletion protection is not deleted, by whomever."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

from rehearsal.aws import DELETION_PROTECTION
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.traffic import load_balancer


def test_a_protected_load_balancer_stays_until_its_protection_is_off(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html."""
    elbv2, _, arn = load_balancer(Layout(tmp_path), "k8s")
    for value in ("true", "false"):
        attribute = {"Key": DELETION_PROTECTION, "Value": value}
        elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[attribute])
        if value == "true":
            with pytest.raises(ClientError, match="OperationNotPermitted"):
                elbv2.delete_load_balancer(LoadBalancerArn=arn)
        assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
