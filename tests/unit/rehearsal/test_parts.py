"""The printed list of real and emulated parts."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from rich.console import Console

from rehearsal import parts
from rehearsal.charts import Origin
from rehearsal.toolchain import Toolchain
from rehearsal.toolchain.tools import KUBERNETES_PROVIDER

ORIGIN = Origin(setting="charts", real="eck-operator: from its Go module", ours=["jenkins"])


def lines(provider: Path, *, containers_run: bool = True) -> list[str]:
    values: dict[str, Any] = {field.name: Path(field.name) for field in fields(Toolchain)}
    values |= {"charts": {}, "kubernetes_provider": provider}
    tools = Toolchain(**values)
    console = Console(width=200)
    with console.capture() as shown:
        console.print(parts.table(parts.parts(tools, ORIGIN, containers_run=containers_run)))
    return [line.rstrip() for line in shown.get().splitlines()]


def test_each_part_has_a_line_and_real_ones_come_first() -> None:
    found = [line.split()[0] for line in lines(Path("plugin"))]
    assert set(found) == {"real", "stand-in"}
    assert found == sorted(found)


def test_the_provider_is_told_by_where_it_is_from() -> None:
    (plugin,) = (line for line in lines(Path("/plugins/some")) if "provider kubernetes" in line)
    assert plugin.endswith("/plugins/some")
    (built,) = (
        line for line in lines(Path("/cache") / KUBERNETES_PROVIDER.key / "it") if "provider kubernetes" in line
    )
    assert "between 4.24 and 4.25" in built


def test_charts_of_ours_are_told_from_real_ones() -> None:
    real, ours = (line for line in lines(Path("plugin")) if " charts " in line)
    assert real.startswith("real ")
    assert "eck-operator: from its Go module" in real
    assert ours.startswith("stand-in ")
    assert "jenkins: reduced charts" in ours


def test_what_runs_as_pods_is_real_only_where_containers_run() -> None:
    def operator(*, containers_run: bool) -> str:
        return next(line for line in lines(Path("x"), containers_run=containers_run) if "ECK operator" in line)

    assert operator(containers_run=True).startswith("real ")
    assert operator(containers_run=False).startswith("stand-in ")
