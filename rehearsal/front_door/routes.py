"""What the load balancers would do, from the objects that the AWS Load Balancer Controller reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from rehearsal.errors import RehearsalError
from rehearsal.front_door.annotations import sources, string_map, used
from release.kubernetes_api import KubernetesObject

CONTROLLER = "ingress.k8s.aws/alb"

EVERYBODY = ("0.0.0.0/0", "::/0")
"""Inbound CIDRs of a class that names none."""

IDLE_SECONDS = 60
"""A load balancer's idle time-out, unless `idle_timeout.timeout_seconds` says otherwise.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
"""

PARAMETERS = {
    "certificateArn",
    "group",
    "inboundCIDRs",
    "ipAddressType",
    "loadBalancerAttributes",
    "loadBalancerName",
    "namespaceSelector",
    "scheme",
    "sslPolicy",
    "sslRedirectPort",
    "tags",
    "targetType",
    "wafv2AclArn",
    "wafv2AclName",
}
"""Fields of IngressClassParams that we know; of the others nobody knows here what they would change."""

_NEVER_TARGETS = (
    "node-role.kubernetes.io/master",
    "node.kubernetes.io/exclude-from-external-load-balancers",
    "alpha.service-controller.kubernetes.io/exclude-balancer",
)
"""Labels of nodes that the controller registers nowhere (pkg/backend/endpoint_utils.go of its repository)."""

_VALUES_OF_A_RULE = 5
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html."""

_LEAVING = "ToBeDeletedByClusterAutoscaler"
"""Taint of a node that the autoscaler is about to remove; the controller deregisters it."""


@dataclass(frozen=True, kw_only=True)
class Objects:
    """What the API server has; each attribute the objects of one kind."""

    ingresses: Sequence[KubernetesObject] = ()
    classes: Sequence[KubernetesObject] = ()
    parameters: Sequence[KubernetesObject] = ()
    services: Sequence[KubernetesObject] = ()
    nodes: Sequence[KubernetesObject] = ()
    namespaces: Sequence[KubernetesObject] = ()


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How a target is asked whether it is healthy; the defaults are the controller's.

    Attributes:
        path: What it is asked for.
        codes: Statuses that are healthy, e.g. `200,201` or `200-299`.
        interval: Seconds between two questions.
        timeout: Seconds.
        healthy: Good answers in a row after which an unhealthy target is healthy.
        unhealthy: Bad ones after which a healthy one is not.
        tls: Whether it is asked by HTTPS.
    """

    path: str = "/"
    codes: str = "200"
    interval: int = 15
    timeout: int = 5
    healthy: int = 2
    unhealthy: int = 2
    tls: bool = False


@dataclass(frozen=True, kw_only=True)
class TargetGroup:
    """A Service's port on nodes.

    Attributes:
        namespace: The Service's namespace.
        service: The Service's name.
        port: The port as the Ingress names it.
        node_port: The port on every node.
        nodes: Name and address of each node that is a target.
        tls: Whether targets are asked by HTTPS. A load balancer takes any certificate of theirs.
        check: How targets are checked.
        idle_seconds: After so long without a byte a connection is closed.
    """

    namespace: str
    service: str
    port: str
    node_port: int
    nodes: tuple[tuple[str, str], ...]
    tls: bool
    check: HealthCheck
    idle_seconds: int


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Where requests for a path go.

    Attributes:
        path: The path.
        exact: Whether it is the whole path, not its beginning up to a slash.
        target: None where the Service does not exist: the answer is 503.
        sources: CIDRs of those whose requests it is for; all where none is listed.
    """

    path: str
    exact: bool
    target: TargetGroup | None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host name.

    Attributes:
        name: The name.
        inbound: CIDRs of those who may call.
        idle_seconds: After so long without a byte a connection is closed.
        rules: The first that fits counts.
    """

    name: str
    inbound: tuple[str, ...]
    idle_seconds: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class _LoadBalancer:
    """A class with its parameters."""

    name: str
    group: str
    inbound: tuple[str, ...]
    namespaces: Mapping[str, Any]
    idle_seconds: int
    rules: dict[str, list[Rule]] = field(default_factory=dict[str, list[Rule]])


def routes(objects: Objects) -> tuple[Host, ...]:
    """The hosts that the load balancers answer for.

    Raises:
        RehearsalError: An object asks for what the controller refuses, or for what nobody knows here.
    """
    balancers = {one.name: one for one in _load_balancers(objects)}
    labels = {str(one["metadata"]["name"]): _labels(one) for one in objects.namespaces}
    hosts: dict[str, _LoadBalancer] = {}
    for ingress in sorted(_standing(objects.ingresses), key=_full_name):
        balancer = balancers.get(ingress["spec"].get("ingressClassName", ""))
        if balancer is None:
            continue
        if not _selects(balancer.namespaces, labels.get(ingress["metadata"]["namespace"], {})):
            _refuse(ingress, f"class {balancer.name} takes no Ingress of its namespace (namespaceSelector)")
        for host, rules in _rules(ingress, objects, balancer).items():
            other = hosts.setdefault(host, balancer)
            if other.group != balancer.group:
                _refuse(ingress, f"host {host} is on the load balancer {other.group}, too")
            other.rules.setdefault(host, []).extend(rules)
    return tuple(
        Host(name=name, inbound=one.inbound, idle_seconds=one.idle_seconds, rules=tuple(one.rules[name]))
        for name, one in hosts.items()
    )


def _load_balancers(objects: Objects) -> Iterable[_LoadBalancer]:
    parameters: dict[str, Mapping[str, Any]] = {str(one["metadata"]["name"]): one["spec"] for one in objects.parameters}
    for one in _standing(objects.classes):
        if one["spec"].get("controller") != CONTROLLER:
            continue
        name = str(one["metadata"]["name"])
        wanted = one["spec"].get("parameters")
        spec: Mapping[str, Any] = {}
        if wanted:
            spec = parameters.get(wanted["name"]) or _refuse(one, f"there are no IngressClassParams {wanted['name']}")
        if unknown := sorted(set(spec) - PARAMETERS):
            _refuse(one, f"the rehearsal does not know {', '.join(unknown)} of its IngressClassParams")
        if spec.get("targetType", "instance") != "instance":
            _refuse(one, "only nodes are targets here: targetType instance")
        attributes = {str(pair["key"]): str(pair["value"]) for pair in spec.get("loadBalancerAttributes") or ()}
        yield _LoadBalancer(
            name=name,
            group=spec.get("group", {}).get("name", name),
            inbound=tuple(spec.get("inboundCIDRs") or EVERYBODY),
            namespaces=spec.get("namespaceSelector") or {},
            idle_seconds=int(attributes.get("idle_timeout.timeout_seconds", IDLE_SECONDS)),
        )


def _rules(ingress: KubernetesObject, objects: Objects, balancer: _LoadBalancer) -> dict[str, list[Rule]]:
    own = used(ingress["metadata"].get("annotations"), on=f"Ingress {_full_name(ingress)}")
    if ingress["spec"].get("defaultBackend"):
        _refuse(ingress, "its defaultBackend would answer for every host of its load balancer")
    found: dict[str, list[Rule]] = {}
    for rule in ingress["spec"].get("rules") or ():
        if not rule.get("host"):
            _refuse(ingress, "a rule without a host would answer for every host of its load balancer")
        if "*" in rule["host"]:
            _refuse(ingress, f"host {rule['host']}: a wildcard would answer for hosts that nobody listed")
        paths: list[Mapping[str, Any]] = sorted(rule.get("http", {}).get("paths", ()), key=_precedence)
        found.setdefault(rule["host"], []).extend(_rule(ingress, own, path, objects, balancer) for path in paths)
    return found


def _precedence(path: Mapping[str, Any]) -> tuple[int, int]:
    """The order in which the controller tries paths: exact ones, prefixes by their length, others as they stand."""
    kind = path.get("pathType")
    order = {"Exact": 0, "Prefix": 1}.get(str(kind), 2)
    return order, -len(path["path"]) if kind == "Prefix" else 0


def _rule(
    ingress: KubernetesObject,
    own: Mapping[str, str],
    path: Mapping[str, Any],
    objects: Objects,
    balancer: _LoadBalancer,
) -> Rule:
    text = path.get("path") or "/"
    if not text.isascii() or not text.isprintable() or set(text) & set("*?#\"'\\ "):
        _refuse(ingress, f"path {text!r}: only plain characters, no wildcards")
    exact = path.get("pathType") != "Prefix"
    normal = text if exact else text.rstrip("/") or "/"
    wanted = path["backend"].get("service") or _refuse(ingress, f"path {text}: its backend is no Service")
    asking = tuple(sources(own.get(f"conditions.{wanted['name']}", "")))
    # Beside the host; a prefix is two, but for the shortest.
    if asking and 1 + (1 if exact or normal == "/" else 2) + len(asking) > _VALUES_OF_A_RULE:
        _refuse(ingress, f"path {text}: a rule of a load balancer has at most {_VALUES_OF_A_RULE} values")
    return Rule(path=normal, exact=exact, target=_target(ingress, own, wanted, objects, balancer), sources=asking)


def _target(
    ingress: KubernetesObject,
    own: Mapping[str, str],
    wanted: Mapping[str, Any],
    objects: Objects,
    balancer: _LoadBalancer,
) -> TargetGroup | None:
    namespace, name = str(ingress["metadata"]["namespace"]), str(wanted["name"])
    service = next((one for one in _standing(objects.services) if _full_name(one) == f"{namespace}/{name}"), None)
    if service is None:
        return None
    # What a Service says of itself counts more than what the Ingress says of all.
    said = {**own, **used(service["metadata"].get("annotations"), on=f"Service {namespace}/{name}")}
    port = wanted["port"].get("name") or wanted["port"]["number"]
    listed = [one for one in service["spec"]["ports"] if port in (one.get("name"), one["port"])]
    if not listed:
        _refuse(ingress, f"Service {name} has no port {port}")
    if "nodePort" not in listed[0]:
        _refuse(ingress, f"Service {name} has no port on nodes: with target-type instance its type must be NodePort")
    check = HealthCheck(
        path=said.get("healthcheck-path", HealthCheck.path),
        codes=said.get("success-codes", HealthCheck.codes),
        interval=int(said.get("healthcheck-interval-seconds", HealthCheck.interval)),
        timeout=int(said.get("healthcheck-timeout-seconds", HealthCheck.timeout)),
        healthy=int(said.get("healthy-threshold-count", HealthCheck.healthy)),
        unhealthy=int(said.get("unhealthy-threshold-count", HealthCheck.unhealthy)),
        tls=said.get("healthcheck-protocol") == "HTTPS",
    )
    return TargetGroup(
        namespace=namespace,
        service=name,
        port=str(port),
        node_port=int(listed[0]["nodePort"]),
        nodes=_targets(objects.nodes, string_map(said.get("target-node-labels", ""))),
        tls=said.get("backend-protocol") == "HTTPS",
        check=check,
        idle_seconds=balancer.idle_seconds,
    )


def _targets(nodes: Iterable[KubernetesObject], wanted: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Name and address of the nodes that the controller would register."""
    found = [
        (str(node["metadata"]["name"]), str(address["address"]))
        for node in _standing(nodes)
        if wanted.items() <= _labels(node).items()
        and not any(label in _labels(node) for label in _NEVER_TARGETS)
        and not any(taint["key"] == _LEAVING for taint in node.get("spec", {}).get("taints") or ())
        for address in node.get("status", {}).get("addresses") or ()
        if address["type"] == "InternalIP"
    ]
    return tuple(sorted(found))


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects; an empty one selects everything."""
    if not dict(selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    return all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def _standing(objects: Iterable[KubernetesObject]) -> Iterable[KubernetesObject]:
    """Those that nobody has deleted."""
    return (one for one in objects if not one["metadata"].get("deletionTimestamp"))


def _labels(one: KubernetesObject) -> dict[str, str]:
    return one["metadata"].get("labels") or {}


def _full_name(one: KubernetesObject) -> str:
    metadata = one["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else str(metadata["name"])


def _refuse(one: KubernetesObject, problem: str) -> NoReturn:
    raise RehearsalError(
        f"{one.get('kind', 'Ingress')} {_full_name(one)}: {problem}.",
        remedy="the front door stays as it was; change the object, or teach rehearsal/front_door/ what it means.",
    )
