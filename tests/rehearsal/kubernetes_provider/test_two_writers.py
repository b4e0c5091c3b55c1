"""The program and the release tool write to the same objects: which fields each keeps."""

from __future__ import annotations

from typing import Any

import pytest

from kube.client import KubernetesObject
from tests.rehearsal.engine_harness import EngineFailedError, EngineHarness, Program
from tests.rehearsal.kubernetes_provider.conftest import MANAGER, SKIP_AWAIT, Cluster, Options, k8s, pod_template


def slot(cluster: Cluster, *, revision: str, ignore: list[str] | None = None, image: str = "img:1") -> Program:
    """A Deployment, a Service and an HPA as the platform declares them."""

    def declare(options: Options) -> None:
        meta: dict[str, Any] = {
            "namespace": cluster.namespace,
            "labels": {"revision": revision},
            "annotations": SKIP_AWAIT,
        }
        k8s.apps.v1.Deployment(
            "api-blue",
            metadata={**meta, "name": "api-blue"},
            spec={
                "replicas": 0,
                "selector": {"match_labels": {"app": "api", "slot": "blue"}},
                "template": pod_template(labels={"slot": "blue"}, image=image),
            },
            opts=options(ignore_changes=["spec"] if ignore is None else ignore),
        )
        k8s.core.v1.Service(
            "api",
            metadata={**meta, "name": "api"},
            spec={"selector": {"app": "api", "slot": "blue"}, "ports": [{"port": 80, "target_port": 8099}]},
            opts=options(ignore_changes=["spec.selector"]),
        )
        k8s.autoscaling.v2.HorizontalPodAutoscaler(
            "api",
            metadata={**meta, "name": "api"},
            spec={
                "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": "api-blue"},
                "min_replicas": 1,
                "max_replicas": 2 + int(revision),
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "average_utilization": 70}},
                    }
                ],
            },
            opts=options(ignore_changes=["spec.scaleTargetRef.name"]),
        )

    return cluster.program(declare)


def release(cluster: Cluster, *, image: str, force: bool = True) -> None:
    """What the release tool does: the whole template and the replicas, the Service's slot, the HPA's target."""
    namespace = cluster.namespace
    cluster.api.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "api-blue", "namespace": namespace},
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": {"app": "api", "slot": "blue"}},
                "template": {
                    "metadata": {"labels": {"app": "api", "slot": "blue"}},
                    "spec": {"containers": [{"name": "api", "image": image, "env": [{"name": "A", "value": "1"}]}]},
                },
            },
        },
        field_manager=MANAGER,
        force=force,
    )
    switch: list[dict[str, Any]] = [
        {"op": "test", "path": "/spec/selector/slot", "value": "blue"},
        {"op": "replace", "path": "/spec/selector/slot", "value": "green"},
    ]
    cluster.api.json_patch("v1", "Service", "api", switch, namespace=namespace)
    retarget = [{"op": "replace", "path": "/spec/scaleTargetRef/name", "value": "api-green"}]
    cluster.api.json_patch("autoscaling/v2", "HorizontalPodAutoscaler", "api", retarget, namespace=namespace)


def image_of(deployment: KubernetesObject) -> str:
    return deployment["spec"]["template"]["spec"]["containers"][0]["image"]


def test_a_release_by_another_manager_survives_up(engine: EngineHarness, cluster: Cluster) -> None:
    engine.up(slot(cluster, revision="1"))
    release(cluster, image="img:2")

    changed = engine.up(slot(cluster, revision="2"))

    assert changed.changed == {
        "api-blue": frozenset({"metadata.labels.revision"}),
        "api": frozenset({"metadata.labels.revision", "spec.maxReplicas"}),
    }
    deployment = cluster.get("apps/v1", "Deployment", "api-blue")
    assert image_of(deployment) == "img:2"
    assert deployment["spec"]["replicas"] == 3
    assert deployment["metadata"]["labels"] == {"revision": "2"}
    assert cluster.get("v1", "Service", "api")["spec"]["selector"] == {"app": "api", "slot": "green"}
    hpa = cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "api")
    assert (hpa["spec"]["scaleTargetRef"]["name"], hpa["spec"]["maxReplicas"]) == ("api-green", 4)

    assert engine.up(slot(cluster, revision="2")).steps == {}
    assert engine.refresh().steps == {}
    assert engine.up(slot(cluster, revision="2")).steps == {}


def test_each_of_several_releases_survives_the_next_up(engine: EngineHarness, cluster: Cluster) -> None:
    engine.up(slot(cluster, revision="1"))
    engine.up(slot(cluster, revision="2"))
    release(cluster, image="img:2")
    engine.up(slot(cluster, revision="3"))
    cluster.api.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "api-blue", "namespace": cluster.namespace},
            "spec": {"template": {"spec": {"containers": [{"name": "api", "image": "img:3"}]}}},
        },
        field_manager="hand",
        force=True,
    )
    engine.up(slot(cluster, revision="4"))
    assert image_of(cluster.get("apps/v1", "Deployment", "api-blue")) == "img:3"
    assert engine.up(slot(cluster, revision="4")).steps == {}


def test_an_ignored_path_with_an_index_conflicts_and_names_the_manager(engine: EngineHarness, cluster: Cluster) -> None:
    ignore = ["spec.template.spec.containers[0].image", "spec.replicas"]
    engine.up(slot(cluster, revision="1", ignore=ignore))
    release(cluster, image="img:2")
    with pytest.raises(EngineFailedError) as failure:
        engine.up(slot(cluster, revision="2", ignore=ignore))
    assert "server-side apply field conflict detected" in str(failure.value).lower()
    assert MANAGER in str(failure.value)
    assert image_of(cluster.get("apps/v1", "Deployment", "api-blue")) == "img:2"


def test_a_field_of_another_manager_conflicts_where_nothing_is_ignored(engine: EngineHarness, cluster: Cluster) -> None:
    engine.up(slot(cluster, revision="1", ignore=[]))
    release(cluster, image="img:2")
    with pytest.raises(EngineFailedError, match=f'conflicts? with "{MANAGER}"'):
        engine.up(slot(cluster, revision="2", ignore=[], image="img:9"))
    assert image_of(cluster.get("apps/v1", "Deployment", "api-blue")) == "img:2"


def test_a_value_changed_by_hand_conflicts_with_the_next_change_instead_of_being_lost(
    engine: EngineHarness, cluster: Cluster
) -> None:
    def budget(value: str) -> Program:
        def declare(options: Options) -> None:
            k8s.policy.v1.PodDisruptionBudget(
                "budget",
                metadata={"name": "budget", "namespace": cluster.namespace, "labels": {"a": value, "b": "1"}},
                spec={"max_unavailable": 1, "selector": {"match_labels": {"app": "api"}}},
                opts=options(),
            )

        return cluster.program(declare)

    engine.up(budget("1"))
    by_hand = [{"op": "replace", "path": "/metadata/labels/b", "value": "by-hand"}]
    cluster.api.json_patch("policy/v1", "PodDisruptionBudget", "budget", by_hand, namespace=cluster.namespace)
    with pytest.raises(EngineFailedError, match="field conflict detected"):
        engine.up(budget("2"))
    assert cluster.get("policy/v1", "PodDisruptionBudget", "budget")["metadata"]["labels"]["b"] == "by-hand"


def test_a_refresh_shows_what_was_changed_beside_and_up_restores_it(engine: EngineHarness, cluster: Cluster) -> None:
    def declare(options: Options) -> None:
        k8s.core.v1.ServiceAccount(
            "robot",
            metadata={"name": "robot", "namespace": cluster.namespace, "labels": {"a": "1"}},
            opts=options(),
        )

    engine.up(cluster.program(declare))
    remove = [{"op": "remove", "path": "/metadata/labels/a"}]
    cluster.api.json_patch("v1", "ServiceAccount", "robot", remove, namespace=cluster.namespace)
    assert engine.up(cluster.program(declare)).steps == {}
    assert engine.refresh().steps == {"robot": frozenset({"update"})}
    assert engine.up(cluster.program(declare)).steps == {"robot": frozenset({"update"})}
    assert cluster.get("v1", "ServiceAccount", "robot")["metadata"]["labels"] == {"a": "1"}
    assert engine.up(cluster.program(declare)).steps == {}


def test_the_resource_has_one_manager_of_its_own_in_the_cluster_and_in_the_state(
    engine: EngineHarness, cluster: Cluster
) -> None:
    engine.up(slot(cluster, revision="1"))
    engine.up(slot(cluster, revision="2"))
    (state,) = [item for item in engine.state() if item["type"] == "kubernetes:apps/v1:Deployment"]
    manager = state["outputs"]["__fieldManager"]
    assert manager.startswith("pulumi-kubernetes-")
    entries = cluster.get("apps/v1", "Deployment", "api-blue")["metadata"]["managedFields"]
    ours = {(entry["manager"], entry["operation"]) for entry in entries if entry["manager"].startswith("pulumi")}
    assert ours == {(manager, "Apply")}
