"""The client's requests to the API server, and its handling of responses."""

from __future__ import annotations

import json
from typing import Any

from kube.client import KubernetesApi, has_condition
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
        "resources": [
            {"name": "nodes", "kind": "Node", "namespaced": False, "verbs": ["list"]},
            {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["list"]},
            {"name": "pods/eviction", "kind": "Eviction", "namespaced": True, "verbs": ["create"]},
            {"name": "pods/status", "kind": "Pod", "namespaced": True, "verbs": ["patch"]},
            {"name": "serviceaccounts", "kind": "ServiceAccount", "namespaced": True, "verbs": ["list"]},
            {"name": "serviceaccounts/token", "kind": "TokenRequest", "namespaced": True, "verbs": ["create"]},
        ],
    },
    "/api/v1/nodes": {"kind": "NodeList", "apiVersion": "v1", "items": [{"metadata": {"name": "one"}}]},
}


def api_server(request: Request) -> Answer:
    """It still lists a group whose definitions are being deleted, and no longer has what is in it."""
    found = ANSWERS.get(request.path.partition("?")[0])
    return Answer(404 if found is None else 200, json.dumps(found or {"kind": "Status"}).encode(), "application/json")


def test_a_group_that_is_going_hides_no_kind_of_another() -> None:
    with answering(api_server) as address:
        assert [one["metadata"]["name"] for one in KubernetesApi(kubeconfig(address)).list("v1", "Node")] == ["one"]


def kubeconfig(address: str) -> dict[str, Any]:
    return {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "clusters": [{"name": "one", "cluster": {"server": address}}],
        "users": [{"name": "one", "user": {}}],
    }


def test_subresources_are_created_and_patched_at_their_paths() -> None:
    requests: list[tuple[str, str, str | None, Any]] = []

    def api_server_with_pods(request: Request) -> Answer:
        if request.method == "GET":
            return api_server(request)
        requests.append((request.method, request.path, request.headers.get("Content-Type"), json.loads(request.body)))
        return Answer(201, b'{"status": {"token": "t"}}', "application/json")

    with answering(api_server_with_pods) as address:
        api = KubernetesApi(kubeconfig(address))
        token = api.subresource("create", "ServiceAccount/token", "default", "dev", {"spec": {}})
        api.subresource("patch", "Pod/status", "p", "dev", {"status": {"phase": "Running"}})
        api.evict("p", "dev")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p", "namespace": "dev"}}
    merge, plain = "application/strategic-merge-patch+json", "application/json"
    assert token == {"status": {"token": "t"}}
    assert requests == [
        ("POST", "/api/v1/namespaces/dev/serviceaccounts/default/token", plain, {"spec": {}}),
        ("PATCH", "/api/v1/namespaces/dev/pods/p/status", merge, {"status": {"phase": "Running"}}),
        ("POST", "/api/v1/namespaces/dev/pods/p/eviction", plain, eviction),
    ]


def test_a_condition_holds_if_it_is_true() -> None:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "False"}]
    body = {"kind": "Node", "status": {"conditions": conditions}}
    assert has_condition(body, "Ready")
    assert not has_condition(body, "DiskPressure")
    assert not has_condition(body, "PIDPressure")
    assert not has_condition({"kind": "Node"}, "Ready")
    assert not has_condition(None, "Ready")
