"""The language host knows to which engine the program logs."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from pulumi.automation._server import LanguageServer  # the SDK has no public name for it
from pulumi.runtime.proto import language_pb2

from rehearsal.language_host import LanguageHost


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Filled with the addresses that runs of the program are given."""
    addresses = list[str]()

    def run(_self: LanguageServer, request: Any, _context: Any) -> Any:
        addresses.extend(request.args)
        return language_pb2.RunResponse()

    monkeypatch.setattr(LanguageServer, "Run", run)
    return addresses


def run(host: LanguageHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setattr(sys, "path", [*sys.path])
    host.Run(language_pb2.RunRequest(pwd="/"), None)  # noqa: S106 - a folder


def test_it_is_the_engine_that_attached_last(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    """Of one `up` too: the engine attaches once to ask for the version, and then, from another address, to run it."""
    monkeypatch.setattr(sys, "argv", ["language_host"])
    host = LanguageHost()
    for address in ("127.0.0.1:1", "127.0.0.1:2"):
        host.Handshake(language_pb2.LanguageHandshakeRequest(engine_address=address), None)
    run(host, monkeypatch)
    assert asked == ["127.0.0.1:2"]


def test_it_is_the_engine_that_started_it(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["language_host", "127.0.0.1:3"])
    host = LanguageHost()
    host.Handshake(language_pb2.LanguageHandshakeRequest(), None)
    run(host, monkeypatch)
    assert asked == ["127.0.0.1:3"]
