"""What the load balancers would do, from the cluster's objects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.front_door.routes import EVERYBODY, IDLE_SECONDS, HealthCheck, Host, Objects, TargetGroup, routes
from release.kubernetes_api import KubernetesObject
from tests.unit.graph import Graph
from tests.unit.manifests import manifests
from tests.unit.rehearsal.front_door.cluster import (
    DOMAIN,
    OFFICE,
    cluster,
    ingress,
    ingress_class,
    namespace,
    node,
    parameters,
    path,
    service,
)


def by_name(objects: Objects) -> dict[str, Host]:
    return {host.name: host for host in routes(objects)}


def targets(host: Host) -> set[str]:
    return {address for rule in host.rules if rule.target for _, address in rule.target.nodes}


def prod(*paths: dict[str, Any], **annotations: str) -> Host:
    """Prod's host with other paths or annotations."""
    one = ingress("prod", DOMAIN, *(paths or (path("/", "frontend"),)), **annotations)
    return by_name(cluster(ingresses=[one]))[DOMAIN]


def refusal(**changes: Any) -> str:
    with pytest.raises(RehearsalError) as refused:
        routes(cluster(**changes))
    return refused.value.problem


def test_each_host_leads_to_the_nodes_of_its_environment_and_no_other() -> None:
    hosts = by_name(cluster())
    assert set(hosts) == {DOMAIN, f"test.{DOMAIN}", f"log.{DOMAIN}"}
    assert targets(hosts[DOMAIN]) == {"10.44.0.1", "10.44.0.2"}
    assert targets(hosts[f"test.{DOMAIN}"]) == {"10.10.0.1"}
    assert [(rule.path, rule.target and rule.target.node_port) for rule in hosts[DOMAIN].rules] == [
        ("/api", 31002),
        ("/", 31001),
    ]


def on_condition(*ranges: str) -> str:
    return json.dumps([{"field": "source-ip", "sourceIpConfig": {"values": ranges}}])


def test_a_rule_is_for_those_that_its_condition_lists() -> None:
    host = prod(path("/hook/", "frontend", "Exact"), **{"conditions.frontend": on_condition("192.0.2.0/24")})
    assert [(rule.path, rule.sources) for rule in host.rules] == [("/hook/", ("192.0.2.0/24",))]
    host = prod(path("/hook/", "frontend", "Exact"), **{"conditions.gateway": on_condition("192.0.2.0/24")})
    assert [rule.sources for rule in host.rules] == [()], "it is another Service's"


def test_a_rule_with_more_values_than_a_load_balancer_takes_is_refused() -> None:
    three = {"conditions.frontend": on_condition("192.0.2.0/26", "192.0.2.64/26", "192.0.2.128/26")}
    assert len(prod(path("/hook/", "frontend", "Exact"), **three).rules[0].sources) == 3
    one = ingress("prod", DOMAIN, path("/hook", "frontend"), **three)
    assert "at most 5 values" in refusal(ingresses=[one])


def test_exact_paths_come_first_and_then_the_longest_prefix() -> None:
    host = prod(
        path("/", "frontend"),
        path("/api/v1/", "gateway"),
        path("/api", "gateway"),
        path("/", "gateway", "Exact"),
        path("/x", "gateway", "ImplementationSpecific"),
    )
    assert [(rule.path, rule.exact) for rule in host.rules] == [
        ("/", True),
        ("/api/v1", False),
        ("/api", False),
        ("/", False),
        ("/x", True),
    ]


def test_a_service_says_how_its_targets_are_checked_and_an_ingress_for_those_that_do_not() -> None:
    host = prod(path("/", "frontend"), path("/api", "gateway"), success_codes="200-299", healthcheck_path="/up")
    checks = {rule.path: rule.target.check for rule in host.rules if rule.target}
    assert checks == {
        "/api": HealthCheck(path="/healthcheck", codes="200-299"),
        "/": HealthCheck(path="/", codes="200-299"),
    }
    (rule,) = by_name(
        cluster(
            services=[
                service("prod", "frontend", 31001, healthcheck_interval_seconds="30", unhealthy_threshold_count="3")
            ],
            ingresses=[ingress("prod", DOMAIN, path("/", "frontend"), healthcheck_path="/up")],
        )
    )[DOMAIN].rules
    assert rule.target
    assert rule.target.check == HealthCheck(path="/up", interval=30, unhealthy=3)


def test_a_class_says_who_may_call_and_how_long_a_connection_may_be_idle() -> None:
    hosts = by_name(cluster())
    assert hosts[DOMAIN].inbound == EVERYBODY
    assert hosts[f"log.{DOMAIN}"].inbound == (OFFICE,)
    assert hosts[DOMAIN].idle_seconds == IDLE_SECONDS
    attributes = [{"key": "idle_timeout.timeout_seconds", "value": "75"}]
    slower = cluster(parameters=[parameters("public", loadBalancerAttributes=attributes), parameters("staff")])
    assert by_name(slower)[DOMAIN].idle_seconds == 75


def test_a_service_that_does_not_exist_has_no_targets_and_an_ingress_of_another_controller_counts_for_nothing() -> None:
    (rule,) = by_name(cluster())[f"log.{DOMAIN}"].rules
    assert rule.target is None
    foreign = [ingress_class("public", "example.com/other"), ingress_class("staff")]
    assert set(by_name(cluster(classes=foreign))) == {f"log.{DOMAIN}"}


def test_what_is_being_deleted_is_gone() -> None:
    gone: list[KubernetesObject] = list(cluster().ingresses)
    gone[0]["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:00Z"
    assert DOMAIN not in by_name(cluster(ingresses=gone))


def test_nodes_that_leave_or_are_excluded_are_no_targets() -> None:
    leaving = node("prod-2", "prod", "10.44.0.2", taints=[{"key": "ToBeDeletedByClusterAutoscaler"}])
    excluded = node("prod-3", "prod", "10.44.0.3")
    excluded["metadata"]["labels"]["node.kubernetes.io/exclude-from-external-load-balancers"] = ""
    nodes = [node("prod-1", "prod", "10.44.0.1"), leaving, excluded]
    assert targets(by_name(cluster(nodes=nodes))[DOMAIN]) == {"10.44.0.1"}


SELECTORS: list[dict[str, Any]] = [
    {"matchLabels": {"kubernetes.io/metadata.name": "prod"}},
    {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["prod"]}]},
    {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["dev", "logging"]}]},
]


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_class_takes_ingresses_of_the_namespaces_that_it_selects(selector: dict[str, Any]) -> None:
    only_prod = [parameters("public", namespaceSelector=selector), parameters("staff")]
    assert DOMAIN in by_name(cluster(parameters=only_prod, ingresses=[cluster().ingresses[0]]))
    assert refusal(parameters=only_prod).startswith("Ingress dev/dev: class public takes no Ingress of its namespace")


def test_a_host_on_two_load_balancers_is_refused_and_on_two_ingresses_of_one_is_not() -> None:
    one = ingress("prod", DOMAIN, path("/", "frontend"))
    other = ingress("dev", DOMAIN, path("/test", "frontend"))
    (host,) = routes(cluster(ingresses=[one, other]))
    assert [rule.path for rule in host.rules] == ["/test", "/"], "in the order of the Ingresses' names"
    other["spec"]["ingressClassName"] = "staff"
    assert "host hello.example.com is on the load balancer staff, too" in refusal(ingresses=[one, other])


def changed_ingress(**spec: Any) -> list[KubernetesObject]:
    one = ingress("prod", DOMAIN, path("/", "frontend"))
    one["spec"].update(spec)
    return [one]


def one_path(**changes: Any) -> list[KubernetesObject]:
    return changed_ingress(rules=[{"host": DOMAIN, "http": {"paths": [{**path("/", "frontend"), **changes}]}}])


REFUSALS: dict[str, dict[str, Any]] = {
    "defaultBackend would answer": {"ingresses": changed_ingress(defaultBackend={"service": {"name": "frontend"}})},
    "rule without a host": {"ingresses": changed_ingress(rules=[{"http": {"paths": []}}])},
    "a wildcard would answer": {"ingresses": changed_ingress(rules=[{"host": f"*.{DOMAIN}"}])},
    "only plain characters": {"ingresses": one_path(path="/a*")},
    "its backend is no Service": {"ingresses": one_path(backend={"resource": {"kind": "Bucket"}})},
    "Service frontend has no port https": {
        "ingresses": [ingress("prod", DOMAIN, path("/", "frontend", port="https"))],
    },
    "its type must be NodePort": {"services": [service("prod", "frontend", None)]},
    "there are no IngressClassParams staff": {"parameters": [parameters("public")]},
    "does not know prefixListsIDs": {
        "parameters": [parameters("public", prefixListsIDs=["pl-1"]), parameters("staff")]
    },
    "only nodes are targets here": {"parameters": [parameters("public", targetType="ip"), parameters("staff")]},
    "annotation alb.ingress.kubernetes.io/auth-type": {
        "ingresses": [ingress("prod", DOMAIN, path("/", "frontend"), auth_type="oidc")]
    },
    "Service prod/frontend: annotation": {
        "services": [service("prod", "frontend", 31001, healthcheck_path="up")],
    },
}


@pytest.mark.parametrize("problem", REFUSALS)
def test_what_nobody_knows_here_is_refused_by_name(problem: str) -> None:
    assert problem in refusal(**REFUSALS[problem])


def test_the_front_door_understands_the_whole_platform_and_keeps_its_environments_apart(known: Graph) -> None:
    objects = manifests(known)
    services = [one for one in objects if one["kind"] == "Service"]
    for number, one in enumerate(services):
        for port in one["spec"]["ports"]:
            if one["spec"]["type"] == "NodePort":
                port["nodePort"] = 30000 + number  # the API server's part
    nodes = [node("prod-1", "prod", "10.44.0.1"), node("dev-1", "dev", "10.10.0.1")]
    hosts = routes(
        Objects(
            ingresses=[one for one in objects if one["kind"] == "Ingress"],
            classes=[one for one in objects if one["kind"] == "IngressClass"],
            parameters=[one for one in objects if one["kind"] == "IngressClassParams"],
            services=services,
            nodes=nodes,
            namespaces=[
                {**one, "metadata": {**one["metadata"], "labels": _known_labels(one)}}
                for one in objects
                if one["kind"] == "Namespace"
            ],
        )
    )
    found = {(target.namespace, name) for target in _targets(hosts) for name, _ in target.nodes}
    assert found == {("dev", "dev-1"), ("prod", "prod-1")}


def _targets(hosts: Iterable[Host]) -> list[TargetGroup]:
    return [rule.target for host in hosts for rule in host.rules if rule.target]


def _known_labels(one: KubernetesObject) -> dict[str, str]:
    name = one["metadata"]["name"]
    return {**one["metadata"].get("labels", {}), **namespace(name)["metadata"]["labels"]}
