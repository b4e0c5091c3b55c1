"""What holds for every test."""

from __future__ import annotations

import os

import pytest


def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """On CI a skipped test is a failure: there every tool can be had, so a skip hides something."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == pytest.ExitCode.OK and reporter is not None:
        skipped = len(reporter.stats.get("skipped", []))
        if skipped:
            reporter.write_line(f"{skipped} test(s) skipped: on CI that is a failure", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
