"""What the client asks an API server, and makes of its answers."""

from __future__ import annotations

import json
from typing import Any

from kube.client import KubernetesApi
from tests.http_server import Answer, Request, answering

VERSION = {"groupVersion": "gone.example.com/v1", "version": "v1"}
ANSWERS: dict[str, Any] = {
    "/version": {"major": "1", "minor": "34"},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [{"name": "gone.example.com", "versions": [VERSION], "preferredVersion": VERSION}],
    },
    "/api/v1": {
        "kind": "APIResourceList",
        "resources": [{"name": "nodes", "kind": "Node", "namespaced": False, "verbs": ["list"]}],
    },
    "/api/v1/nodes": {"kind": "NodeList", "apiVersion": "v1", "items": [{"metadata": {"name": "one"}}]},
}


def api_server(request: Request) -> Answer:
    """It still lists a group whose definitions are being deleted, and no longer has what is in it."""
    found = ANSWERS.get(request.path.partition("?")[0])
    return Answer(404 if found is None else 200, json.dumps(found or {"kind": "Status"}).encode(), "application/json")


def test_a_group_that_is_going_hides_no_kind_of_another() -> None:
    with answering(api_server) as address:
        kubeconfig: dict[str, Any] = {
            "current-context": "one",
            "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
            "clusters": [{"name": "one", "cluster": {"server": address}}],
            "users": [{"name": "one", "user": {}}],
        }
        assert [one["metadata"]["name"] for one in KubernetesApi(kubeconfig).list("v1", "Node")] == ["one"]
