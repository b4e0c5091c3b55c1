"""Unsupported fields of a pod are refused by path."""

from __future__ import annotations

from typing import Any

import pytest

from components.delivery.jenkins import agents
from rehearsal.kubelet import refusals

CONTAINER: dict[str, Any] = {"name": "c", "image": "i"}
NONE: dict[str, Any] = {}


@pytest.mark.parametrize("kind", ["build", "release", "verify", "preview"])
def test_pods_of_agents_are_known(kind: str) -> None:
    spec = agents.pod(kind, "i", environment="dev", priority_class="tooling")["spec"]
    assert refusals.unknown(spec) == []


def test_what_a_stateful_set_adds_to_its_pods_is_known() -> None:
    """https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/statefulset/stateful_set_utils.go ."""
    assert refusals.unknown({"containers": [CONTAINER], "hostname": "p-0", "subdomain": "p"}) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"hostNetwork": True}, "hostNetwork: True"),
        ({"dnsPolicy": "None"}, "dnsPolicy: None"),
        ({"initContainers": [CONTAINER]}, "initContainers"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volumes[0].hostPath"),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"clusterTrustBundle": NONE}]}}]},
            "volumes[0].projected.sources[0].clusterTrustBundle",
        ),
        ({"containers": [CONTAINER, {**CONTAINER, "resizePolicy": [NONE]}]}, "containers[1].resizePolicy"),
        ({"containers": [{**CONTAINER, "livenessProbe": {"exec": NONE}}]}, "containers[0].livenessProbe.exec"),
        ({"containers": [{**CONTAINER, "securityContext": {"privileged": True}}]}, "privileged: True"),
    ],
)
def test_what_is_not_known_is_named(spec: dict[str, Any], path: str) -> None:
    (told,) = refusals.unknown({"containers": [CONTAINER], **spec})
    assert told.endswith(path)
