"""Quotas of the load balancers and security groups that the AWS Load Balancer Controller creates for Ingresses."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.ingress.forward import USE_ANNOTATION
from components.limits.inputs import one_at, values_at
from components.limits.names import CONDITION, Violation
from contract.blue_green import FORWARD_ACTION, forward_action

QUOTAS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"

SECURITY_GROUP_QUOTA = (
    "the quota of inbound rules per security group, network.securityGroupRules "
    "(https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups)"
)

RULES = 100
TARGET_GROUPS = 100
TARGETS = 1000
"""Of one load balancer: rules besides the default rules, target groups, and targets of all its target groups."""

CONDITION_VALUES = 5
"""Of one rule."""

PATH_LENGTH = 128
"""Characters of a path in a condition. The controller writes a prefix as the path and as the path with `/*`."""

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
PARAMETERS = "kubernetes:elbv2.k8s.aws/v1beta1:IngressClassParams"
NODE_GROUP = "eks:index:ManagedNodeGroup"
SERVICE = "kubernetes:core/v1:Service"

PREFIX = "alb.ingress.kubernetes.io"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A registered resource.

    Attributes:
        type: Its type token.
        name: Its name in the program.
        inputs: Its inputs.
    """

    type: str
    name: str
    inputs: Any


def violations(resources: Sequence[Resource], security_group_rules: int) -> Iterator[Violation]:
    """The quotas that the resources together exceed.

    Args:
        resources: All resources.
        security_group_rules: The account's quota of inbound rules of one security group.
    """
    ingresses = [one for one in resources if one.type == INGRESS]
    for ingress in ingresses:
        yield from _conditions(ingress)
    yield from _load_balancers(ingresses, _nodes(resources))
    for one in resources:
        if one.type == PARAMETERS:
            ports = _ports(ingresses, one.name)
            cidrs = list(values_at(one.inputs, "spec.inboundCIDRs"))
            yield from _over(
                f"load balancer {one.name}",
                f"rules of its security group ({len(cidrs)} ranges on {ports} ports)",
                len(cidrs) * ports,
                security_group_rules,
                SECURITY_GROUP_QUOTA,
            )
    open_ports = sum(one.type == SERVICE and one_at(one.inputs, "spec.type") == "NodePort" for one in resources)
    # A rule for each NodePort, beside the one by which the group's members reach one another.
    # https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/pkg/targetgroupbinding/networking_manager.go
    yield from _over(
        "security group of the cluster",
        "rules: one for each Service of type NodePort, and its own",
        open_ports + 1,
        security_group_rules,
        SECURITY_GROUP_QUOTA,
    )


def _over(resource: str, subject: str, count: int, most: int, quota: str) -> Iterator[Violation]:
    if count > most:
        yield Violation(resource=resource, property=subject, value=str(count), allowed=f"at most {most}: {quota}")


def _conditions(ingress: Resource) -> Iterator[Violation]:
    """Rules of one Ingress: each has the host, one path or a prefix as two patterns, and conditions by annotation."""
    extra = {
        key.rpartition(".")[2]: sum(len(one[name]["values"]) for one in json.loads(text) for name in {*one} - {"field"})
        for annotations in values_at(ingress.inputs, "metadata.annotations")
        for key, text in annotations.items()
        if key.startswith(f"{PREFIX}/conditions.")
    }
    for path in values_at(ingress.inputs, "spec.rules.http.paths"):
        text, exact = str(one_at(path, "path")), one_at(path, "pathType") == "Exact"
        patterns = [text] if exact else [text, f"{text.rstrip('/')}/*"]
        if len(patterns[-1]) > PATH_LENGTH:
            yield Violation(
                resource=f"{ingress.type} {ingress.name}",
                property="path pattern",
                value=patterns[-1],
                allowed=f"at most {PATH_LENGTH} characters ({CONDITION})",
                excess=len(patterns[-1]) - PATH_LENGTH,
            )
        service = str(one_at(path, "backend.service.name"))
        yield from _over(
            f"{ingress.type} {ingress.name}",
            f"condition values of the path {text}",
            1 + len(patterns) + extra.get(service, 0),
            CONDITION_VALUES,
            f"the quota of condition values per rule ({QUOTAS})",
        )


def _load_balancers(ingresses: Sequence[Resource], nodes: Counter[str]) -> Iterator[Violation]:
    by_class: defaultdict[str, list[Resource]] = defaultdict(list)
    for ingress in ingresses:
        by_class[str(one_at(ingress.inputs, "spec.ingressClassName"))].append(ingress)
    for name, members in by_class.items():
        rules, groups = 0, dict[tuple[str, str], int]()
        for ingress in members:
            environment = _environment(ingress)
            for path in values_at(ingress.inputs, "spec.rules.http.paths"):
                rules += 1
                # A target group belongs to an Ingress and a Service, and each node of the environment is its target.
                for service in _services(ingress, path):
                    groups[ingress.name, service] = nodes[environment]
        for subject, count, most in (
            ("rules", rules, RULES),
            ("target groups", len(groups), TARGET_GROUPS),
            ("targets, with all node groups at their maximum", sum(groups.values()), TARGETS),
        ):
            yield from _over(f"load balancer {name}", subject, count, most, f"the quota ({QUOTAS})")


def _services(ingress: Resource, path: Any) -> list[str]:
    """The Services that a path leads to: one, or those of its action; without an annotation it is the initial one."""
    name, port = str(one_at(path, "backend.service.name")), one_at(path, "backend.service.port.name")
    if port != USE_ANNOTATION:
        return [name]
    annotations: dict[str, str] = one_at(ingress.inputs, "metadata.annotations") or {}
    action = json.loads(annotations.get(f"{FORWARD_ACTION}{name}") or forward_action(name))
    groups = action["forwardConfig"]["targetGroups"]
    return [str(group["serviceName"]) for group in groups]


def _environment(ingress: Resource) -> str:
    annotations: dict[str, Any] = one_at(ingress.inputs, "metadata.annotations") or {}
    return str(annotations.get(f"{PREFIX}/target-node-labels", "")).partition("=")[2]


def _ports(ingresses: Sequence[Resource], ingress_class: str) -> int:
    """Number of the ports on which a class's load balancer listens; 0 if no Ingress uses it."""
    listeners = [
        json.loads(annotations[f"{PREFIX}/listen-ports"])
        for ingress in ingresses
        if one_at(ingress.inputs, "spec.ingressClassName") == ingress_class
        for annotations in values_at(ingress.inputs, "metadata.annotations")
    ]
    return len({port for one in listeners for entry in one for port in entry.values()})


def _nodes(resources: Sequence[Resource]) -> Counter[str]:
    """Maximum number of nodes, by environment."""
    nodes: Counter[str] = Counter()
    for one in resources:
        if one.type == NODE_GROUP:
            nodes[str(one_at(one.inputs, "labels.environment"))] += int(one_at(one.inputs, "scalingConfig.maxSize"))
    return nodes
