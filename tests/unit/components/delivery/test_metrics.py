"""Who releases reads the metrics that an analysis needs, and reaches Prometheus; without an analysis nobody does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config import PROJECT
from rehearsal.aws.authorization import Access, allows
from release.analysis.settings import Analysis, Metric, parse
from tests.unit.components.delivery.jenkins import configuration
from tests.unit.components.delivery.test_github_actions import ACTIONS
from tests.unit.program import configured
from tools.program.graph import Graph

QUERY = "sum(rate(http_requests_total[{seconds}s]))"
ANALYSIS: dict[str, Any] = {
    "metrics": [
        {"metric": "p95", "maxOfOld": 1.3, "max": 2},
        {"metric": "checkout", "query": QUERY, "min": 1, "minOfOld": 0.5},
    ],
    "environments": ["prod"],
    "undecided": "continue",
}
PROMETHEUS = {"url": "http://prometheus.monitoring.svc:9090", "namespace": "monitoring"}
READS = ("cloudwatch:GetMetricData", "elasticloadbalancing:DescribeTargetGroups")


def graph_with(analysis: dict[str, Any] | None = None, prometheus: dict[str, Any] | None = None) -> Graph:
    """The dev stack with Jenkins, its reconciler, and GitHub Actions."""
    settings = {**configuration(), f"{PROJECT}:githubActions": json.dumps(ACTIONS)}
    services = json.loads(settings[f"{PROJECT}:services"])
    if analysis:
        services["frontend"]["analysis"] = analysis
    if prometheus:
        settings[f"{PROJECT}:prometheus"] = json.dumps(prometheus)
    return configured({**settings, f"{PROJECT}:services": json.dumps(services)})


@pytest.fixture(scope="module")
def graph() -> Graph:
    return graph_with(ANALYSIS, PROMETHEUS)


def who_may(graph: Graph, action: str) -> set[str]:
    roles = graph.of_type("aws:iam/rolePolicy:RolePolicy")
    return {one.name for one in roles if allows([json.loads(one.inputs["policy"])], Access(action, "*"))}


def policies(graph: Graph) -> dict[str, list[dict[str, Any]]]:
    """What each NetworkPolicy of delivery lets out to pods of `monitoring` or to 192.0.2.0/28."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in graph.of_kind("NetworkPolicy"):
        egress: list[dict[str, Any]] = one.spec.get("egress") or []
        rules = [rule for rule in egress if "monitoring" in str(rule) or "192.0.2" in str(rule)]
        if rules:
            found[one.metadata["name"]] = rules
    return found


@pytest.mark.parametrize("action", READS)
def test_agents_reconciler_and_githubs_release_roles_read_metrics(graph: Graph, action: str) -> None:
    assert who_may(graph, action) >= {
        "hello-dev-release",
        "hello-dev-reconciler",
        "hello-dev-github-release-dev",
        "hello-dev-github-release-prod",
    }
    assert not {"hello-dev-verify", "hello-dev-github-verify", "hello-dev-github-build"} & who_may(graph, action)
    assert who_may(graph_with(), "cloudwatch:GetMetricData") == set()


def test_who_reads_releases_finds_target_groups(graph: Graph) -> None:
    def rules(of: Graph) -> list[dict[str, Any]]:
        roles = [one for one in of.of_kind("Role") if one.metadata["name"] == "hello-look"]
        assert len(roles) == 2
        inputs: list[Any] = [role.inputs["rules"] for role in roles]
        every_rule: list[dict[str, Any]] = [rule for rules in inputs for rule in rules]
        return [rule for rule in every_rule if "elbv2.k8s.aws" in rule["apiGroups"]]

    assert [(rule["resources"], rule["verbs"]) for rule in rules(graph)] == [(["targetgroupbindings"], ["list"])] * 2


def test_agents_and_reconciler_reach_prometheus(graph: Graph) -> None:
    found = policies(graph)
    assert set(found) == {"hello-release", "hello-reconciler"}
    for (rule,) in found.values():
        assert rule["ports"] == [{"protocol": "TCP", "port": 9090}]
        (peer,) = rule["to"]
        assert peer["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    assert policies(graph_with()) == {}


def test_a_prometheus_outside_the_cluster_is_reached_at_its_addresses() -> None:
    outside = {"url": "http://prometheus.example.com", "cidr": "192.0.2.0/28", "port": 80}
    found = policies(graph_with(prometheus=outside))
    assert set(found) == {"hello-release", "hello-reconciler"}
    for (rule,) in found.values():
        assert rule == {"to": [{"ipBlock": {"cidr": "192.0.2.0/28"}}], "ports": [{"protocol": "TCP", "port": 80}]}


def test_the_release_tool_reads_what_the_program_writes(graph: Graph) -> None:
    annotations = {one.name: one.metadata["annotations"] for one in graph.of_kind("PodTemplate")}
    assert parse(annotations["prod-frontend"]["hello-platform/analysis"]) == Analysis(
        metrics=(
            Metric("p95", maximum=2, maximum_of_old=1.3),
            Metric("checkout", QUERY, minimum=1, minimum_of_old=0.5),
        ),
        seconds=120,
        limit_seconds=900,
        min_requests=100,
        goes_on_undecided=True,
        prometheus=PROMETHEUS["url"],
    )
    assert "hello-platform/analysis" not in annotations["dev-frontend"]
    assert "hello-platform/analysis" not in annotations["prod-api"]
    assert parse(None) is None
