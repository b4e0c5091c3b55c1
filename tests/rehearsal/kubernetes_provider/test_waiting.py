"""Waiting for readiness: its end, its reasons, and the state after a failure."""

from __future__ import annotations

import threading
import time
from typing import Any

import psutil
import pulumi
import pytest
from pulumi import automation

from rehearsal.toolchain import Toolchain
from rehearsal.toolchain.tools import KUBERNETES_PROVIDER
from tests.rehearsal.conftest import eventually
from tests.rehearsal.engine_harness import EngineFailedError, EngineHarness, Program
from tests.rehearsal.kubernetes_provider.conftest import SKIP_AWAIT, Cluster, Options, k8s, patient, pod_template

pytestmark = pytest.mark.usefixtures("node")

CREATED = frozenset({"create"})
UPDATED = frozenset({"update"})
TOO_MUCH = "1000"
"""CPUs that no node has."""


def available(status: Any) -> Any:
    return status["available_replicas"] if status and "available_replicas" in status else None


def deployment(cluster: Cluster, annotations: dict[str, str], *, cpu: str = "10m", image: str = "img:1") -> Program:
    def declare(options: Options) -> None:
        made = k8s.apps.v1.Deployment(
            "api",
            metadata={"name": "api", "namespace": cluster.namespace, "annotations": annotations},
            spec={
                "replicas": 2,
                "selector": {"match_labels": {"app": "api"}},
                "strategy": {"type": "Recreate"},
                "template": pod_template(cpu=cpu, image=image),
            },
            opts=options(),
        )
        pulumi.export("available", made.status.apply(available))

    return cluster.program(declare)


def test_a_deployment_is_made_when_its_pods_are_ready(engine: EngineHarness, cluster: Cluster) -> None:
    engine.up(deployment(cluster, {}))
    assert engine.outputs()["available"] == 2
    engine.up(deployment(cluster, {}, image="img:2"))
    (current,) = [
        item
        for item in cluster.api.list("apps/v1", "ReplicaSet", namespace=cluster.namespace)
        if item["spec"]["replicas"]
    ]
    assert current["spec"]["template"]["spec"]["containers"][0]["image"] == "img:2"
    assert current["status"]["readyReplicas"] == 2
    assert engine.refresh().steps == {}


def test_a_deployment_that_does_not_get_ready_is_kept_reported_and_not_doubled(
    engine: EngineHarness, cluster: Cluster
) -> None:
    with pytest.raises(EngineFailedError) as failure:
        engine.up(deployment(cluster, patient(4), cpu=TOO_MUCH))
    told = str(failure.value)
    assert "timed out waiting to be Ready" in told
    assert "Minimum number of live Pods was not attained" in told

    (kept,) = engine.state()
    assert kept["id"] == f"{cluster.namespace}/api"
    assert kept["initErrors"]
    uid = cluster.get("apps/v1", "Deployment", "api")["metadata"]["uid"]
    assert engine.up(deployment(cluster, {}, cpu="10m")).steps == {"api": UPDATED}
    assert cluster.get("apps/v1", "Deployment", "api")["metadata"]["uid"] == uid
    assert engine.up(deployment(cluster, {}, cpu="10m")).steps == {}


def test_the_resource_option_sets_the_longest_wait(engine: EngineHarness, cluster: Cluster) -> None:
    def declare(options: Options) -> None:
        k8s.core.v1.Pod(
            "alone",
            metadata={"name": "alone", "namespace": cluster.namespace},
            spec=pod_template(cpu=TOO_MUCH)["spec"],
            opts=options(custom_timeouts=pulumi.CustomTimeouts(create="3s")),
        )

    began = time.monotonic()
    with pytest.raises(EngineFailedError, match="timed out waiting to be Ready"):
        engine.up(cluster.program(declare))
    assert time.monotonic() - began < 60
    assert [item["id"] for item in engine.state()] == [f"{cluster.namespace}/alone"]


def test_skip_await_does_not_wait_nor_does_a_refresh_complain(engine: EngineHarness, cluster: Cluster) -> None:
    assert engine.up(deployment(cluster, SKIP_AWAIT, cpu=TOO_MUCH)).steps == {"api": CREATED}
    assert engine.refresh().steps == {}
    assert "initErrors" not in engine.state()[0]


def test_a_cancelled_wait_ends_soon_and_what_was_made_is_kept(engine: EngineHarness, cluster: Cluster) -> None:
    failures: list[str] = []

    def run() -> None:
        try:
            engine.up(deployment(cluster, {}, cpu=TOO_MUCH))
        except EngineFailedError as error:
            failures.append(str(error))

    waiting = threading.Thread(target=run)
    waiting.start()
    eventually(lambda: cluster.api.get("apps/v1", "Deployment", "api", cluster.namespace) is not None, "it is made")
    began = time.monotonic()
    psutil.Process(engine.process()).send_signal(2)
    waiting.join(30)
    assert not waiting.is_alive()
    assert time.monotonic() - began < 25
    assert failures
    assert [item["id"] for item in engine.state()] == [f"{cluster.namespace}/api"]
    uid = cluster.get("apps/v1", "Deployment", "api")["metadata"]["uid"]
    engine.up(deployment(cluster, {}, cpu="10m"))
    assert cluster.get("apps/v1", "Deployment", "api")["metadata"]["uid"] == uid


def test_a_provider_that_is_built_ends_when_its_engine_is_killed(
    engine: EngineHarness, cluster: Cluster, tools: Toolchain
) -> None:
    def run() -> None:
        with pytest.raises((EngineFailedError, automation.CommandError)):
            engine.up(deployment(cluster, {}, cpu=TOO_MUCH))

    waiting = threading.Thread(target=run)
    waiting.start()
    eventually(lambda: cluster.api.get("apps/v1", "Deployment", "api", cluster.namespace) is not None, "it is made")
    killed = psutil.Process(engine.process())
    providers = [one for one in killed.children(recursive=True) if one.cmdline()[0].endswith("-kubernetes")]
    assert providers
    killed.kill()
    waiting.join(60)
    if tools.kubernetes_provider.parent.name == KUBERNETES_PROVIDER.key:  # how a plugin ends is Pulumi's
        assert psutil.wait_procs(providers, timeout=30)[1] == []
