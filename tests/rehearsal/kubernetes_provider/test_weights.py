"""A release writes the weights into an annotation of the Ingress, whose other annotations are the program's."""

from __future__ import annotations

from typing import Any

import pytest

from components.ingress import forward
from contract.blue_green import FORWARD_ACTION, forward_action
from release.forward import with_weights
from tests.rehearsal.engine_harness import EngineFailedError, EngineHarness, Program
from tests.rehearsal.kubernetes_provider.conftest import MANAGER, SKIP_AWAIT, Cluster, Options, k8s

KEY = f"{FORWARD_ACTION}api"
WEIGHED = with_weights(forward_action("api"), "api", {"blue": 0, "green": 100})


def ingress(cluster: Cluster, *, revision: str, force: bool) -> Program:
    def declare(options: Options) -> None:
        forced = forward.PATCH_FORCE if force else {}
        metadata: dict[str, Any] = {
            "name": "dev",
            "namespace": cluster.namespace,
            "annotations": {**SKIP_AWAIT, **forced, KEY: forward_action("api"), "example.com/revision": revision},
        }
        backend = {"service": {"name": "api", "port": {"name": "use-annotation"}}}
        k8s.networking.v1.Ingress(
            "dev",
            metadata=metadata,
            spec={"default_backend": backend},
            opts=options(ignore_changes=[forward.ignored("api")]),
        )

    return cluster.program(declare)


def weigh(cluster: Cluster) -> None:
    change: list[dict[str, Any]] = [
        {"op": "replace", "path": f"/metadata/annotations/{KEY.replace('/', '~1')}", "value": WEIGHED}
    ]
    cluster.api.json_patch(
        "networking.k8s.io/v1", "Ingress", "dev", change, namespace=cluster.namespace, field_manager=MANAGER
    )


def annotations_of(cluster: Cluster) -> dict[str, str]:
    return cluster.get("networking.k8s.io/v1", "Ingress", "dev")["metadata"]["annotations"]


def test_up_writes_the_initial_action_and_never_other_weights(engine: EngineHarness, cluster: Cluster) -> None:
    def program(revision: str) -> Program:
        return ingress(cluster, revision=revision, force=True)

    engine.up(program("1"))
    weigh(cluster)
    assert engine.up(program("1")).steps == {}
    assert annotations_of(cluster)[KEY] == WEIGHED
    engine.up(program("2"))
    assert (annotations_of(cluster)["example.com/revision"], annotations_of(cluster)[KEY]) == (
        "2",
        forward_action("api"),
    )
    weigh(cluster)
    assert engine.refresh().steps == {}
    assert engine.up(program("2")).steps == {}
    assert annotations_of(cluster)[KEY] == WEIGHED


def test_without_force_it_ends_with_a_conflict(engine: EngineHarness, cluster: Cluster) -> None:
    engine.up(ingress(cluster, revision="1", force=False))
    weigh(cluster)
    with pytest.raises(EngineFailedError):
        engine.up(ingress(cluster, revision="2", force=False))
    assert annotations_of(cluster)[KEY] == WEIGHED
