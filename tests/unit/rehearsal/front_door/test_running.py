"""Where the front door cannot run, nothing is started, and the message has a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.front_door import running
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.processes import ProcessTable, Record


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path)
    found.control_plane.mkdir()
    return found


def started(layout: Layout) -> tuple[list[str], list[str]]:
    sentences: list[str] = []
    running.start(layout, domain="hello.example.com", region="ap-northeast-2", report=sentences.append)
    return sentences, [record.name for record in ProcessTable(layout.processes).running()]


def test_without_a_network_of_its_own_there_is_none(layout: Layout) -> None:
    assert started(layout) == ([], [])
    assert running.entrance(layout, {"prod": "hello.example.com"}) is None


def test_without_haproxy_it_says_what_to_install_and_goes_on(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def holder(_: ProcessTable) -> Record:
        return Record("network", 1, 0)

    monkeypatch.setattr(namespace, "find_holder", holder)
    monkeypatch.setattr(running, "program", lambda: None)
    (told,), programs = started(layout)
    assert "install haproxy" in told
    assert programs == []


def test_each_host_has_a_url_for_the_staff_and_one_for_others(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_running(_: ProcessTable, name: str) -> bool:
        return name == "front-door"

    monkeypatch.setattr(ProcessTable, "is_running", is_running)
    hosts = {"prod": "hello.example.com", "dev": "test.hello.example.com", "other": "example.org"}
    entrance = running.entrance(layout, hosts)
    assert entrance is not None
    assert entrance.hosts.keys() == entrance.outside.keys() == {"prod", "dev"}
    assert entrance.hosts["dev"].startswith("http://test.hello.localhost:")
    assert not set(entrance.hosts.values()) & set(entrance.outside.values())
    assert entrance.problem is None
    layout.front_door.mkdir()
    (layout.front_door / "problem.txt").write_text("an odd annotation\n")
    assert (again := running.entrance(layout, hosts)) is not None
    assert again.problem == "an odd annotation"
