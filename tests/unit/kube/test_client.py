"""The client's requests to the API server, and its handling of responses."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, call

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kube import client
from kube.client import UNREACHABLE, KubernetesApi, KubernetesApiError, has_condition
from kube.transport import hold_credentials
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


def test_a_list_is_selected_by_the_api_server() -> None:
    asked: list[str] = []

    def recording(request: Request) -> Answer:
        asked.append(request.path)
        return api_server(request)

    with answering(recording) as address:
        KubernetesApi(kubeconfig(address)).list("v1", "Node", label_selector="a=b", field_selector="metadata.name=one")
    assert asked[-1] == "/api/v1/nodes?fieldSelector=metadata.name%3Done&labelSelector=a%3Db"


def kubeconfig(address: str) -> dict[str, Any]:
    return {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "clusters": [{"name": "one", "cluster": {"server": address}}],
        "users": [{"name": "one", "user": {}}],
    }


@pytest.mark.parametrize("context", [None, "two"])
@pytest.mark.parametrize("in_file", [True, False])
def test_a_client_says_of_which_cluster_it_is(context: str | None, in_file: bool, tmp_path: Path) -> None:
    with answering(api_server) as address:
        content = kubeconfig(address)
        content["contexts"].append({"name": "two", "context": {"cluster": "hello-prod", "user": "one"}})
        content["clusters"].append({"name": "hello-prod", "cluster": {"server": address}})
        file = tmp_path / "kubeconfig"
        file.write_text(json.dumps(content))
        cluster = KubernetesApi(file if in_file else content, context=context).cluster
    assert cluster == (f"hello-prod, context two, {address}" if context else f"one, context one, {address}")


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


SLOW = 0.5


class Stalling:
    """An API server that accepts connections, and never ends an answer.

    Args:
        sends: Bytes that it sends of each answer, one every tenth of a second; none if it is hung.
    """

    def __init__(self, sends: bytes) -> None:
        self._sends = sends
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError):
            connection.recv(65536)
            if self._sends:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            for byte in self._sends:
                connection.sendall(bytes([byte]))
                time.sleep(SLOW / 5)
            time.sleep(60)

    def close(self) -> None:
        """Ends it."""
        self._listener.close()


@pytest.mark.parametrize("sends", [b"", b"{" * 1000], ids=["hung", "slow"])
def test_an_api_server_that_does_not_answer_is_told_in_time_and_asked_once(sends: bytes) -> None:
    """At its discovery, which has no time limit of its own; urllib3 alone would ask four times."""
    server = Stalling(sends)
    began = time.monotonic()
    try:
        with pytest.raises(KubernetesApiError, match="no answer from 127") as caught:
            KubernetesApi(kubeconfig(server.address), request_seconds=SLOW)
    finally:
        server.close()
    assert caught.value.status == UNREACHABLE
    assert time.monotonic() - began < SLOW * 4
    assert server.connections == 1


def test_a_handshake_that_is_cut_is_no_answer() -> None:
    """As by an API server that goes, or a load balancer whose API server has gone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cut() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.close()

        threading.Thread(target=cut, daemon=True).start()
        with pytest.raises(KubernetesApiError, match=r"no answer: .*EOF occurred") as caught:
            KubernetesApi(kubeconfig(f"https://127.0.0.1:{listener.getsockname()[1]}"))
    assert caught.value.status == UNREACHABLE


def test_no_connection_changes_what_other_threads_connect_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a change by each, 3 of 122,000 handshakes of six threads at once had garbage in them."""
    changes = Mock()
    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", changes)
    manager = urllib3.PoolManager(retries=False)
    configuration = SimpleNamespace(ssl_ca_cert=None, cert_file=None, key_file=None)
    hold_credentials(SimpleNamespace(configuration=configuration, rest_client=SimpleNamespace(pool_manager=manager)))
    server = Stalling(b"")
    try:
        for _ in range(2):
            with pytest.raises(urllib3.exceptions.HTTPError):
                manager.request("GET", server.address.replace("http:", "https:"), timeout=SLOW)
    finally:
        server.close()
    assert (server.connections, changes.mock_calls) == (2, [call(["http/1.1"])])


def test_no_file_is_left_in_the_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what was discovered nor, if the process is killed at its first request, its private key."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    certificate, key = key_pair()
    config = kubeconfig("https://127.0.0.1:9")
    config["users"][0]["user"] = {"client-certificate-data": certificate, "client-key-data": key}
    for _ in range(2):
        with pytest.raises(KubernetesApiError):
            KubernetesApi(config)
        assert list(tmp_path.iterdir()) == []


def test_threads_that_create_clients_at_once_do_not_delete_each_others_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    certificate, key = key_pair()
    config = kubeconfig("https://127.0.0.1:9")
    config["users"][0]["user"] = {"client-certificate-data": certificate, "client-key-data": key}

    def status(_: int) -> int:
        with pytest.raises(KubernetesApiError) as caught:
            KubernetesApi(config)
        return caught.value.status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(status, range(64))) == {UNREACHABLE}
    assert list(tmp_path.iterdir()) == []


def key_pair() -> tuple[str, str]:
    """A certificate and its private key, as a kubeconfig has them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tester")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return base64.b64encode(certificate.public_bytes(pem)).decode(), base64.b64encode(private).decode()


def test_an_empty_log_is_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client answers None for an empty body."""
    api = KubernetesApi.__new__(KubernetesApi)
    resource = SimpleNamespace(subresources={"log": SimpleNamespace(get=None)})
    monkeypatch.setattr(KubernetesApi, "_resource", Mock(return_value=resource))
    monkeypatch.setattr(client, "_checked", Mock(return_value=SimpleNamespace(data=None)))
    assert api.pod_log("a", "dev", lines=10) == ""
