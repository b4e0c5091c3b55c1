"""Verdicts on what was seen."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.stand_ins.kubernetes import readiness
from rehearsal.stand_ins.kubernetes.readiness import SETTLE_SECONDS, Seen

REVISION = "deployment.kubernetes.io/revision"


def deployment(*, revision: str = "1", observed: int = 1, available: str = "True") -> dict[str, Any]:
    return {
        "metadata": {"name": "api", "uid": "u", "generation": 1, "annotations": {REVISION: revision}},
        "spec": {"replicas": 2},
        "status": {
            "observedGeneration": observed,
            "conditions": [
                {"type": "Available", "status": available, "reason": "Minimum", "message": "too few"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        },
    }


def replica_set(*, revision: str = "1", ready: int = 2, replicas: int = 2, owner: str = "u") -> dict[str, Any]:
    return {
        "metadata": {"ownerReferences": [{"uid": owner}], "annotations": {REVISION: revision}},
        "spec": {"replicas": replicas},
        "status": {"readyReplicas": ready} if ready else {},
    }


def test_a_deployment_is_ready_with_its_revisions_replica_set() -> None:
    assert readiness.deployment(Seen(deployment(), replica_sets=[replica_set()])).ready
    assert readiness.deployment(Seen(deployment(), replica_sets=[replica_set(ready=0, replicas=0)])).ready


@pytest.mark.parametrize(
    ("target", "replica_sets", "reason"),
    [
        (deployment(observed=0), [replica_set()], "has not seen this version"),
        (deployment(available="False"), [replica_set()], "[Minimum] too few"),
        (deployment(), [replica_set(ready=1)], "Minimum number of Pods"),
        (deployment(), [replica_set(owner="another")], "Minimum number of Pods"),
        (deployment(revision="2"), [replica_set()], "Attempted to roll forward"),
    ],
)
def test_a_deployment_says_what_it_lacks(target: Any, replica_sets: Any, reason: str) -> None:
    verdict = readiness.deployment(Seen(target, replica_sets=replica_sets))
    assert not verdict.ready
    assert reason in " ".join(verdict.reasons)


def test_a_deployment_waits_for_its_volumes() -> None:
    pending = {"metadata": {"name": "data"}, "status": {"phase": "Pending"}}
    verdict = readiness.deployment(Seen(deployment(), replica_sets=[replica_set()], claims=[pending]))
    assert verdict.reasons == ("Failed to bind PersistentVolumeClaim(s): data",)


def stateful_set(**status: Any) -> Seen:
    counts = {"replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "currentRevision": "a", "updateRevision": "a"}
    return Seen(
        {
            "metadata": {"generation": 2},
            "spec": {"replicas": 2},
            "status": {"observedGeneration": 2, **counts, **status},
        }
    )


def test_a_stateful_set_is_ready_when_all_replicas_are_of_one_revision() -> None:
    assert readiness.stateful_set(stateful_set()).ready
    assert not readiness.stateful_set(stateful_set(readyReplicas=1)).ready
    assert not readiness.stateful_set(stateful_set(updateRevision="b")).ready
    assert not readiness.stateful_set(stateful_set(observedGeneration=1)).ready


def test_a_daemon_set_is_ready_when_each_node_has_its_pod() -> None:
    status = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 2,
        "currentNumberScheduled": 2,
        "updatedNumberScheduled": 2,
        "numberAvailable": 2,
        "numberReady": 2,
    }
    assert readiness.daemon_set(Seen({"metadata": {"generation": 1}, "status": status})).ready
    short = Seen({"metadata": {"generation": 1}, "status": {**status, "numberReady": 1}})
    assert readiness.daemon_set(short).reasons == ("Ready: 1/2",)
    assert readiness.daemon_set(Seen({"metadata": {"generation": 1}, "status": {"desiredNumberScheduled": 0}})).reasons


def test_a_failed_job_is_not_waited_for() -> None:
    def job(kind: str) -> Seen:
        condition = {"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}
        return Seen({"metadata": {"name": "j"}, "status": {"startTime": "now", "conditions": [condition]}})

    assert readiness.job(job("Complete")).ready
    assert readiness.job(job("Failed")).failed
    assert readiness.job(job("Failed")).reasons == ("[BackoffLimitExceeded] too often",)
    assert not readiness.job(job("Suspended")).failed


def service(endpoints: Any, *, seconds: float = SETTLE_SECONDS, **spec: Any) -> bool:
    target = {"spec": {"selector": {"app": "api"}, **spec}}
    return readiness.service(Seen(target, endpoints=endpoints, unchanged_seconds=seconds)).ready


def test_a_service_is_ready_when_its_endpoints_have_settled_and_none_is_unready() -> None:
    ready = {"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]}
    assert service(ready)
    assert not service(ready, seconds=SETTLE_SECONDS - 1)
    assert not service({"subsets": [{"notReadyAddresses": [{"ip": "10.0.0.1"}]}]})
    assert not service(None)
    assert service({})


def test_a_service_without_pods_of_its_own_waits_for_none() -> None:
    assert service(None, clusterIP="None")
    assert service(None, type="ExternalName")
    assert service(None, selector=None)
    assert not service({}, type="LoadBalancer")


def test_an_ingress_needs_an_address_and_waits_a_while_for_its_services() -> None:
    backend = {"path": "/", "backend": {"service": {"name": "api"}}}
    spec = {"rules": [{"host": "example.org", "http": {"paths": [backend]}}]}
    addressed = {"spec": spec, "status": {"loadBalancer": {"ingress": [{"hostname": "lb"}]}}}
    assert readiness.ingress(Seen(addressed, endpoint_names=frozenset({"api"}))).ready
    assert "example.org/" in readiness.ingress(Seen(addressed)).reasons[0]
    assert readiness.ingress(Seen(addressed, unchanged_seconds=SETTLE_SECONDS)).ready
    assert not readiness.ingress(Seen({"spec": spec}, unchanged_seconds=SETTLE_SECONDS)).ready


def test_a_claim_that_waits_for_its_first_pod_is_ready_while_pending() -> None:
    lazy = {"volumeBindingMode": "WaitForFirstConsumer"}
    pending = {"status": {"phase": "Pending"}}
    assert readiness.claim(Seen(pending, storage_class=lazy)).ready
    assert not readiness.claim(Seen(pending)).ready
    assert readiness.claim(Seen({"status": {"phase": "Bound"}})).ready


def test_a_pod_says_why_it_is_not_ready() -> None:
    conditions = [{"type": "PodScheduled", "status": "False", "message": "Insufficient cpu"}]
    target = {"metadata": {"name": "p", "namespace": "dev"}, "status": {"conditions": conditions}}
    assert readiness.pod(Seen(target)).reasons == ("[Pod dev/p]: Insufficient cpu",)
    assert readiness.pod(Seen({"metadata": {"name": "p"}, "status": {"phase": "Succeeded"}})).ready
