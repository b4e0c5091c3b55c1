"""A small account with a public and a staff load balancer, as the controller creates them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rehearsal.front_door.elbv2 import State

DOMAIN = "hello.example.com"
OFFICE = "203.0.113.0/24"
BACKEND = "sg-backend"
NODES = "sg-nodes"

QUICK: dict[str, Any] = {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2}


def arn(group: str) -> str:
    """A target group's ARN."""
    return f"arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/{group}/0"


def forward(*groups: str, weights: Sequence[int] = ()) -> dict[str, Any]:
    """An action."""
    shares = [
        {"TargetGroupArn": arn(one), "Weight": weight} for one, weight in zip(groups, weights or (1,), strict=True)
    ]
    stickiness = {"Enabled": False}
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": shares, "TargetGroupStickinessConfig": stickiness}}


def fixed(status: int, text: str = "") -> dict[str, Any]:
    """An action."""
    config = {"StatusCode": str(status), "ContentType": "text/plain", **({"MessageBody": text} if text else {})}
    return {"Type": "fixed-response", "FixedResponseConfig": config}


def redirect(**config: str) -> dict[str, Any]:
    """An action; attributes of its configuration by their names in the API."""
    return {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **config}}


NOT_FOUND = fixed(404)
TO_HTTPS = redirect(Protocol="HTTPS", Port="443", Host="#{host}", Path="/#{path}", Query="#{query}")


def condition(field: str, *values: Any, **more: Any) -> dict[str, Any]:
    """A condition."""
    name = "".join(part.title() for part in field.split("-"))
    return {"Field": field, f"{name}Config": {"Values": list(values), **more}}


def rule(priority: int, action: dict[str, Any], *conditions: dict[str, Any]) -> dict[str, Any]:
    """A rule."""
    return {"Priority": str(priority), "Conditions": list(conditions), "Actions": [action], "IsDefault": False}


def path(priority: int, host: str, prefix: str, group: str) -> dict[str, Any]:
    """A rule as the controller makes it of a path with type Prefix."""
    patterns = ("/*",) if prefix == "/" else (prefix, f"{prefix}/*")
    return rule(priority, forward(group), condition("host-header", host), condition("path-pattern", *patterns))


def listener(port: int, protocol: str, default: dict[str, Any], *rules: dict[str, Any]) -> dict[str, Any]:
    """A listener with its rules."""
    last = {"Priority": "default", "Conditions": [], "Actions": [default], "IsDefault": True}
    return {"Port": port, "Protocol": protocol, "DefaultActions": [default], "Rules": [*rules, last], "Attributes": {}}


def load_balancer(name: str, *rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A load balancer as the class asks for it; `changes` are other attributes of its description."""
    return {
        "LoadBalancerName": name,
        "LoadBalancerArn": f"arn:{name}",
        "DNSName": f"{name}-1.ap-northeast-2.elb.amazonaws.com",
        "Scheme": "internet-facing",
        "Type": "application",
        "State": {"Code": "active"},
        "SecurityGroups": [f"sg-{name}", BACKEND],
        "Attributes": {"idle_timeout.timeout_seconds": "60"},
        "Listeners": [listener(80, "HTTP", TO_HTTPS), listener(443, "HTTPS", NOT_FOUND, *rules)],
        **changes,
    }


def target(name: str, port: int, state: str = "healthy") -> dict[str, Any]:
    """A target as DescribeTargetHealth says it."""
    return {"Target": {"Id": name, "Port": port}, "TargetHealth": {"State": state}}


def target_group(name: str, *targets: dict[str, Any], on: str = "public", **changes: Any) -> dict[str, Any]:
    """A target group as the controller makes it; `changes` are other attributes of its description."""
    return {
        "TargetGroupName": name,
        "TargetGroupArn": arn(name),
        "TargetType": "instance",
        "Port": 80,
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": "/",
        "HealthCheckIntervalSeconds": 10,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 3,
        "Matcher": {"HttpCode": "200"},
        "LoadBalancerArns": [f"arn:{on}"],
        "Attributes": {"deregistration_delay.timeout_seconds": "30", "stickiness.enabled": "false"},
        "Targets": list(targets),
        **changes,
    }


def instance(name: str, address: str, state: str = "running") -> dict[str, Any]:
    """A node's instance."""
    interface = {"PrivateIpAddress": address, "Groups": [{"GroupId": NODES}]}
    return {
        "InstanceId": name,
        "PrivateIpAddress": address,
        "State": {"Name": state},
        "NetworkInterfaces": [interface],
    }


def permission(
    low: int, high: int, *ranges: str, group: str | None = None, protocol: str = "tcp", **more: Any
) -> dict[str, Any]:
    """A rule of a security group."""
    ports = {"FromPort": low, "ToPort": high} if protocol != "-1" else {}
    pairs = [{"GroupId": group}] if group else []
    return {
        "IpProtocol": protocol,
        **ports,
        "IpRanges": [{"CidrIp": one} for one in ranges],
        "UserIdGroupPairs": pairs,
        **more,
    }


def security_group(name: str, *permissions: dict[str, Any]) -> dict[str, Any]:
    """A security group."""
    return {"GroupId": name, "IpPermissions": list(permissions)}


def both_ports(*ranges: str) -> list[dict[str, Any]]:
    """The rules that the controller writes for inboundCIDRs."""
    return [permission(port, port, *ranges) for port in (80, 443)]


def state(**changes: Any) -> State:
    """The account, with other objects of some kinds."""
    objects: dict[str, Any] = {
        "load_balancers": [
            load_balancer("public", path(1, DOMAIN, "/api", "prod-gateway"), path(2, DOMAIN, "/", "prod-frontend")),
            load_balancer(
                "staff",
                path(1, f"test.{DOMAIN}", "/api", "dev-gateway"),
                path(2, f"test.{DOMAIN}", "/", "dev-frontend"),
                rule(3, fixed(503, "Backend service does not exist"), condition("host-header", f"log.{DOMAIN}")),
            ),
        ],
        "target_groups": [
            target_group("prod-gateway", target("i-prod1", 31002), target("i-prod2", 31002), HealthCheckPath="/health"),
            target_group("prod-frontend", target("i-prod1", 31001), target("i-prod2", 31001)),
            target_group("dev-gateway", target("i-dev1", 32002), on="staff", HealthCheckPath="/health"),
            target_group("dev-frontend", target("i-dev1", 32001), on="staff"),
        ],
        "security_groups": [
            security_group("sg-public", *both_ports("0.0.0.0/0")),
            security_group("sg-staff", *both_ports(OFFICE)),
            security_group(BACKEND),
            security_group(NODES, permission(30000, 32767, group=BACKEND)),
        ],
        "instances": [
            instance("i-prod1", "10.44.0.1"),
            instance("i-prod2", "10.44.0.2"),
            instance("i-dev1", "10.10.0.1"),
        ],
    }
    return State(**{**objects, **changes})
