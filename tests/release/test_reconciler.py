"""The reconciler as the program makes it: its pod, with its own rights, on a real control plane."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from contract import labels
from contract.blue_green import slot_name, verified_images_name
from contract.identities import RECONCILER, username
from contract.namespaces import DELIVERY
from kube.client import KubernetesApi, has_condition
from rehearsal.layout import Layout
from rehearsal.network import namespace as namespaces
from rehearsal.toolchain import Toolchain
from release import slots
from release.clock import SystemClock
from release.context import Context, Limits
from release.goals import Deploy
from release.history import Action, Outcome
from release.http import ThroughApiServer
from release.objects import ObjectApi
from release.observe import observe
from release.run import reconcile
from release.state import ServiceState
from tests.rehearsal.conftest import eventually
from tests.release.identities import patch, refusal, with_token
from tests.release.test_in_a_pod import Cluster, started
from tests.unit.components.delivery.jenkins import with_jenkins
from tests.unit.release.faults import Faulty, KilledError

SERVICE = "api"
ABANDONED_SECONDS = 150
"""A lock expires after a minute; the rest is for a busy machine."""


@pytest.fixture(scope="module")
def cluster(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if lacks := namespaces.refusal():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacks)
    with started(Layout(tmp_path_factory.mktemp("reconciler")), tools, with_jenkins()) as found:
        eventually(lambda: is_ready(found), "the reconciler is ready", 120)
        yield found


def is_ready(cluster: Cluster) -> bool:
    pods = cluster.api.list("v1", "Pod", namespace=DELIVERY, label_selector=f"{labels.SERVICE}={RECONCILER}")
    return len(pods) == 1 and has_condition(pods[0], "Ready")


def seen(cluster: Cluster, service: str = SERVICE) -> ServiceState:
    return observe(cluster.api, "dev", service, now=SystemClock().now())


def deploy(cluster: Cluster, service: str, version: str, *, api: ObjectApi | None = None, warm: int = 600) -> None:
    """The tool in this process, as a person's."""
    context = Context(
        api=api or cluster.api,
        caller=ThroughApiServer(cluster.api),
        clock=SystemClock(),
        report=print,
        by="tester",
        limits=Limits(ready=120, watch=0.5, settle=0, rules=0, warm=warm, lock=90),
    )
    reconcile(context, "dev", service, Deploy(cluster.image(service, version)))


@pytest.mark.parametrize(("version", "dies_at"), [("v2", "patch Service api-preview"), ("v3", "patch HorizontalPod")])
def test_a_release_that_is_killed_midway_is_finished(cluster: Cluster, version: str, dies_at: str) -> None:
    """Before the switch, and after it; nobody runs it again."""
    with suppress(KilledError):
        deploy(cluster, SERVICE, version, api=Faulty(cluster.api, at=dies_at, fault="killed"))
    assert seen(cluster).running is not None
    eventually(lambda: seen(cluster).running is None, "the release is finished", ABANDONED_SECONDS)
    state = seen(cluster)
    assert state.live_slot.revision is not None
    assert state.live_slot.revision.image == cluster.image(SERVICE, version)
    assert (state.live_slot.is_ready, state.autoscaled) == (True, state.live)
    last = state.history[-1]
    assert (last.outcome, last.by) == (Outcome.RELEASED, "tester")


def test_a_warm_slot_is_retired_after_its_time(cluster: Cluster) -> None:
    deploy(cluster, "frontend", "v2", warm=20)
    state = seen(cluster, "frontend")
    assert state.idle_slot.desired > 0
    eventually(lambda: seen(cluster, "frontend").idle_slot.desired == 0, "the slot is retired", 90)
    after = seen(cluster, "frontend")
    assert after.warm_until is not None
    assert after.warm_until <= after.now
    assert (after.live, after.live_slot.is_ready) == (state.live, True)


def test_a_version_whose_pods_fail_minutes_after_its_release_is_left(cluster: Cluster) -> None:
    deploy(cluster, "ai", "v2")
    before = seen(cluster, "ai")
    pods = cluster.api.list(
        "v1", "Pod", namespace="dev", label_selector=f"app.kubernetes.io/name=ai,slot={before.live}"
    )
    at = before.now + timedelta(seconds=1)  # a status has whole seconds
    for pod in pods:
        restarted = {"lastState": {"terminated": {"exitCode": 1, "finishedAt": f"{at:%Y-%m-%dT%H:%M:%SZ}"}}}
        statuses = [{**one, **restarted, "restartCount": 1} for one in pod["status"]["containerStatuses"]]
        change = {"status": {"containerStatuses": statuses}}
        cluster.api.subresource("patch", "Pod/status", pod["metadata"]["name"], "dev", change)
    eventually(lambda: seen(cluster, "ai").live != before.live, "it is gone back", 60)
    eventually(lambda: seen(cluster, "ai").running is None, "the rollback is finished", 60)
    last = seen(cluster, "ai").history[-1]
    assert (last.action, last.by) == (Action.ROLLBACK, username(RECONCILER))
    assert "have restarted" in str(last.reason)


@pytest.fixture(scope="module")
def reconciler(cluster: Cluster) -> KubernetesApi:
    """The API server as the reconciler reaches it."""
    return KubernetesApi(with_token(cluster.layout.kubeconfig, RECONCILER))


def test_its_identity_scales_a_slot_and_brings_nothing_in(cluster: Cluster, reconciler: KubernetesApi) -> None:
    slot = cluster.api.get("apps/v1", "Deployment", slot_name("crawling", "green"), "dev")
    template = cluster.api.get("v1", "PodTemplate", "crawling", "dev")
    assert slot is not None
    assert template is not None

    def change(path: str, value: Any) -> str:
        return refusal(lambda: patch(reconciler, slot, [{"op": "replace", "path": path, "value": value}])) or ""

    assert change("/spec/replicas", 0) == ""
    rendered = slots.render(template, slot="green", image=cluster.image("crawling", "v9"), replicas=1)
    assert "ValidatingAdmissionPolicy 'hello-reconciler-dev'" in change("/spec/template", rendered["spec"]["template"])
    pod = slot["spec"]["template"]["spec"]
    variables = [{"name": "LOG_LEVEL", "value": "debug"}]
    changed = {**pod, "containers": [{**pod["containers"][0], "env": variables}]}
    assert "hello-reconciler-dev" in change("/spec/template/spec", changed)


def test_its_identity_reads_no_secret_verifies_nothing_and_makes_no_pod(reconciler: KubernetesApi) -> None:
    assert "forbidden" in str(refusal(lambda: reconciler.list("v1", "Secret", namespace="dev")))
    record = {"apiVersion": "v1", "kind": "ConfigMap"}
    metadata = {"name": verified_images_name(SERVICE), "namespace": "prod"}
    verify = [{"op": "add", "path": "/data", "value": {64 * "0": "{}"}}]
    assert "forbidden" in str(refusal(lambda: patch(reconciler, {**record, "metadata": metadata}, verify)))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mine", "namespace": "dev"}, "spec": {}}
    assert "forbidden" in str(refusal(lambda: reconciler.create(pod)))
