"""Success and failure thresholds of probes."""

from __future__ import annotations

import asyncio
import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.kubelet import probes


def test_a_result_turns_after_enough_answers_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = iter(["", "x", "", "", "x", "x", "", "x", "x", "x"])

    def next_error(*_: object) -> str:
        return next(errors)

    monkeypatch.setattr(probes, "request", next_error)
    probe = {"periodSeconds": 0.001, "successThreshold": 2, "failureThreshold": 3}
    turns = [False, False, False, True, True, True, True, True, True, False]
    assert results(len(turns), probe, initial=False) == turns


def results(count: int, probe: dict[str, Any], *, initial: bool) -> list[bool]:
    async def first() -> list[bool]:
        results = probes.results(probe, {}, "127.0.0.1", initial=initial)
        return [(await anext(results))[0] for _ in range(count)]

    return asyncio.run(first())


def test_a_port_is_a_number_or_a_containers_name_for_it() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8000}]}
    assert [probes.port(one, container) for one in (80, "81", "http")] == [80, 81, 8000]
    with pytest.raises(KeyError):
        probes.port("https", container)


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def ask(**get: Any) -> str:
    return probes.request({"httpGet": get}, {}, "127.0.0.1")


@pytest.mark.parametrize(("status", "good"), [(200, True), (302, True), (399, True), (400, False), (503, False)])
def test_an_http_status_below_400_is_good(port: int, status: int, good: bool) -> None:
    assert (ask(port=port, path=f"/{status}") == "") is good


def test_who_does_not_answer_or_not_in_time_is_not_good() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "ReadTimeoutError" in probes.request(
            {"httpGet": {"port": port}, "timeoutSeconds": 0.05}, {}, "127.0.0.1"
        )
    assert "NewConnectionError" in ask(port=port)


def test_a_probe_is_asked_again_and_again_by_its_thresholds(port: int) -> None:
    get = {"httpGet": {"port": port, "path": "/503"}, "periodSeconds": 0.01}
    assert results(4, get, initial=True) == [True, True, False, False]
    assert results(2, {**get, "failureThreshold": 1}, initial=True) == [False, False]
