"""The life cycle of a rehearsal, as far as it goes without its programs."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rehearsal import charts, control_plane, parts, toolchain, workspace
from rehearsal.layout import Layout
from rehearsal.lifecycle import Rehearsal
from rehearsal.network import namespace
from tests.unit.program import FIXTURES


class StartedError(Exception):
    """The control plane was asked to start."""


def test_an_up_tries_once_whether_there_can_be_a_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def refusal() -> str:
        tries.append("a namespace")
        return "nft cannot be found"

    def nothing(*_: Any, **__: Any) -> None:
        """Stands for what needs the toolchain."""

    def origin(*_: Any) -> charts.Origin:
        return charts.Origin(setting="charts", real="none", ours=[])

    def no_parts(*_: Any, **__: Any) -> list[parts.Part]:
        return []

    def start_of_the_network(**_: Any) -> Any:
        raise StartedError

    monkeypatch.setattr(namespace, "refusal", refusal)
    for module, name in ((workspace, "put_tools"), (toolchain, "ensure"), (workspace, "set_charts")):
        monkeypatch.setattr(module, name, nothing)
    monkeypatch.setattr(charts, "origin", origin)
    monkeypatch.setattr(parts, "parts", no_parts)
    monkeypatch.setattr(control_plane, "ControlPlane", start_of_the_network)
    with pytest.raises(StartedError):
        Rehearsal("dev", Layout(tmp_path / "up"), Console(file=StringIO()), stacks=FIXTURES).up()
    assert tries == ["a namespace"]
