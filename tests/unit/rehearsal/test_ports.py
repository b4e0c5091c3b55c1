"""Ports are free when they are chosen, stay the same, and a conflict is reported."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import astuple, fields, replace
from pathlib import Path

import pytest

from rehearsal import ports
from rehearsal.errors import RehearsalError


def test_ports_are_chosen_once(tmp_path: Path) -> None:
    first = ports.ensure(tmp_path / "ports.json")
    assert ports.ensure(tmp_path / "ports.json") == first
    assert ports.ensure(tmp_path / "another.json") != first


def test_a_rehearsal_that_comes_up_anew_has_the_same_ports_but_one_that_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = ports.ensure(file)
    file.unlink()
    assert ports.ensure(file) == first
    file.unlink()
    with socket.create_server((ports.LOOPBACK, first.aws)):
        assert ports.ensure(file).aws != first.aws
        assert ports.ensure(file).etcd == first.etcd


def test_a_port_that_came_later_is_added_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = ports.ensure(file)
    named = json.loads(file.read_text())
    del named["front_door"]
    file.write_text(json.dumps(named))
    second = ports.ensure(file)
    assert replace(second, front_door=first.front_door) == first
    assert second.front_door not in {*named.values(), 0}
    assert ports.ensure(file) == second


def test_ports_are_distinct_free_and_no_node_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = set(ports.RANGE[: -len(fields(ports.Ports))])

    def is_free(port: int) -> bool:
        return port not in taken

    monkeypatch.setattr(ports, "is_free", is_free)
    chosen = set(astuple(ports.ensure(tmp_path / "ports.json")))
    assert len(chosen) == len(fields(ports.Ports))
    assert not chosen & taken
    assert all(1024 < port < 30_000 for port in chosen)


def test_a_port_that_something_listens_on_is_refused_with_its_holder() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        with pytest.raises(RehearsalError, match=rf"Port {port}.*kwok listens on.*\(process {os.getpid()}\)"):
            ports.check_free(port, program="kwok")
    ports.check_free(port, program="kwok")
