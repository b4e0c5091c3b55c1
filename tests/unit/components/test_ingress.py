"""Hosts: three, each to its own environment's Services."""

from __future__ import annotations

import pytest

from components.ingress import IngressArgs
from tests.unit.graph import Graph, every

DOMAINS = {"dev": "dev.hello.example.com", "prod": "hello.example.com"}


def test_a_host_without_a_route_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^hello\.example\.com: an Ingress needs at least one route"):
        IngressArgs(namespace="prod", host="hello.example.com", ingress_class="public", routes=[])


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
    assert used == {"dev": "public", "prod": "public", "log": "staff"}
    assert set(used.values()) == classes
    for one in known.of_kind("IngressClass"):
        assert one.spec["controller"] == "ingress.k8s.aws/alb"
