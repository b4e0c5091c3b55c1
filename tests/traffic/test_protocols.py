"""Protocols through the front door: a real HAProxy with its configuration, and small servers in place of nodes."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from rehearsal.front_door.elbv2 import State
from rehearsal.layout import CHECKOUT
from tests.rehearsal.conftest import eventually
from tests.traffic.test_front_door import Door, start  # noqa: F401 - a fixture  # pyright: ignore[reportUnusedImport]
from tests.unit.rehearsal.front_door.account import (
    BACKEND,
    DOMAIN,
    NODES,
    QUICK,
    instance,
    load_balancer,
    path,
    permission,
    security_group,
    state,
    target,
    target_group,
)

IDLE = 2
"""Seconds of the load balancer's idle time-out."""

GRPC = {"ProtocolVersion": "GRPC", "HealthCheckPath": "/AWS.ALB/healthcheck", "Matcher": {"GrpcCode": "12"}}
HTTP2 = {"ProtocolVersion": "HTTP2"}
NAMES = {"127.0.2.1": "blue", "127.0.2.2": "green"}
"""Two servers, by address."""

KEY, ACCEPT = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The example of RFC 6455, 1.3."""

FRAME = b"\x81\x02hi"
"""A WebSocket's text frame (RFC 6455, 5.7)."""


@dataclass(frozen=True)
class Upstream:
    """A server in place of a node."""

    name: str
    address: str
    port: int


class Streams(socketserver.StreamRequestHandler):
    """WebSockets at /ws, which send back what they get; at /events an event a second; at /silence nothing."""

    def handle(self) -> None:
        """Answers one request; the server is named by its address."""
        name = NAMES[str(self.connection.getsockname()[0])]
        request = b"".join(iter(self.rfile.readline, b"\r\n"))
        with contextlib.suppress(OSError):  # the client has gone
            if request.startswith(b"GET /ws"):
                self._say(
                    "101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", ACCEPT, f"Pod: {name}"
                )
                while frame := self.rfile.read(len(FRAME)):
                    self.wfile.write(frame)
            elif request.startswith((b"GET /events", b"GET /silence")):
                self._say("200 OK", "Content-Type: text/event-stream")
                for number in itertools.count() if b"/events" in request else ():
                    self.wfile.write(f"data: {name} {number}\n\n".encode())
                    time.sleep(1)
                self.rfile.read(1)
            elif request:
                self._say("200 OK", "Content-Length: 0", "Connection: close")

    def _say(self, status: str, *headers: str) -> None:
        self.wfile.write("\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode())


@contextmanager
def streaming(name: str, address: str) -> Generator[Upstream]:
    """A server of `Streams`."""
    with socketserver.ThreadingTCPServer((address, 0), Streams) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield Upstream(name, address, server.server_address[1])
        server.shutdown()


@contextmanager
def grpc_server(name: str, address: str) -> Generator[Upstream]:
    """A server of `grpc_pods`."""
    command = [sys.executable, "-m", "tests.traffic.grpc_pods", name, address]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Upstream(name, address, int(process.stdout.readline()))
        process.stdin.close()


def one_way(version: dict[str, Any], *upstreams: Upstream, leaving: str = "") -> State:
    """The account with one target group for all paths."""
    targets = [target(f"i-{one.name}", one.port, "draining" if one.name == leaving else "healthy") for one in upstreams]
    balancer = load_balancer(
        "public", path(1, DOMAIN, "/", "pods"), Attributes={"idle_timeout.timeout_seconds": str(IDLE)}
    )
    return state(
        load_balancers=[balancer],
        target_groups=[target_group("pods", *targets, **{**QUICK, **version})],
        instances=[instance(f"i-{one.name}", one.address) for one in upstreams],
        security_groups=[*state().security_groups, security_group(NODES, permission(1, 65535, group=BACKEND))],
    )


@pytest.fixture
def pair() -> Iterator[Callable[[Callable[[str, str], Any]], list[Upstream]]]:
    """Two servers of a kind, `blue` and `green`."""
    with ExitStack() as stack:
        yield lambda kind: [stack.enter_context(kind(name, address)) for address, name in NAMES.items()]


Pair = Callable[[Callable[[str, str], Any]], list[Upstream]]
Start = Callable[[State], Door]


def connect(door: Door, path: str, *headers: str) -> socket.socket:
    """A connection with a request that is sent."""
    connection = socket.create_connection(("127.0.0.1", door.port), timeout=10)
    connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", f"Host: {DOMAIN}", *headers, "", ""]).encode())
    return connection


def head(connection: socket.socket) -> str:
    """The head of the answer."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += connection.recv(1)
    return received.decode().lower()


def websocket(door: Door) -> tuple[socket.socket, str]:
    """An open WebSocket, and the server behind it."""
    handshake = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        KEY,
    )
    connection = connect(door, "/ws", *handshake)
    answer = head(connection)
    assert answer.startswith("http/1.1 101 ")
    return connection, answer.split("pod: ")[1].split()[0]


def channel(door: Door) -> Any:
    """A gRPC channel of its own connection; the load balancer knows the host by the authority."""
    options = [("grpc.default_authority", DOMAIN), ("grpc.use_local_subchannel_pool", 1)]
    return grpc.insecure_channel(f"127.0.0.1:{door.port}", options=options)


def answered_by(one: Any) -> str:
    """The server that answers a call over a channel, or the gRPC status."""
    try:
        return one.unary_unary("/hello.Pods/Name")(b"", timeout=10).decode()
    except grpc.RpcError as error:
        return str(error)


def test_a_websocket_stays_open_while_frames_pass_and_outlives_a_change_of_targets(start: Start, pair: Pair) -> None:  # noqa: F811
    blue, green = pair(streaming)
    door = start(one_way({}, blue))
    eventually(lambda: door.get(DOMAIN)[0] == 200, "an answer")
    connection, by = websocket(door)
    with connection:
        assert by == "blue"
        before = door.workers()
        door.follow(one_way({}, blue, green, leaving="blue"))
        eventually(lambda: door.workers() > before, "another worker")
        eventually(lambda: door.get(DOMAIN)[0] == 200, "an answer")
        newer, by = websocket(door)
        newer.close()
        assert by == "green", "a new connection"
        began = time.monotonic()
        while time.monotonic() < began + 2 * IDLE:
            connection.sendall(FRAME)
            assert connection.recv(len(FRAME)) == FRAME
            time.sleep(IDLE / 4)


@pytest.mark.parametrize("way", ["websocket", "event stream"])
def test_a_stream_without_data_for_the_idle_timeout_is_cut(way: str, start: Start, pair: Pair) -> None:  # noqa: F811
    door = start(one_way({}, pair(streaming)[0]))
    eventually(lambda: door.get(DOMAIN)[0] == 200, "an answer")
    connection = websocket(door)[0] if way == "websocket" else connect(door, "/silence")
    with connection:
        began = time.monotonic()
        while connection.recv(4096):
            pass
        assert IDLE - 0.5 < time.monotonic() - began < IDLE + 2


def test_events_of_the_server_come_as_they_are_sent_for_longer_than_the_idle_timeout(start: Start, pair: Pair) -> None:  # noqa: F811
    blue, green = pair(streaming)
    door = start(one_way({}, blue))
    eventually(lambda: door.get(DOMAIN)[0] == 200, "an answer")
    with connect(door, "/events") as connection:
        assert "text/event-stream" in head(connection)
        door.follow(one_way({}, blue, green, leaving="blue"))
        began, received = time.monotonic(), ""
        while f"blue {2 * IDLE}" not in received:
            event = connection.recv(4096).decode()
            assert event, "the stream is cut"
            received += event
        assert 2 * IDLE - 1 < time.monotonic() - began < 2 * IDLE + 2, "events are not held back"


@pytest.mark.parametrize("version", [GRPC, {**HTTP2, "Matcher": {"HttpCode": "200-499"}}], ids=["GRPC", "HTTP2"])
def test_a_grpc_stream_outlives_a_change_of_targets(version: dict[str, Any], start: Start, pair: Pair) -> None:  # noqa: F811
    blue, green = pair(grpc_server)
    door = start(one_way(version, blue))
    with channel(door) as old, channel(door) as other:
        eventually(lambda: answered_by(old) == "blue", "a healthy target")
        watched = old.unary_stream("/hello.Pods/Watch")(b"")
        assert next(watched) == b"blue"
        before = door.workers()
        door.follow(one_way(version, blue, green, leaving="blue"))
        eventually(lambda: door.workers() > before, "another worker")
        eventually(lambda: answered_by(other) == "green", "the new target")
        began = time.monotonic()
        for pod in watched:
            assert pod == b"blue"
            if time.monotonic() > began + 2 * IDLE:
                break
        watched.cancel()


def test_a_grpc_target_is_healthy_by_the_code_of_an_unknown_method(start: Start, pair: Pair) -> None:  # noqa: F811
    """Its answer is the load balancer's default check; a server of HTTP/1.1 does not pass it."""
    (blue, _), (wrong, _) = pair(grpc_server), pair(streaming)
    door = start(one_way(GRPC, blue, Upstream("wrong", wrong.address, wrong.port)))
    with channel(door) as one:
        eventually(lambda: {answered_by(one) for _ in range(20)} == {"blue"}, "one healthy target")


VERSIONS = {"HTTP1": {}, "HTTP2": HTTP2, "GRPC": GRPC}


@pytest.mark.parametrize(
    ("version", "arguments", "status"),
    [
        ("HTTP1", ["--http1.1"], "200"),
        ("HTTP1", ["--http2-prior-knowledge"], "200"),
        ("HTTP1", ["--http2-prior-knowledge", "--header", "Content-Type: application/grpc", "--data", ""], "464"),
        ("HTTP2", ["--http1.1"], "464"),
        ("HTTP2", ["--http2-prior-knowledge"], "200"),
        ("GRPC", ["--http1.1"], "464"),
        ("GRPC", ["--http2-prior-knowledge"], "464"),
        ("GRPC", ["--http2-prior-knowledge", "--data", ""], "200"),
    ],
)
def test_a_request_in_another_version_than_the_target_groups_is_refused(
    version: str,
    arguments: list[str],
    status: str,
    start: Start,  # noqa: F811
    tmp_path: Path,
) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html ."""
    with any_version(tmp_path) as upstream:
        door = start(one_way(VERSIONS[version], upstream))
        url = f"http://127.0.0.1:{door.port}/"
        command = ["curl", "--silent", "--max-time", "10", "--output", str(tmp_path / "body"), "--write-out"]

        def asked() -> str:
            full = [*command, "%{http_code}", "--header", f"Host: {DOMAIN}", *arguments, url]
            return subprocess.run(full, capture_output=True, text=True, check=False).stdout

        eventually(lambda: asked() == status, f"{status}")
        if status == "200":
            sent = "HTTP/1.1" if version == "HTTP1" else "HTTP/2.0"
            assert (tmp_path / "body").read_text() == sent, "the version in which the target was asked"


@contextmanager
def any_version(folder: Path) -> Generator[Upstream]:
    """A server of HTTP/1.1 and HTTP/2 that says the version of each request: another HAProxy."""
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin") or pytest.skip(
        "haproxy cannot be found: install haproxy"
    )
    with socket.create_server(("127.0.2.3", 0)) as listening:
        lines = [
            "defaults",
            "  mode http",
            "  timeout client 10s",
            "frontend one",
            f'  bind "fd@{listening.fileno()}"',
            "  http-request return status 200 content-type text/plain hdr grpc-status 12 lf-string %HV",
        ]
        (folder / "any.cfg").write_text("\n".join([*lines, ""]))
        command = [program, "-f", str(folder / "any.cfg"), "-db"]
        process = subprocess.Popen(command, pass_fds=[listening.fileno()])
        try:
            yield Upstream("any", *listening.getsockname())
        finally:
            process.terminate()
            process.wait()
