"""Reading an account's load balancers, and the number of calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearsal import aws
from rehearsal.errors import RehearsalError
from rehearsal.front_door import haproxy
from rehearsal.front_door.elbv2 import State, guards_of, read
from rehearsal.front_door.load_balancers import targets
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import serve
from tests.unit.rehearsal.front_door.account import DOMAIN, OFFICE, TO_HTTPS, both_ports, condition, fixed, permission

REGION = "ap-northeast-2"

ZONES_STAY = {"Key": "target_group_health.dns_failover.minimum_healthy_targets.count", "Value": "off"}
"""An attribute of every target group."""


@dataclass
class Account:
    """An account with one load balancer.

    Attributes:
        elbv2: A client.
        ec2: A client.
        balancer: The load balancer's ARN.
        listener: The ARN of its listener of HTTPS.
        groups: The target groups' ARNs.
        rules: The ARNs of its rules.
        instance: A node's.
        vpc: The VPC's id.
    """

    elbv2: Any
    ec2: Any
    balancer: str
    listener: str
    groups: list[str]
    rules: list[str]
    instance: str
    vpc: str

    def forward(self, group: int) -> dict[str, Any]:
        """An action."""
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": self.groups[group]}]}}


def fill(layout: Layout) -> Account:
    """Makes in an account what the AWS Load Balancer Controller makes for one host with two paths."""
    elbv2, ec2, acm = (aws.client(layout, name, region=REGION) for name in ("elbv2", "ec2", "acm"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]
    front, back, nodes = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("front", "back", "nodes")
    )
    ec2.authorize_security_group_ingress(GroupId=front, IpPermissions=both_ports(OFFICE))
    ec2.authorize_security_group_ingress(GroupId=nodes, IpPermissions=[permission(30000, 32767, group=back)])
    interface = {"DeviceIndex": 0, "SubnetId": subnets[0], "PrivateIpAddress": "10.0.0.10", "Groups": [nodes]}
    instance = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, NetworkInterfaces=[interface])[
        "Instances"
    ][0]["InstanceId"]
    balancer = elbv2.create_load_balancer(
        Name="public", Subnets=subnets, SecurityGroups=[front, back], Scheme="internet-facing", Type="application"
    )["LoadBalancers"][0]["LoadBalancerArn"]
    groups = [
        elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc, HealthCheckPath="/health")[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        for name in ("gateway", "frontend")
    ]
    for number, group in enumerate(groups, start=31001):
        elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=[ZONES_STAY])
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance, "Port": number}])
    certificate = acm.request_certificate(DomainName=DOMAIN)["CertificateArn"]
    elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[TO_HTTPS])
    secure = elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[fixed(404)],
    )["Listeners"][0]["ListenerArn"]
    made = Account(elbv2, ec2, balancer, secure, groups, [], instance, vpc)
    for priority, (group, patterns) in enumerate(((0, ("/api", "/api/*")), (1, ("/*",))), start=1):
        conditions = [condition("host-header", DOMAIN), condition("path-pattern", *patterns)]
        rule = elbv2.create_rule(
            ListenerArn=secure, Priority=priority, Conditions=conditions, Actions=[made.forward(group)]
        )
        made.rules.append(rule["Rules"][0]["RuleArn"])
    return made


@pytest.fixture
def account(tmp_path: Path) -> Account:
    serve(Layout(tmp_path))
    return fill(Layout(tmp_path))


def test_an_empty_account_has_nothing(tmp_path: Path) -> None:
    serve(Layout(tmp_path))
    elbv2, ec2 = (aws.client(Layout(tmp_path), name, region=REGION) for name in ("elbv2", "ec2"))
    assert read(elbv2, ec2) == State(load_balancers=[], target_groups=[], instances=[])


def test_all_is_read_that_a_request_depends_on(account: Account) -> None:
    found = read(account.elbv2, account.ec2)
    (balancer,) = found.load_balancers
    assert [one["Port"] for one in balancer["Listeners"]] == [80, 443]
    assert [one["Priority"] for one in balancer["Listeners"][1]["Rules"]] == ["1", "2", "default"]
    by_name = {group["TargetGroupName"]: targets(group, found) for group in found.target_groups}
    assert {name: (one.address, one.port, one.reachable) for name, (one,) in by_name.items()} == {
        "gateway": ("10.0.0.10", 31001, True),
        "frontend": ("10.0.0.10", 31002, True),
    }
    assert {group["GroupName"] for group in found.security_groups} == {"front", "back", "nodes"}
    text = haproxy.configuration(found, domain=DOMAIN, staff="A", outside="B")
    assert f"inbound src {OFFICE}" in text


def test_a_change_of_anything_is_read(account: Account) -> None:
    account.elbv2.deregister_targets(TargetGroupArn=account.groups[0], Targets=[{"Id": account.instance}])
    account.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=account.balancer, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "75"}]
    )
    account.elbv2.modify_target_group_attributes(
        TargetGroupArn=account.groups[1], Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "7"}]
    )
    found = read(account.elbv2, account.ec2)
    assert {group["TargetGroupName"]: len(group["Targets"]) for group in found.target_groups} == {
        "gateway": 0,
        "frontend": 1,
    }
    assert found.load_balancers[0]["Attributes"]["idle_timeout.timeout_seconds"] == "75"
    delays = {
        group["TargetGroupArn"]: group["Attributes"]["deregistration_delay.timeout_seconds"]
        for group in found.target_groups
    }
    assert delays == {account.groups[0]: "300", account.groups[1]: "7"}


def test_a_group_that_could_end_failover_between_zones_is_refused(account: Account) -> None:
    """AWS's default: an idle slot's group would take every zone for unhealthy."""
    account.elbv2.modify_target_group_attributes(
        TargetGroupArn=account.groups[0], Attributes=[{**ZONES_STAY, "Value": "1"}]
    )
    found = read(account.elbv2, account.ec2)
    with pytest.raises(RehearsalError, match=r"gateway: target_group_health\.dns_failover"):
        haproxy.configuration(found, domain=DOMAIN, staff="A", outside="B")


def test_a_group_has_the_defaults_of_aws(account: Account) -> None:
    made = account.elbv2.create_target_group(Name="new", Protocol="HTTP", Port=80, VpcId=account.vpc)
    (new,) = (one for one in read(account.elbv2, account.ec2).target_groups if one["TargetGroupName"] == "new")
    assert made["TargetGroups"][0]["TargetGroupArn"] == new["TargetGroupArn"]
    assert new["Attributes"][ZONES_STAY["Key"]] == "1"


def test_an_instance_that_is_gone_is_no_error(account: Account) -> None:
    account.elbv2.register_targets(TargetGroupArn=account.groups[0], Targets=[{"Id": account.instance, "Port": 31009}])
    account.ec2.terminate_instances(InstanceIds=[account.instance])
    found = read(account.elbv2, account.ec2)
    assert [target for group in found.target_groups for target in targets(group, found)] == []


def test_more_rules_than_a_page_has_are_read(account: Account) -> None:
    for priority in range(10, 80):
        account.elbv2.create_rule(
            ListenerArn=account.listener,
            Priority=priority,
            Conditions=[condition("path-pattern", f"/{priority}")],
            Actions=[account.forward(0)],
        )
    (balancer,) = read(account.elbv2, account.ec2).load_balancers
    assert len(balancer["Listeners"][1]["Rules"]) == 73


def test_it_takes_four_calls_for_all_and_a_few_for_each_object(account: Account) -> None:
    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    for client in (account.elbv2, account.ec2):
        client.meta.events.register("before-call", note)
    read(account.elbv2, account.ec2)
    for client in (account.elbv2, account.ec2):
        client.meta.events.unregister("before-call", note)
    assert Counter(calls) == {
        "DescribeLoadBalancers": 1,
        "DescribeTargetGroups": 1,
        "DescribeInstances": 1,
        "DescribeSecurityGroups": 1,
        "DescribeLoadBalancerAttributes": 1,
        "DescribeListeners": 1,
        "DescribeListenerAttributes": 2,
        "DescribeRules": 2,
        "DescribeTargetGroupAttributes": 2,
        "DescribeTargetHealth": 2,
    }


def test_security_groups_are_those_of_the_interface_with_the_address() -> None:
    interfaces = [
        {"PrivateIpAddress": "10.0.0.1", "Groups": [{"GroupId": "sg-1"}]},
        {"PrivateIpAddress": "10.0.0.2", "Groups": [{"GroupId": "sg-2"}]},
    ]
    assert guards_of({"PrivateIpAddress": "10.0.0.2", "NetworkInterfaces": interfaces}) == {"sg-2"}
