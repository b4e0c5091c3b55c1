"""Rules are reordered as the load balancer controller does it when Ingresses are added or removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

from rehearsal import aws
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import serve

REGION = "ap-northeast-2"
ANSWER = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}


class Listener:
    """A listener with a rule for each of some hosts, at priorities 1, 2, …."""

    def __init__(self, folder: Path, *hosts: str) -> None:
        layout = Layout(folder)
        serve(layout)
        ec2 = aws.client(layout, "ec2", region=REGION)
        self._elbv2: Any = aws.client(layout, "elbv2", region=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
            for number, zone in enumerate("ac")
        ]
        made = self._elbv2.create_load_balancer(Name="k8s", Subnets=[one["SubnetId"] for one in subnets])
        (balancer,) = made["LoadBalancers"]
        self._arn = self._elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[ANSWER]
        )["Listeners"][0]["ListenerArn"]
        self._rules = {
            host: self._elbv2.create_rule(
                ListenerArn=self._arn,
                Priority=priority,
                Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [host]}}],
                Actions=[ANSWER],
            )["Rules"][0]["RuleArn"]
            for priority, host in enumerate(hosts, start=1)
        }

    def order(self, **priorities: int) -> None:
        """Sets priorities by host."""
        pairs = [{"RuleArn": self._rules[host], "Priority": priority} for host, priority in priorities.items()]
        self._elbv2.set_rule_priorities(RulePriorities=pairs)

    def lead(self, host: str, group: str) -> list[str]:
        """Has the rule of a host lead to a new target group, and returns the group's load balancers."""
        vpc = self._elbv2.describe_load_balancers()["LoadBalancers"][0]["VpcId"]
        made = self._elbv2.create_target_group(Name=group, Protocol="HTTP", Port=80, VpcId=vpc)
        arn = made["TargetGroups"][0]["TargetGroupArn"]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": arn, "Weight": 1}]}}
        self._elbv2.modify_rule(RuleArn=self._rules[host], Actions=[action])
        return self._elbv2.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]["LoadBalancerArns"]

    def priorities(self) -> dict[str, str]:
        """What the account then says, by host."""
        hosts = {arn: host for host, arn in self._rules.items()}
        rules = self._elbv2.describe_rules(ListenerArn=self._arn)["Rules"]
        return {hosts[one["RuleArn"]]: one["Priority"] for one in rules if not one["IsDefault"]}


def test_rules_take_one_anothers_priorities(tmp_path: Path) -> None:
    listener = Listener(tmp_path, "a", "b", "c")
    listener.order(a=50000, b=1, c=2)
    assert listener.priorities() == {"a": "50000", "b": "1", "c": "2"}


def test_a_target_group_knows_the_load_balancer_of_a_rule_that_is_changed_to_lead_to_it(tmp_path: Path) -> None:
    (balancer,) = Listener(tmp_path, "a").lead("a", "green")
    assert ":loadbalancer/app/k8s/" in balancer


def test_the_priority_of_a_rule_that_is_not_named_is_in_use_and_nothing_changes(tmp_path: Path) -> None:
    listener = Listener(tmp_path, "a", "b", "c")
    with pytest.raises(ClientError, match="PriorityInUse"):
        listener.order(a=2, b=3)
    assert listener.priorities() == {"a": "1", "b": "2", "c": "3"}
