"""Hosts: exactly the configured ones, each with a record, none with routes to another environment."""

from __future__ import annotations

import json
from typing import Any

import pytest

import config
from components.ingress.hosts import HostsArgs
from tests.unit.components.delivery.jenkins import with_jenkins
from tests.unit.components.ingress.in_front import AT_THE_APEX, changed, with_certificates
from tests.unit.program import stack_config, stack_of
from tools.program.graph import Graph, Registration

RECORD = "aws:route53/record:Record"


def hosts_of(graph: Graph) -> dict[str, Registration]:
    """Each host's Ingress."""
    ingresses: dict[str, Registration] = {}
    for one in graph.of_kind("Ingress"):
        (rule,) = one.spec["rules"]
        assert rule["host"] not in ingresses
        ingresses[rule["host"]] = one
    return ingresses


def records_of(graph: Graph) -> dict[str, Any]:
    """Route 53 records of the hosts, by name."""
    hosts = hosts_of(graph)
    return {one.inputs["name"]: one for one in graph.of_type(RECORD) if one.inputs["name"] in hosts}


def test_there_are_exactly_the_configured_hosts(graph: Graph) -> None:
    settings = config.load(stack_config(stack_of(graph)))
    assert set(hosts_of(graph)) == {settings.domain, f"test.{settings.domain}", f"log.{settings.domain}"}


def test_jenkins_has_a_host_if_enabled() -> None:
    domain = "dev.hello.example.com"
    assert set(hosts_of(with_jenkins())) == {
        domain,
        *(f"{name}.{domain}" for name in ("test", "log", "jenkins", "releases")),
    }
    jenkins = hosts_of(with_jenkins())[f"jenkins.{domain}"]
    assert (jenkins.metadata["namespace"], jenkins.spec["ingressClassName"]) == ("jenkins", "staff")
    assert f"jenkins.{domain}" in records_of(with_jenkins())


def test_no_host_reaches_another_environment(known: Graph) -> None:
    """An Ingress routes to Services of its namespace; its targets are nodes of its environment."""
    settings = config.load(stack_config(stack_of(known)))
    for environment in config.ENVIRONMENTS:
        ingress = hosts_of(known)[settings.host(environment)]
        assert ingress.metadata["namespace"] == environment
        labels = ingress.metadata["annotations"]["alb.ingress.kubernetes.io/target-node-labels"]
        assert labels == f"environment={environment}"
    prod_hosts = [host for host, one in hosts_of(known).items() if one.metadata["namespace"] == "prod"]
    assert prod_hosts == [settings.domain]


def test_only_prod_uses_the_public_class(known: Graph) -> None:
    public = [one for one in hosts_of(known).values() if one.spec["ingressClassName"] == "public"]
    assert [one.metadata["namespace"] for one in public] == ["prod"]


def test_up_waits_for_addresses_and_not_for_pods(graph: Graph) -> None:
    for one in hosts_of(graph).values():
        annotations = one.metadata["annotations"]
        assert annotations["pulumi.com/waitFor"] == "jsonpath={.status.loadBalancer.ingress[0].hostname}"
        assert "pulumi.com/skipAwait" not in annotations


def test_with_a_zone_each_host_has_a_record_in_route_53(known: Graph) -> None:
    for host, ingress in hosts_of(known).items():
        record = records_of(known)[host]
        assert record.inputs["type"] == "A", "a CNAME would forbid a TXT or MX record beside it"
        name = f"k8s-{ingress.spec['ingressClassName']}.elb.amazonaws.com"
        assert record.inputs["aliases"] == [{"name": name, "zoneId": "ZWKZPGTI48KDX", "evaluateTargetHealth": False}]
        assert record.inputs["zoneId"] == "Z0123456789ABCDEFGHIJ"
        assert ingress.urn in known.after_all(record)
    assert not known.outputs["records"]


def test_the_record_at_the_zone_apex_is_an_alias() -> None:
    graph = changed({"domain": AT_THE_APEX})
    record = records_of(graph)[AT_THE_APEX]
    assert record.inputs["type"] == "A"
    (alias,) = record.inputs["aliases"]
    assert alias == {"name": "k8s-public.elb.amazonaws.com", "zoneId": "ZWKZPGTI48KDX", "evaluateTargetHealth": False}


def test_without_a_zone_each_record_is_an_output() -> None:
    records = with_certificates(("ISSUED", "hello-dev-1")).outputs["records"][1:]
    assert [(one["name"], one["type"], one["value"], one["why"]) for one in records] == [
        ("test.dev.hello.example.com", "CNAME", "k8s-staff.elb.amazonaws.com", "leads to dev"),
        ("dev.hello.example.com", "CNAME", "k8s-public.elb.amazonaws.com", "leads to prod"),
        ("log.dev.hello.example.com", "CNAME", "k8s-staff.elb.amazonaws.com", "leads to logs"),
    ]


def test_without_a_zone_the_record_at_a_flattened_apex_is_an_alias() -> None:
    dns = json.dumps({"zone": AT_THE_APEX, "flattensApex": True})
    graph = changed(
        {"domain": AT_THE_APEX, "dns": dns}, certificates=[{"status": "ISSUED", "tags": {"Name": "hello-dev-1"}}]
    )
    types = {one["name"]: one["type"] for one in graph.outputs["records"]}
    assert types[AT_THE_APEX] == "ALIAS"
    assert types[f"test.{AT_THE_APEX}"] == "CNAME"


def test_a_host_without_a_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="each backend a host: logs, prod"):
        HostsArgs(
            hosts={"prod": "example.com", "logs": "log.example.com"},
            load_balancer_of={},
            load_balancers=None,  # pyright: ignore[reportArgumentType] - not used
            backends={},
            dns=config.load(stack_config("dev")).dns,
            region="us-east-1",
        )
