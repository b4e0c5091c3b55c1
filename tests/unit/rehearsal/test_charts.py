"""Sources of a rehearsal's charts; the reduced charts have the versions of the real ones."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.charts import CHARTS, is_missing
from rehearsal import charts, workspace
from rehearsal.layout import CHECKOUT, Layout
from rehearsal.toolchain import Toolchain
from tests.unit.program import FIXTURES


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "a rehearsal")


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    """One whose charts are no more than their names and versions."""
    found: dict[str, Path] = {}
    for chart in (one for one in CHARTS if one.name not in charts.OWN):
        found[chart.name] = tmp_path / "toolchain" / chart.name
        found[chart.name].mkdir(parents=True)
        (found[chart.name] / "Chart.yaml").write_text(f"name: {chart.name}\nversion: {chart.version}\n")
    values: dict[str, Any] = {field.name: Path(field.name) for field in fields(Toolchain)}
    return replace(Toolchain(**values), charts=found)


@contextmanager
def repository(status: int) -> Generator[str]:
    """A repository that answers for its index with a status; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/index.yaml" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Is quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_repositories_are_used_where_all_of_them_answer() -> None:
    with repository(200) as there, repository(403) as refusing:
        assert charts.answer([there, there])
        assert not charts.answer([there, refusing])
        assert not charts.answer([there, "http://127.0.0.1:1"])


def public(monkeypatch: pytest.MonkeyPatch, *, answers: bool) -> None:
    def answer(repositories: Sequence[str]) -> bool:
        assert len(repositories) == len(CHARTS)
        return answers

    monkeypatch.setattr(charts, "answer", answer)


def test_a_folder_is_put_together_that_the_settings_take(
    layout: Layout, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    public(monkeypatch, answers=False)
    origin = charts.origin(layout, toolchain, None)
    assert origin.setting
    assert origin.ours == charts.OWN
    assert not [chart.name for chart in CHARTS if is_missing(origin.setting, chart)]


def test_in_the_checkout_its_path_is_relative(toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch) -> None:
    public(monkeypatch, answers=False)
    layout = Layout(CHECKOUT / ".rehearsal" / "of-a-unit-test")
    try:
        assert charts.origin(layout, toolchain, None).setting == ".rehearsal/of-a-unit-test/charts"
    finally:
        shutil.rmtree(layout.directory)


@pytest.mark.parametrize("first", [True, False])
def test_a_stack_keeps_to_the_first_answer(
    layout: Layout, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch, *, first: bool
) -> None:
    public(monkeypatch, answers=first)
    before = charts.origin(layout, toolchain, None)
    public(monkeypatch, answers=not first)
    assert charts.origin(layout, toolchain, None) == before
    assert (before.setting is None) == first


def test_what_the_stacks_own_file_says_stays(
    layout: Layout, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    public(monkeypatch, answers=False)
    origin = charts.origin(layout, toolchain, "oci://registry.example.com/charts")
    assert (origin.setting, origin.ours) == ("oci://registry.example.com/charts", ())
    assert not layout.directory.exists()


def test_the_copy_of_the_stacks_file_is_told(layout: Layout) -> None:
    workspace.copy_project(layout, "dev", FIXTURES)
    assert workspace.charts_setting(layout, "dev") is None
    workspace.set_charts(layout, "dev", "some/charts")
    assert workspace.charts_setting(layout, "dev") == "some/charts"
    workspace.copy_project(layout, "dev", FIXTURES)
    assert workspace.charts_setting(layout, "dev") is None, "the stack's own file says nothing"


@pytest.mark.parametrize("name", charts.OWN)
def test_a_chart_of_ours_says_what_it_stands_in_for(name: str) -> None:
    chart = charts.OURS / name
    (pinned,) = (one for one in CHARTS if one.name == name)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    assert about["version"] == pinned.version
    readme = " ".join((chart / "README.md").read_text().split())
    assert f"`{name}` {pinned.version} of <{pinned.repository}>" in readme
