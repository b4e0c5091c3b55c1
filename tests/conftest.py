"""What holds for every test."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling  # pyright: ignore[reportMissingTypeStubs]

from tests.timings import Timings
from tools.guard import guarded


@pytest.fixture(scope="session", autouse=True)
def ends_what_it_started() -> Iterator[None]:
    """A session or a worker that dies of a signal leaves no process behind."""
    with guarded():
        yield


def pytest_configure(config: pytest.Config) -> None:
    """On CI the run ends with tables of its seconds, and with failures in brief."""
    if os.environ.get("CI"):
        config.pluginmanager.register(Timings())


SHARED = re.compile(
    r"[\[-](stack-(?:dev|prod))(?=[\]-])|^(tests/traffic|tests/rehearsal/(?:kubernetes_provider|one_service))/"
)
"""Tests of several files that share what is running: a stack, by their parameter, or a folder's platform."""

FIRST = re.compile(r"(stack-dev)$|(stack-prod)$|(tests/traffic)$|(tests/(?:delivery|release)/)|(tests/rehearsal/)")
"""By scope: what takes longest runs first, so that no worker is at it when the others have ended; beside it what mostly
waits; and the unit tests last.
"""


def scope(nodeid: str) -> str:
    """What a test has in common with those that run on the same worker: what they share, or their file."""
    shared = SHARED.search(nodeid)
    return shared[shared.lastindex or 0] if shared else nodeid.partition("::")[0]


class SharedScheduling(LoadFileScheduling):
    """Keeps tests with the same `scope` on one worker, for they share fixtures."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedScheduling:
    """Distributes tests over workers, where there are any."""
    return SharedScheduling(config, log)


def rank(nodeid: str) -> int:
    """The place of a test's scope among those of `FIRST`; all others come after them."""
    first = FIRST.match(scope(nodeid))
    return first.lastindex or 0 if first else FIRST.groups + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with what takes longest."""
    items.sort(key=lambda item: rank(item.nodeid))


LOGGED = "what the programs logged"
"""Title of a report's section that is told in brief, too."""

BRIEF = 1500
"""Characters of a failure's message at the end of the run."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """On CI each failure is told in brief after all else: a log may be cut in its middle."""
    yield
    if not os.environ.get("CI"):
        return
    failed: list[pytest.TestReport] = [*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")]
    if failed:
        terminalreporter.section("failures in brief")
    for report in failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash else report.longreprtext
        terminalreporter.write_line(f"{report.nodeid}, {report.when}: {message[:BRIEF]}")
        for title, text in report.sections:
            if title == LOGGED:
                terminalreporter.write_line(text)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """On CI a skipped test is a failure: there every tool can be had, so a skip hides something."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == pytest.ExitCode.OK and reporter is not None:
        skipped = len(reporter.stats.get("skipped", []))
        if skipped:
            reporter.write_line(f"{skipped} test(s) skipped: on CI that is a failure", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
