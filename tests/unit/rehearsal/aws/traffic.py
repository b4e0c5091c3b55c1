"""An account with a load balancer whose requests are counted from lines of HAProxy's log, by a clock of the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal import aws
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import Metrics, serve

REGION = "ap-northeast-2"
NOON = 1_767_268_800
"""2026-01-01 12:00 UTC, in seconds since the epoch."""


def line(group: str, status: int = 200, milliseconds: int = 10, server: str = "i-1:30080", state: str = "----") -> str:
    """A line of HAProxy's log, of a request that a target answered after so many milliseconds; -1 if none did.

    https://docs.haproxy.org/2.6/configuration.html#8.2.3
    """
    return (
        f"127.0.0.1:40112 [01/Jan/2026:12:00:00.123] front-door {group}/{server} 0/0/1/{milliseconds}/+12 "
        f'{status} 350 - - {state} 3/3/1/0/0 0/0 "GET /checkout HTTP/1.1"'
    )


@dataclass
class Traffic:
    """A load balancer's traffic.

    Attributes:
        layout: The rehearsal.
        metrics: What is counted.
        groups: ARNs of the target groups, by name.
        now: The time, in seconds since the epoch.
    """

    layout: Layout
    metrics: Metrics
    groups: Mapping[str, str]
    now: float = NOON
    clients: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])

    def client(self, service: str, region: str) -> Any:
        """A client of the account."""
        return aws.client(self.layout, service, region=region)

    def send(self, group: str, count: int, **of_line: Any) -> None:
        """Counts requests now."""
        for _ in range(count):
            self.metrics.count(line(group, **of_line))


def load_balancer(layout: Layout, name: str) -> tuple[Any, str, str]:
    """An account with a load balancer in a VPC of its own: a client of ELBv2, the VPC's id, the load balancer's ARN."""
    serve(layout)
    ec2, elbv2 = (aws.client(layout, service, region=REGION) for service in ("ec2", "elbv2"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for number, zone in enumerate("ac")
    ]
    made: Any = elbv2.create_load_balancer(Name=name, Subnets=[one["SubnetId"] for one in subnets])
    return elbv2, vpc, made["LoadBalancers"][0]["LoadBalancerArn"]


def make(folder: Path, *names: str) -> Traffic:
    """An account with a load balancer and a rule for each of some target groups; the group `unused` has no rule."""
    layout = Layout(folder)
    elbv2, vpc, balancer = load_balancer(layout, "public")
    settings = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc}
    groups = {
        name: elbv2.create_target_group(Name=name, **settings)["TargetGroups"][0]["TargetGroupArn"]
        for name in (*names, "unused")
    }
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[answer])
    for priority, name in enumerate(names, start=1):
        elbv2.create_rule(
            ListenerArn=listener["Listeners"][0]["ListenerArn"],
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{name}"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": groups[name]}],
        )
    traffic = Traffic(layout, Metrics(lambda: traffic.now), groups)
    traffic.metrics.install()
    return traffic
