"""`python -m tests.rehearsal.elasticsearch`: Elasticsearch's API in the network of the rehearsal in `HELLO_REHEARSAL`.

At the addresses of its pods, over TLS with the operator's certificate, for the operator's users. Prints what happens to
nodes and shards, a line each.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from contract.namespaces import LOGGING
from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, Layout
from rehearsal.network.enter import enter
from tests.rehearsal.elasticsearch.api import Api
from tests.rehearsal.elasticsearch.cluster import Cluster, Pod

PORT = 9200
SELECTOR = "common.k8s.elastic.co/type=elasticsearch"
VERSION = "elasticsearch.k8s.elastic.co/version"
CERTIFICATE, USERS = "hello-es-http-certs-internal", "hello-es-internal-users"
"""The operator's Secrets."""

POLL_SECONDS = 0.2


class _Server(ThreadingHTTPServer):
    """A server at the address of one pod; the pod simulator has the port at every address."""

    allow_reuse_port = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of a client that leaves, or takes another certificate."""


def pod(body: KubernetesObject) -> Pod | None:
    """A pod of Elasticsearch, once it has an address."""
    metadata: dict[str, Any] = body["metadata"]
    status: dict[str, Any] = body.get("status") or {}
    if not status.get("podIP"):
        return None
    claims = [
        one["persistentVolumeClaim"]["claimName"] for one in body["spec"]["volumes"] if "persistentVolumeClaim" in one
    ]
    running = [
        datetime.fromisoformat(one["state"]["running"]["startedAt"]).timestamp()
        for one in status.get("containerStatuses") or ()
        if one["name"] == "elasticsearch" and "running" in one["state"]
    ]
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        version=metadata["labels"][VERSION],
        address=status["podIP"],
        volume=claims[0],
        running=running[0] if running else None,
    )


class Service:
    """The servers of a cluster's nodes.

    Args:
        api: The API server.
        folder: An empty folder, for the certificate.
    """

    def __init__(self, api: KubernetesApi, folder: Path) -> None:
        self._api, self._folder, self._lock = api, folder, threading.Lock()
        self._servers: dict[str, _Server] = {}
        self._elasticsearch = Api(Cluster())

    def _secret(self, name: str) -> dict[str, str]:
        found = self._api.get("v1", "Secret", name, LOGGING)
        assert found, name
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    def look(self) -> None:
        """Takes note of pods and volumes, and serves at the addresses of the cluster's nodes."""
        bodies = self._api.list("v1", "Pod", namespace=LOGGING, label_selector=SELECTOR)
        claims = self._api.list("v1", "PersistentVolumeClaim", namespace=LOGGING)
        uids = {one["metadata"]["name"]: one["metadata"]["uid"] for one in claims}
        pods = {uids[one.volume]: one for one in map(pod, bodies) if one is not None and one.volume in uids}
        with self._lock:
            cluster = self._elasticsearch.cluster
            cluster.observe(pods, set(uids.values()), time.time())
            wanted = {one.address: volume for volume, one in cluster.nodes.items()}
            for line in (*cluster.story, *(f"unknown: {one}" for one in self._elasticsearch.unknown)):
                sys.stdout.write(f"{line}\n")
            cluster.story.clear()
            self._elasticsearch.unknown.clear()
            sys.stdout.flush()
        for address in set(self._servers) - set(wanted):
            server = self._servers.pop(address)
            server.shutdown()
            server.server_close()
        for address in set(wanted) - set(self._servers):
            self._servers[address] = self._serve(address, wanted[address])

    def _certificate(self) -> ssl.SSLContext:
        for name, content in self._secret(CERTIFICATE).items():
            (self._folder / name).write_text(content)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "tls.crt", self._folder / "tls.key")
        return context

    def _serve(self, address: str, volume: str) -> _Server:
        """Starts a node's server, with certificate and users as they are now."""
        service, certificate, users = self, self._certificate(), self._secret(USERS)
        with self._lock:
            self._elasticsearch.passwords = users

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, answer = service.answer(volume, self.command, self.path, body, self.headers)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                """Logs nothing."""

        server = _Server((address, PORT), Handler)
        server.socket = certificate.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def answer(self, volume: str, method: str, target: str, body: bytes, headers: Any) -> tuple[int, Any]:
        """The node's answer to a request."""
        with self._lock:
            return self._elasticsearch.answer(volume, method, target, body, headers.get("authorization") or "")


@contextmanager
def running(layout: Layout, holder: int, log: Path) -> Generator[None]:
    """Elasticsearch's API while the block runs, in the network of a process; what happens goes to a file."""
    environment = {**os.environ, DIRECTORY_VARIABLE: str(layout.directory)}
    command = [*enter(holder), sys.executable, "-m", "tests.rehearsal.elasticsearch"]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=out, stderr=out) as process,
    ):
        try:
            yield
        finally:
            process.kill()


def main() -> None:
    """Serves until it is killed."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(KubernetesApi(Layout.of_environment().kubeconfig), Path(folder))
        while True:
            try:
                service.look()
            except KubernetesApiError as error:
                sys.stdout.write(f"error: {error}\n")
            time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
