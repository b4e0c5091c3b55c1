"""Hosts: three, each to its own environment's Services."""

from __future__ import annotations

import json

import pytest

import config
from components.ingress.ingress import Backend
from components.ingress.target_group import PREFIX
from tests.unit.graph import Graph, every
from tests.unit.program import stack_config, stack_of

DOMAINS = {"dev": "dev.hello.example.com", "prod": "hello.example.com"}


def test_a_host_without_a_route_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one route"):
        Backend(namespace="prod", routes=[], environment="prod")


def test_there_are_three_hosts_each_in_its_namespace(known: Graph) -> None:
    stack = known.outputs["cluster"]["name"].removeprefix("hello-")
    domain = DOMAINS[stack]
    hosts = {rule["host"]: one.metadata["namespace"] for one in known.of_kind("Ingress") for rule in one.spec["rules"]}
    assert hosts == {domain: "prod", f"test.{domain}": "dev", f"log.{domain}": "logging"}


def test_public_services_are_reached_by_their_path_and_no_other_is(known: Graph) -> None:
    for one in known.of_kind("Ingress"):
        if one.metadata["namespace"] == "logging":
            continue
        (rule,) = one.spec["rules"]
        routes = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}
        assert routes == {
            "/": {"name": "frontend", "port": {"name": "http"}},
            "/api": {"name": "gateway", "port": {"name": "http"}},
        }
        assert {path["pathType"] for path in rule["http"]["paths"]} == {"Prefix"}


def test_every_route_of_an_environment_leads_to_a_service_that_has_the_port(known: Graph) -> None:
    ports = {
        (one.metadata["namespace"], one.metadata["name"]): {port["name"] for port in one.spec["ports"]}
        for one in known.of_kind("Service")
    }
    routes = every(
        (one.metadata["namespace"], path["backend"]["service"])
        for one in known.of_kind("Ingress")
        if one.metadata["namespace"] != "logging"
        for rule in one.spec["rules"]
        for path in rule["http"]["paths"]
    )
    for namespace, backend in routes:
        assert backend["port"]["name"] in ports[namespace, backend["name"]]


def test_every_host_asks_for_a_load_balancer_that_there_is(known: Graph) -> None:
    classes = {one.metadata["name"] for one in known.of_kind("IngressClass")}
    used = {one.metadata["name"]: one.spec["ingressClassName"] for one in known.of_kind("Ingress")}
    assert used == {"dev": "staff", "prod": "public", "logs": "staff"}
    assert set(used.values()) == classes


def test_a_host_is_reached_by_its_environments_nodes_only(known: Graph) -> None:
    nodes = {
        one.metadata["name"]: one.metadata["annotations"]["alb.ingress.kubernetes.io/target-node-labels"]
        for one in known.of_kind("Ingress")
    }
    assert nodes == {"dev": "environment=dev", "prod": "environment=prod", "logs": "environment=dev"}


def test_every_host_is_reached_by_tls_and_its_plain_port_leads_there(known: Graph) -> None:
    for one in known.of_kind("Ingress"):
        ports = json.loads(one.metadata["annotations"]["alb.ingress.kubernetes.io/listen-ports"])
        assert ports == [{"HTTP": 80}, {"HTTPS": 443}]
    for one in known.of_kind("IngressClassParams"):
        assert one.spec["sslRedirectPort"] == "443"
        assert one.spec["sslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-Res-")


def test_a_node_is_asked_by_the_services_own_health_path(known: Graph) -> None:
    services = config.load(stack_config(stack_of(known))).services
    for one in known.of_kind("Service"):
        said = one.metadata.get("annotations", {})
        service = services.get(one.metadata["name"])
        if service is None or not service.paths:
            assert not any(key.startswith("alb.ingress") for key in said), one.urn
            continue
        assert said["alb.ingress.kubernetes.io/healthcheck-path"] == service.health_path
        assert said["alb.ingress.kubernetes.io/success-codes"] == "200"
        assert said["alb.ingress.kubernetes.io/target-group-attributes"] == (
            f"deregistration_delay.timeout_seconds={service.longest_request_seconds}"
        )


def test_every_annotation_of_the_load_balancer_is_one_that_its_controller_knows(known: Graph) -> None:
    """Any other would be ignored without a word.

    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/pkg/annotations/constants.go
    """
    used = {
        key.removeprefix(f"{PREFIX}/")
        for one in [*known.of_kind("Ingress"), *known.of_kind("Service")]
        for key in one.metadata.get("annotations", {})
        if key.startswith(f"{PREFIX}/")
    }
    assert used == {
        "backend-protocol",
        "healthcheck-interval-seconds",
        "healthcheck-path",
        "healthcheck-protocol",
        "healthcheck-timeout-seconds",
        "healthy-threshold-count",
        "listen-ports",
        "success-codes",
        "target-group-attributes",
        "target-node-labels",
        "unhealthy-threshold-count",
    }
