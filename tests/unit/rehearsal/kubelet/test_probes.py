"""A probe holds, and holds no more, after so many answers in a row."""

from __future__ import annotations

import asyncio
import http.server
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from rehearsal.kubelet import probes
from rehearsal.kubelet.probes import Timing, Verdict


def test_a_verdict_turns_after_enough_answers_in_a_row() -> None:
    verdict = Verdict(holds=False, success_threshold=2, failure_threshold=3)
    seen = [(verdict.take(good=good), verdict.holds) for good in (True, False, True, True, False, False, True)]
    assert seen == [
        (False, False),
        (False, False),
        (False, False),
        (True, True),
        (False, True),
        (False, True),
        (False, True),
    ]
    for _ in range(3):
        verdict.take(good=False)
    assert not verdict.holds


def test_thresholds_and_times_have_kubernetes_defaults() -> None:
    verdict = probes.verdict({}, holds=True)
    assert (verdict.success_threshold, verdict.failure_threshold) == (1, 3)
    assert Timing.of({}) == Timing(0, 10, 1)
    assert Timing.of({"initialDelaySeconds": 60, "periodSeconds": 1, "timeoutSeconds": 5}) == Timing(60, 1, 5)


def test_a_port_is_a_number_or_a_containers_name_for_it() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8000}]}
    assert [probes.port(one, container) for one in (80, "81", "http")] == [80, 81, 8000]
    with pytest.raises(KeyError):
        probes.port("https", container)


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]) if self.headers["X"] == "y" else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def ask(status: int = 0, **probe: Any) -> str:
    async def execute(command: Sequence[str]) -> int:
        if command == ["hangs"]:
            await asyncio.sleep(60)
        return status

    return asyncio.run(probes.ask(probe, {}, "127.0.0.1", execute))


@pytest.mark.parametrize(("status", "good"), [(200, True), (302, True), (399, True), (400, False), (503, False)])
def test_an_http_status_below_400_is_good(port: int, status: int, good: bool) -> None:
    get = {"port": port, "path": f"/{status}", "httpHeaders": [{"name": "X", "value": "y"}]}
    assert (ask(httpGet=get) == "") is good


def test_a_connection_is_good_and_a_refused_one_is_not(port: int) -> None:
    assert ask(tcpSocket={"port": port}) == ""
    with socket.create_server(("127.0.0.1", 0)) as free:
        gone = free.getsockname()[1]
    assert "ConnectionRefusedError" in ask(tcpSocket={"port": gone})
    assert "ConnectionRefusedError" in ask(httpGet={"port": gone})


def test_a_command_is_good_if_it_exits_with_0_in_time() -> None:
    assert ask(exec={"command": ["x"]}) == ""
    assert ask(status=2, exec={"command": ["x"]}) == "exit status 2"
    assert "TimeoutError" in ask(exec={"command": ["hangs"]}, timeoutSeconds=0.05)


def test_a_probe_that_cannot_be_asked_is_never_good() -> None:
    assert "grpc" in ask(grpc={"port": 1})
