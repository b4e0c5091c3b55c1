"""`make bench-preview`, `python -m tools.benchmarks`: compares previews and updates with those of bare ConfigMaps."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from rehearsal import charts, control_plane, toolchain, workspace
from rehearsal.errors import RehearsalError
from rehearsal.layout import CHECKOUT, Layout
from tools.benchmarks import creation_times
from tools.benchmarks.creation_times import SCALE_VARIABLE
from tools.benchmarks.critical_path import dependency_graph, longest_path
from tools.benchmarks.many_services import made_up_secrets, many_services
from tools.benchmarks.stack import TimedStack, Timing
from tools.benchmarks.tables import replace_section, table
from tools.guard import guarded_folder

HEAD = ("services", "resources", "what", "platform, CPU", "bare, CPU", "ratio of CPU", "ratio of wall time")
STACK = "dev"
STACKS = CHECKOUT / "tests" / "fixtures" / "stacks"
"""Not the checkout's own: figures of different checkouts are to be comparable."""

SERVICES_OF_THE_PATH = 5

_console = Console(stderr=True)


def preview(
    sizes: Annotated[list[int], typer.Argument(help="Numbers of services.")],
    repeat: Annotated[int, typer.Option(min=1, help="Runs of each preview; the result is the median.")] = 3,
    up_to: Annotated[int, typer.Option(help="Largest number of services that is also deployed.")] = 50,
    scale: Annotated[float, typer.Option(min=0, help="Scale of AWS's creation times; 0 skips this benchmark.")] = 0.2,
    document: Annotated[Path, typer.Option(help="The Markdown document with the table.")] = CHECKOUT
    / "docs"
    / "benchmarks.md",
) -> None:
    """Time the platform with some numbers of services, and the same number of bare ConfigMaps as it has resources."""
    rows: list[list[str]] = []
    for services in sizes:
        _console.print(f"{services} services")
        with _stacks(services) as (platform, bare):
            count = platform.to_create()
            bare.run("config", "set", "--stack", bare.name, "count", str(count))
            rows += [[str(services), str(count), *row] for row in _phases(platform, bare, repeat, up=services <= up_to)]
    text = table(HEAD, rows) + (f"\n\n{_path(scale)}" if scale else "")
    print(text)  # noqa: T201 - the result
    replace_section(document, "bench-preview", text)


def _path(scale: float) -> str:
    """The duration of an update with AWS's creation times, compared with its critical path."""
    with _stacks(SERVICES_OF_THE_PATH) as (platform, _):
        timed = replace(platform, variables={SCALE_VARIABLE: str(scale)}).first_up().wall
        resources = json.loads(platform.run("stack", "export", "--stack", STACK))["deployment"]["resources"]
    types = {str(resource["urn"]): str(resource["type"]) for resource in resources}
    path = longest_path(dependency_graph(resources), lambda urn: _seconds(types[urn]))
    least = scale * sum(_seconds(types[urn]) for urn in path)
    chain = " → ".join(urn.rpartition("::")[2] for urn in path if _seconds(types[urn]))
    sums = f"{timed:.0f} s, the longest path {least:.0f} s, ratio {timed / least:.2f}"
    return f"`up` with {scale:g} of AWS's times: {sums}. The path: {chain}."


def _seconds(type_token: str) -> float:
    return creation_times.seconds(type_token) if type_token.startswith("aws:") else 0.0


def _phases(platform: TimedStack, bare: TimedStack, repeat: int, *, up: bool) -> Iterator[list[str]]:
    yield _row("first preview", *_previews(platform, bare, repeat))
    if not up:
        return
    yield _row("first up", [platform.first_up()], [bare.first_up()])
    yield _row("preview, nothing to change", *_previews(platform, bare, repeat))
    yield _row("up, nothing to change", [platform.up()], [bare.up()])


def _previews(platform: TimedStack, bare: TimedStack, repeat: int) -> tuple[list[Timing], list[Timing]]:
    """Previews of both, in turns, so that other load on this machine affects both."""
    pairs = [(platform.preview(), bare.preview()) for _ in range(repeat)]
    return [platform_time for platform_time, _ in pairs], [bare_time for _, bare_time in pairs]


def _row(command: str, platform: list[Timing], bare: list[Timing]) -> list[str]:
    cpu, bare_cpu = (median(timing.cpu for timing in timings) for timings in (platform, bare))
    wall = median(ours.wall / base.wall for ours, base in zip(platform, bare, strict=True))
    row = [command, f"{cpu:.1f} s", f"{bare_cpu:.1f} s", f"{cpu / bare_cpu:.2f}", f"{wall:.2f}"]
    _console.print(*row)
    return row


@contextmanager
def _stacks(services: int) -> Generator[tuple[TimedStack, TimedStack]]:
    """The platform and the bare ConfigMaps, neither deployed yet, on a control plane of their own."""
    with guarded_folder("bench-") as directory:
        layout = Layout(directory)
        tools = toolchain.ensure(_console.print)
        workspace.copy_project(layout, STACK, STACKS)
        workspace.put_tools(layout, tools, {**workspace.EMULATORS, "aws": creation_times.MODULE})
        origin = charts.origin(layout, tools, workspace.charts_setting(layout, STACK))
        if origin.setting is not None:
            workspace.set_charts(layout, STACK, origin.setting)
        control_plane.start(layout, tools, _console.print)
        try:
            yield _platform(layout, services), _bare(layout)
        finally:
            control_plane.stop(layout)


def _platform(layout: Layout, services: int) -> TimedStack:
    file = layout.workspace / f"Pulumi.{STACK}.yaml"
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    config = many_services(content["config"], services)
    file.write_text(yaml.safe_dump({**content, "config": config}, sort_keys=False))
    stack = TimedStack(STACK, layout.workspace, layout, tuple(workspace.EMULATORS))
    stack.init()
    # All in one command: the values are not secret, and a command for each would take longer than the benchmark.
    secrets = [word for key, value in made_up_secrets(config).items() for word in ("--secret", f"{key}={value}")]
    stack.run("config", "set-all", "--stack", STACK, "--path", *secrets)
    return stack


def _bare(layout: Layout) -> TimedStack:
    folder = layout.directory / "bare"
    folder.mkdir()
    project = {"name": "bare", "runtime": "python", "main": str(CHECKOUT / "tools" / "benchmarks" / "config_maps")}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    stack = TimedStack("bare", folder, layout)
    stack.init()
    return stack


if __name__ == "__main__":
    try:
        typer.run(preview)
    except RehearsalError as error:
        sys.exit(f"error: {error}")
