"""Emulates Elasticsearch, Kibana and the Kubernetes API for the requests of the bootstrap job, by their documentation.

https://www.elastic.co/docs/api/doc/elasticsearch, https://www.elastic.co/docs/api/doc/kibana
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

USER = "logs-setup"
PASSWORD = "right, and long enough"  # noqa: S105 - made up


@dataclass
class Account:
    """State of the emulated servers: requests, objects, and faults to come.

    Attributes:
        asked: Method and path of every request, in order.
        there: Created objects, by path; data views and saved objects by id.
        faults: Status codes of the next responses to a path.
        url: URL of the server.
        password: Password of the only user.
    """

    asked: list[str] = field(default_factory=list[str])
    there: dict[str, Any] = field(default_factory=dict[str, Any])
    faults: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    url: str = ""
    password: str = PASSWORD

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        """Status and body of the response to a request."""
        self.asked.append(f"{method} {path}")
        if self.faults.get(path):
            return self.faults[path].pop(0), {"error": "not now"}
        if path.startswith("/api/v1/") and method == "GET":
            return 200, {"kind": "PodList", "items": []}
        if path.startswith("/api/v1/"):
            self.there[path] = json.loads(body)["data"]
            return 200, {"kind": "ConfigMap"}
        login = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        if headers.get("authorization") != f"Basic {login}":
            return 401, {"error": {"type": "security_exception"}}
        return (
            self._kibana(path, body, headers) if path.startswith("/api/") else self._elasticsearch(method, path, body)
        )

    def _state(self, path: str) -> Any:
        """What Elasticsearch says of itself: nothing is wrong, and no event is there."""
        none: dict[str, Any] = {"hosts": {"buckets": []}}
        answers: dict[str, Any] = {
            "_search": {"aggregations": {"nodes": none, "refused": none, "lost": {"value": 0}}},
            "allocation": [{"node": "hello-es-default-0", "disk.percent": "12"}],
            "explain": {"indices": {}},
            "nightly": {"nightly": {"policy": self.there.get(path)}},
            "health": {"status": "green"},
        }
        return answers[urlsplit(path).path.rpartition("/")[2]]

    def _elasticsearch(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if method == "GET" or path.endswith("/_search"):
            return 200, self._state(path)
        if path.startswith("/_data_stream/"):
            name = path.rpartition("/")[2]
            templates: list[Any] = [one for at, one in self.there.items() if at.startswith("/_index_template/")]
            if not any(name in one["index_patterns"] and "data_stream" in one for one in templates):
                return 400, {"error": {"type": "illegal_argument_exception", "reason": "no matching index template"}}
            if path in self.there:
                return 400, {"error": {"type": "resource_already_exists_exception"}}
        if path.startswith("/_slm/policy/"):
            assert f"/_snapshot/{json.loads(body)['repository']}" in self.there, "no such repository"
        if path.startswith("/_index_template/"):
            policy = json.loads(body)["template"]["settings"]["index.lifecycle.name"]
            assert f"/_ilm/policy/{policy}" in self.there, "a template names a policy that is not there"
        self.there[path] = json.loads(body) if body else {}
        return 200, {"acknowledged": True}

    def _kibana(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        if path == "/api/status":
            return 200, {"status": {"overall": {"level": "available"}}}
        if "kbn-xsrf" not in headers:
            return 400, {"message": "Request must contain a kbn-xsrf header."}
        if path == "/api/data_views/data_view":
            view = json.loads(body)
            identity = view["data_view"]["id"]
            if identity in self.there and not view.get("override"):
                return 400, {"message": f"Duplicate data view: {identity}"}
            self.there[identity] = view["data_view"]
            return 200, {"data_view": view["data_view"]}
        if path == "/api/data_views/default":
            asked = json.loads(body)
            assert asked["force"]
            self.there["default"] = asked["data_view_id"]
            return 200, {"acknowledged": True}
        return self._import(path, body, headers)

    def _import(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        assert "overwrite=true" in urlsplit(path).query
        boundary = headers["content-type"].partition("boundary=")[2]
        _, part, end = body.decode().split(f"--{boundary}")
        head, _, lines = part.partition("\r\n\r\n")
        assert 'name="file"' in head
        assert ".ndjson" in head
        assert end.strip() == "--"
        objects = [json.loads(line) for line in lines.splitlines() if line]
        known = {*self.there, *(one["id"] for one in objects)}
        missing = [one["id"] for one in objects for it in one["references"] if it["id"] not in known]
        if missing:
            return 200, {
                "success": False,
                "errors": [{"id": one, "error": {"type": "missing_references"}} for one in missing],
            }
        self.there.update({one["id"]: one for one in objects})
        return 200, {"success": True, "successCount": len(objects)}


@contextmanager
def serving(
    certificate: ssl.SSLContext | None = None, *, password: str = PASSWORD, at: tuple[str, int] = ("127.0.0.1", 0)
) -> Generator[Account]:
    """Serves all three APIs at one address, over HTTPS with a certificate, else over HTTP."""
    account = Account(password=password)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = account.answer(self.command, self.path, body, headers)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_POST = do_PATCH = _answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Logs nothing."""

    server = ThreadingHTTPServer(at, Handler)
    if certificate is not None:
        server.socket = certificate.wrap_socket(server.socket, server_side=True)
    account.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield account
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
