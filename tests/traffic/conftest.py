"""A platform that serves requests, for all tests of this folder, one after another: it takes a minute to bring up."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Page

from rehearsal.front_door.running import program
from rehearsal.network import namespace
from rehearsal.toolchain import Toolchain
from tests.conftest import LOGGED
from tests.rehearsal.conftest import tools  # noqa: F401 - a fixture  # pyright: ignore[reportUnusedImport]
from tests.traffic.browser import chromium, pages
from tests.traffic.site import Site, site


@pytest.fixture(scope="package")
def serving(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # noqa: F811
    """The platform; where this machine lacks what it needs, tests skip, and fail on CI."""
    lacks = namespace.refusal() or (None if program() else "haproxy cannot be found; install haproxy")
    if lacks:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacks)
    with site(tmp_path_factory.mktemp("traffic"), tools) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails tells what the front door and the pods logged: a client sees that a request failed, not why."""
    report = yield
    serving = getattr(item, "funcargs", {}).get("serving")
    if report.failed and isinstance(serving, Site):
        report.sections.append((LOGGED, serving.logged()))
    return report


@pytest.fixture(scope="module")
def open_page(serving: Site) -> Iterator[Page]:
    """A browser's page; where there is no browser, tests skip, and fail on CI.

    The platform comes first: bringing it up runs the program in an event loop, and a browser has one already.
    """
    del serving
    if chromium() is None:
        reason = "chromium cannot be found: install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with pages() as page:
        yield page
