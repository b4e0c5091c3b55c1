"""The kubernetes provider's previews: known values, refusals, and what they work without."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from tests.rehearsal.engine_harness import EngineFailedError, EngineHarness, Program
from tests.rehearsal.kubernetes_provider.conftest import Cluster, Options, k8s

CREATED = frozenset({"create"})


def account(cluster: Cluster, namespace: Any, name: str = "robot", **arguments: Any) -> Program:
    def declare(options: Options) -> None:
        metadata = {"name": name, "namespace": namespace}
        k8s.core.v1.ServiceAccount("robot", metadata=metadata, opts=options())

    return cluster.program(declare, **arguments)


def test_a_preview_refuses_what_the_api_server_refuses_in_its_words(engine: EngineHarness, cluster: Cluster) -> None:
    with pytest.raises(EngineFailedError, match="a lowercase RFC 1123 subdomain must consist of"):
        engine.preview(account(cluster, cluster.namespace, name="No_Name"))
    with pytest.raises(EngineFailedError, match="a lowercase RFC 1123 subdomain must consist of"):
        engine.up(account(cluster, cluster.namespace, name="No_Name"))
    assert engine.state() == []


def test_a_preview_of_an_update_refuses_what_the_api_server_refuses(engine: EngineHarness, cluster: Cluster) -> None:
    def budget(number: int) -> Program:
        def declare(options: Options) -> None:
            k8s.policy.v1.PodDisruptionBudget(
                "budget",
                metadata={"name": "budget", "namespace": cluster.namespace},
                spec={"max_unavailable": number, "selector": {"match_labels": {"app": "api"}}},
                opts=options(),
            )

        return cluster.program(declare)

    engine.up(budget(1))
    with pytest.raises(EngineFailedError, match="must be greater than or equal to 0"):
        engine.preview(budget(-1))
    with pytest.raises(EngineFailedError, match="must be greater than or equal to 0"):
        engine.up(budget(-1))
    assert engine.up(budget(2)).steps == {"budget": frozenset({"update"})}
    assert engine.up(budget(2)).steps == {}


def test_a_preview_passes_over_a_namespace_that_is_about_to_come(engine: EngineHarness, cluster: Cluster) -> None:
    later = f"{cluster.namespace}-later"

    def declare(options: Options) -> None:
        home = k8s.core.v1.Namespace("home", metadata={"name": later}, opts=options())
        k8s.core.v1.ServiceAccount("robot", metadata={"name": "robot", "namespace": later}, opts=options(parent=home))

    program = cluster.program(declare)
    assert engine.preview(program).steps == {"home": CREATED, "robot": CREATED}
    assert engine.up(program).steps == {"home": CREATED, "robot": CREATED}
    engine.destroy()
    assert cluster.api.get("v1", "Namespace", later) is None


def test_a_preview_works_before_the_cluster_is_known(engine: EngineHarness, cluster: Cluster) -> None:
    def run() -> None:
        first = k8s.Provider("first", kubeconfig=cluster.kubeconfig)
        trigger = k8s.core.v1.ServiceAccount(
            "robot",
            metadata={"name": "robot", "namespace": cluster.namespace},
            opts=pulumi.ResourceOptions(provider=first),
        )
        kubeconfig = pulumi.Output.concat(cluster.kubeconfig, "# made after ", trigger.metadata["uid"])
        second = k8s.Provider("second", kubeconfig=kubeconfig)
        k8s.apps.v1.StatefulSet(
            "data",
            metadata={"name": "data", "namespace": cluster.namespace},
            spec={
                "replicas": 0,
                "service_name": "data",
                "selector": {"match_labels": {"app": "data"}},
                "template": {
                    "metadata": {"labels": {"app": "data"}},
                    "spec": {"containers": [{"name": "data", "image": "img:1"}]},
                },
            },
            opts=pulumi.ResourceOptions(provider=second),
        )

    assert engine.preview(run).steps == {"robot": CREATED, "data": CREATED}
    assert engine.up(run).steps == {"robot": CREATED, "data": CREATED}
    assert engine.up(run).steps == {}


def test_without_a_cluster_a_preview_works_and_an_update_says_that_it_is_unreachable(
    engine: EngineHarness, cluster: Cluster
) -> None:
    nowhere = "\n".join(
        "    server: https://127.0.0.1:1" if line.strip().startswith("server:") else line
        for line in cluster.kubeconfig.splitlines()
    )
    program = account(cluster, cluster.namespace, kubeconfig=nowhere)
    assert engine.preview(program).steps == {"robot": CREATED}
    with pytest.raises(EngineFailedError, match="configured Kubernetes cluster is unreachable"):
        engine.up(program)


def test_another_kubeconfig_for_the_same_cluster_replaces_nothing(engine: EngineHarness, cluster: Cluster) -> None:
    engine.up(account(cluster, cluster.namespace))
    renamed = cluster.kubeconfig + "# the same cluster\n"
    assert engine.up(account(cluster, cluster.namespace, kubeconfig=renamed)).steps == {}
