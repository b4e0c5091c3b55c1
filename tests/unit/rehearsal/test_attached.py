"""The plugins that run before an engine does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rehearsal import attached, workspace
from rehearsal.attached import Plugins
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

SERVES = "echo 4711; echo told; exec sleep 60"
DEAF = "trap '' TERM; echo 4712; while :; do sleep 0.1; done"
FAILS = "echo 'no module named pulumi' >&2; exit 1"


def started(folder: Path, **scripts: str) -> Plugins:
    """Plugins that are shell scripts, by `host`, `aws` and `eks`; the others serve."""
    layout = Layout(folder)
    layout.tools.mkdir(parents=True)
    layout.workspace.mkdir(parents=True)
    names = {"host": workspace.LANGUAGE_HOST, **{one: workspace.emulator(one) for one in workspace.EMULATORS}}
    for key, name in names.items():
        file = layout.tools / name
        file.write_text(f"#!/bin/sh\n{scripts.get(key, SERVES)}\n")
        file.chmod(0o755)
    return attached.start(layout)


def assert_end(plugins: Plugins) -> None:
    plugins.end()
    assert None not in [one.process.poll() for one in (plugins.language_host, *plugins.providers.values())]


def test_an_engine_is_told_their_ports(tmp_path: Path) -> None:
    plugins = started(tmp_path, eks=f"echo a warning; {SERVES.replace('4711', '4713')}")
    assert plugins.variables() == {
        "PULUMI_DEBUG_LANGUAGES": "python:4711",
        "PULUMI_DEBUG_PROVIDERS": "aws:4711,eks:4713",
    }
    assert_end(plugins)
    assert (Layout(tmp_path).logs / "plugins" / "pulumi-resource-aws.log").read_text() == "4711\ntold\n"


def test_a_plugin_that_does_not_start_says_why(tmp_path: Path) -> None:
    plugins = started(tmp_path, aws=FAILS)
    with pytest.raises(RehearsalError, match=r"pulumi-resource-aws does not start[\s\S]*no module named pulumi"):
        plugins.variables()
    assert_end(plugins)


def test_a_plugin_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "END_SECONDS", 0.2)
    plugins = started(tmp_path, host=DEAF)
    plugins.variables()
    assert_end(plugins)


def test_what_a_terminal_sends_the_command_does_not_reach_them(tmp_path: Path) -> None:
    plugins = started(tmp_path)
    try:
        assert os.getpgid(plugins.language_host.process.pid) != os.getpgid(0)
    finally:
        plugins.end()
