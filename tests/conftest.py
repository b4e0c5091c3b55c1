"""What holds for every test."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
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
    """On CI the run ends with tables of its seconds."""
    if os.environ.get("CI"):
        config.pluginmanager.register(Timings())


class FileAndStackScheduling(LoadFileScheduling):
    """Keeps a file's tests on one worker, for they share fixtures; and a stack's, of whatever file."""

    def _split_scope(self, nodeid: str) -> str:
        stack = re.search(r"\[(stack-\w+)", nodeid)
        return stack[1] if stack else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileAndStackScheduling:
    """Distributes tests over workers, where there are any."""
    return FileAndStackScheduling(config, log)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """On CI a skipped test is a failure: there every tool can be had, so a skip hides something."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == pytest.ExitCode.OK and reporter is not None:
        skipped = len(reporter.stats.get("skipped", []))
        if skipped:
            reporter.write_line(f"{skipped} test(s) skipped: on CI that is a failure", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
