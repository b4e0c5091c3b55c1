"""Where the time of a test run goes: seconds by test file and by worker, as tables for `docs/benchmarks.md`."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import pytest

SHOWN = 10.0
"""Seconds from which a file has a line of its own."""

_CPU = "CPU seconds"


@dataclass(frozen=True)
class Timing:
    """One phase of a test: set-up, call or teardown.

    Attributes:
        file: The test's file.
        worker: The process that ran it: `gw0`, `gw1`, …
        seconds: Wall time.
        cpu: CPU time of the worker and of the child processes that ended, so that a program that runs for a whole file
            counts when it is stopped.
    """

    file: str
    worker: str
    seconds: float
    cpu: float


def timing(report: pytest.TestReport) -> Timing:
    """The timing in a report; without xdist, the worker is `main`."""
    cpu = sum(float(str(value)) for name, value in report.user_properties if name == _CPU)
    return Timing(report.nodeid.partition("::")[0], getattr(report, "worker_id", "main"), report.duration, cpu)


def tables(timings: Iterable[Timing]) -> list[str]:
    """Two Markdown tables, the longest first: by file (those below `SHOWN` seconds in one line), and by worker."""
    known = list(timings)
    by_file = _sums(known, lambda one: f"`{one.file}`")
    long = {name: sums for name, sums in by_file.items() if sums[0] >= SHOWN}
    rest = [sums for name, sums in by_file.items() if name not in long]
    others = {f"{len(rest)} others": (sum(one[0] for one in rest), sum(one[1] for one in rest))} if rest else {}
    return [*_table("file", {**long, **others}), "", *_table("worker", _sums(known, lambda one: one.worker))]


def _sums(timings: Iterable[Timing], key: Callable[[Timing], str]) -> dict[str, tuple[float, float]]:
    sums: dict[str, tuple[float, float]] = {}
    for one in timings:
        seconds, cpu = sums.get(key(one), (0.0, 0.0))
        sums[key(one)] = (seconds + one.seconds, cpu + one.cpu)
    return dict(sorted(sums.items(), key=lambda item: -item[1][0]))


def _table(first: str, rows: dict[str, tuple[float, float]]) -> list[str]:
    lines = (f"| {name} | {seconds:.0f} | {cpu:.0f} |" for name, (seconds, cpu) in rows.items())
    return [f"| {first} | s | CPU s |", "|---|---|---|", *lines]


class Timings:
    """A pytest plugin: collects the timings of a run and prints the tables at its end."""

    def __init__(self) -> None:
        self._timings: list[Timing] = []
        self._cpu = _cpu()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """In the process that runs a test: adds to its report the CPU time since the last one."""
        report = yield
        now = _cpu()
        report.user_properties = [*report.user_properties, (_CPU, f"{now - self._cpu:.2f}")]
        self._cpu = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collects a timing; in the main process, of all workers."""
        self._timings.append(timing(report))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints the tables."""
        terminalreporter.section("seconds by file and by worker")
        terminalreporter.write("\n".join(tables(self._timings)) + "\n")


def _cpu() -> float:
    return sum(os.times()[:4])
