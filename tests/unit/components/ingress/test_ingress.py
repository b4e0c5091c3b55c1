"""Ingresses: hosts, routes, targets, health checks."""

from __future__ import annotations

import json

import pytest

import config
from components.ingress.ingress import Backend
from components.ingress.target_group import PREFIX, target_group
from tests.unit.program import stack_config, stack_of
from tools.program.graph import Graph, every

DOMAINS = {"dev": "dev.hello.example.com", "prod": "hello.example.com"}


def test_a_backend_without_a_route_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one route"):
        Backend(namespace="prod", routes=[], environment="prod")


def test_there_are_three_hosts_each_in_its_namespace(known: Graph) -> None:
    stack = known.outputs["cluster"]["name"].removeprefix("hello-")
    domain = DOMAINS[stack]
    hosts = {rule["host"]: one.metadata["namespace"] for one in known.of_kind("Ingress") for rule in one.spec["rules"]}
    assert hosts == {domain: "prod", f"test.{domain}": "dev", f"log.{domain}": "logging"}


def test_only_services_with_paths_have_routes(known: Graph) -> None:
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


def test_every_route_leads_to_an_existing_service_port(known: Graph) -> None:
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


def test_every_ingress_has_an_existing_class(known: Graph) -> None:
    classes = {one.metadata["name"] for one in known.of_kind("IngressClass")}
    used = {one.metadata["name"]: one.spec["ingressClassName"] for one in known.of_kind("Ingress")}
    assert used == {"dev": "staff", "prod": "public", "logs": "staff"}
    assert set(used.values()) == classes


def test_targets_are_the_nodes_of_the_hosts_environment(known: Graph) -> None:
    nodes = {
        one.metadata["name"]: one.metadata["annotations"]["alb.ingress.kubernetes.io/target-node-labels"]
        for one in known.of_kind("Ingress")
    }
    assert nodes == {"dev": "environment=dev", "prod": "environment=prod", "logs": "environment=dev"}


def test_every_host_has_tls_and_redirects_http(known: Graph) -> None:
    for one in known.of_kind("Ingress"):
        ports = json.loads(one.metadata["annotations"]["alb.ingress.kubernetes.io/listen-ports"])
        assert ports == [{"HTTP": 80}, {"HTTPS": 443}]
    for one in known.of_kind("IngressClassParams"):
        assert one.spec["sslRedirectPort"] == "443"
        assert one.spec["sslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-Res-")


def test_health_checks_use_the_services_health_path(known: Graph) -> None:
    services = config.load(stack_config(stack_of(known))).services
    for one in known.of_kind("Service"):
        annotations = one.metadata.get("annotations", {})
        service = services.get(one.metadata["name"])
        if service is None or not service.paths:
            assert not any(key.startswith("alb.ingress") for key in annotations), one.urn
            continue
        assert annotations["alb.ingress.kubernetes.io/healthcheck-path"] == service.health_path
        assert annotations["alb.ingress.kubernetes.io/success-codes"] == "200"
        assert annotations["alb.ingress.kubernetes.io/target-group-attributes"] == (
            f"deregistration_delay.timeout_seconds={service.longest_request_seconds},"
            "target_group_health.dns_failover.minimum_healthy_targets.count=off"
        )


def test_every_annotation_is_known_to_the_controller(known: Graph) -> None:
    """The controller silently ignores unknown annotations.

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


def test_a_service_is_called_in_its_protocol_and_checked_in_it() -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html ."""
    default = target_group(health_path="/ready", longest_request_seconds=30)
    http2 = target_group(health_path="/ready", longest_request_seconds=30, version="HTTP2")
    grpc = target_group(health_path="/ready", longest_request_seconds=30, version="GRPC")
    prefix = "alb.ingress.kubernetes.io"
    assert http2 == {**default, f"{prefix}/backend-protocol-version": "HTTP2"}
    assert grpc == {
        **default,
        f"{prefix}/backend-protocol-version": "GRPC",
        f"{prefix}/healthcheck-path": "/AWS.ALB/healthcheck",
        f"{prefix}/success-codes": "12",
    }
