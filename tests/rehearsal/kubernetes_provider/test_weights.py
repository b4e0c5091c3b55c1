"""A release writes the weights into an annotation of the Ingress that admission adds; the others are the program's."""

from __future__ import annotations

from typing import Any

from components.ingress.forward import USE_ANNOTATION, ForwardActions
from contract.blue_green import FORWARD_ACTION, forward_action
from release.forward import with_weights
from tests.rehearsal.conftest import eventually
from tests.rehearsal.engine_harness import EngineHarness, Program
from tests.rehearsal.kubernetes_provider.conftest import MANAGER, SKIP_AWAIT, Cluster, Options, k8s

KEY = f"{FORWARD_ACTION}api"
WEIGHED = with_weights(forward_action("api"), "api", {"blue": 0, "green": 100})
OTHER = {f"{FORWARD_ACTION}api-1-preview": "{}"}
"""An action that the program declares."""


def spec(*ports: str) -> dict[str, Any]:
    """An Ingress with a path for each port; the second is the preview's."""
    names = ("api", "api-1-preview")
    paths = [
        {"path": f"/{port}", "path_type": "Prefix", "backend": {"service": {"name": name, "port": {"name": port}}}}
        for name, port in zip(names, ports, strict=False)
    ]
    return {"rules": [{"host": "example.com", "http": {"paths": paths}}]}


def program(cluster: Cluster, *ports: str, revision: str = "1", names: tuple[str, ...] = ("dev",)) -> Program:
    def declare(options: Options) -> None:
        policy = ForwardActions("policy", [cluster.namespace], opts=options())
        for name in names:
            declared = {**SKIP_AWAIT, **(OTHER if len(ports) > 1 else {}), "example.com/revision": revision}
            metadata: dict[str, Any] = {"name": name, "namespace": cluster.namespace, "annotations": declared}
            k8s.networking.v1.Ingress(name, metadata=metadata, spec=spec(*ports), opts=options(depends_on=[policy]))

    return cluster.program(declare)


def weigh(cluster: Cluster) -> None:
    change: list[dict[str, Any]] = [
        {"op": "replace", "path": f"/metadata/annotations/{KEY.replace('/', '~1')}", "value": WEIGHED}
    ]
    cluster.api.json_patch(
        "networking.k8s.io/v1", "Ingress", "dev", change, namespace=cluster.namespace, field_manager=MANAGER
    )


def annotations_of(cluster: Cluster, name: str = "dev") -> dict[str, str]:
    return cluster.get("networking.k8s.io/v1", "Ingress", name)["metadata"]["annotations"]


def in_force(cluster: Cluster) -> bool:
    """Whether the policy is, which takes the API server a moment."""
    path = {
        "path": "/",
        "pathType": "Prefix",
        "backend": {"service": {"name": "api", "port": {"name": USE_ANNOTATION}}},
    }
    tried = cluster.api.apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "tried", "namespace": cluster.namespace, "annotations": {"example.com/a": "b"}},
            "spec": {"rules": [{"http": {"paths": [path]}}]},
        },
        field_manager=MANAGER,
        dry_run=True,
    )
    return KEY in tried["metadata"]["annotations"]


def test_a_first_canary_has_its_action_at_once_and_weights_are_the_releases(
    engine: EngineHarness, cluster: Cluster
) -> None:
    engine.up(program(cluster, "http"))
    assert KEY not in annotations_of(cluster)
    eventually(lambda: in_force(cluster), "the policy is in force")

    both = ("dev", "new")
    engine.up(program(cluster, USE_ANNOTATION, USE_ANNOTATION, names=both))
    for name in both:
        assert annotations_of(cluster, name)[KEY] == forward_action("api")
        assert OTHER.items() <= annotations_of(cluster, name).items()

    weigh(cluster)
    assert engine.up(program(cluster, USE_ANNOTATION, USE_ANNOTATION, names=both)).steps == {}
    engine.up(program(cluster, USE_ANNOTATION, USE_ANNOTATION, names=both, revision="2"))
    assert (annotations_of(cluster)["example.com/revision"], annotations_of(cluster)[KEY]) == ("2", WEIGHED)
    assert engine.refresh().steps == {}
    assert engine.up(program(cluster, USE_ANNOTATION, USE_ANNOTATION, names=both, revision="2")).steps == {}
    assert annotations_of(cluster)[KEY] == WEIGHED

    engine.up(program(cluster, "http", revision="2"))
    assert not any(key.startswith(FORWARD_ACTION) for key in annotations_of(cluster))
    engine.up(program(cluster, USE_ANNOTATION, revision="2"))
    assert annotations_of(cluster)[KEY] == forward_action("api"), "no weights of before"
