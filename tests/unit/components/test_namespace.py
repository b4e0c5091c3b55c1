"""Namespaces: under Pod Security, and an environment's with a quota."""

from __future__ import annotations

from settings import ENVIRONMENTS
from tests.unit.graph import Graph


def test_every_namespace_enforces_restricted(graph: Graph) -> None:
    names: set[str] = set()
    for one in graph.of_kind("Namespace"):
        assert one.metadata["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        names.add(one.metadata["name"])
    assert names == {*ENVIRONMENTS, "logging"}


def test_an_environments_namespace_carries_its_label(graph: Graph) -> None:
    labels = {one.metadata["name"]: one.metadata["labels"].get("environment") for one in graph.of_kind("Namespace")}
    assert labels == {"dev": "dev", "prod": "prod", "logging": None}


def test_an_environment_may_use_no_more_than_its_quota(known: Graph) -> None:
    quotas = {one.metadata["namespace"]: one.spec["hard"] for one in known.of_kind("ResourceQuota")}
    assert set(quotas) == set(ENVIRONMENTS)
    for hard in quotas.values():
        assert set(hard) == {"requests.cpu", "requests.memory", "pods"}
        assert hard["pods"].isdigit()


def test_an_object_comes_after_its_namespace(graph: Graph) -> None:
    namespaces = {one.urn for one in graph.of_kind("Namespace")}
    for one in graph.objects():
        if one.kind in {"Namespace", "IngressClass"}:
            assert "namespace" not in one.metadata
        else:
            assert one.metadata["namespace"]
            assert len(one.dependencies & namespaces) == 1, one.urn
