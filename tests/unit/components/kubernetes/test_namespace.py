"""Namespaces: Pod Security, default deny, protection."""

from __future__ import annotations

import versions
from config import ENVIRONMENTS
from tests.unit.program import stack_of
from tools.program.graph import Graph, every

CLUSTER_WIDE = {
    "Namespace",
    "IngressClass",
    "IngressClassParams",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "PriorityClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ClusterRole",
    "ClusterRoleBinding",
}
STANDARDS = {**dict.fromkeys([*ENVIRONMENTS, "logging", "delivery"], "restricted"), "log-collector": "privileged"}


def test_every_namespace_enforces_the_expected_pod_security_standard(graph: Graph) -> None:
    """An admission policy restricts the namespace of Fluentd instead."""
    names: set[str] = set()
    for one in graph.of_kind("Namespace"):
        for mode in ("enforce", "warn", "audit"):
            standard = one.metadata["labels"][f"pod-security.kubernetes.io/{mode}"]
            assert standard == STANDARDS[one.metadata["name"]]
            version = one.metadata["labels"][f"pod-security.kubernetes.io/{mode}-version"]
            assert version == f"v{versions.KUBERNETES}"
        names.add(one.metadata["name"])
    assert names == set(STANDARDS)


def test_every_namespace_denies_all_traffic_but_dns(graph: Graph) -> None:
    namespaces = {one.parent for one in graph.of_kind("Namespace")}
    default_policies = every(one for one in graph.of_kind("NetworkPolicy") if one.spec["podSelector"] == {})
    assert {one.parent for one in default_policies} == namespaces
    for one in default_policies:
        assert set(one.spec["policyTypes"]) == {"Ingress", "Egress"}
        assert "ingress" not in one.spec
        assert one.spec["egress"] == [
            {
                "to": [
                    {
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                    }
                ],
                "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
            }
        ]


def test_a_protected_stack_protects_its_namespaces(graph: Graph) -> None:
    assert {one.protect for one in graph.of_kind("Namespace")} == {stack_of(graph) == "prod"}


def test_an_environments_namespace_has_its_label(graph: Graph) -> None:
    labels = {one.metadata["name"]: one.metadata["labels"].get("environment") for one in graph.of_kind("Namespace")}
    assert labels == {"dev": "dev", "prod": "prod", "logging": None, "delivery": None, "log-collector": None}


def test_objects_depend_on_their_namespace(graph: Graph) -> None:
    namespaces = {one.urn for one in graph.of_kind("Namespace")}
    for one in graph.objects():
        if one.kind in CLUSTER_WIDE:
            assert "namespace" not in one.metadata
        else:
            assert one.metadata["namespace"]
            assert len(one.dependencies & namespaces) == 1, one.urn
