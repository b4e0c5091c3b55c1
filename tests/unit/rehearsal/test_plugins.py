"""The choice of the kubernetes plugin, and its installation."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.preview_report.events import Preview
from rehearsal import cli, plugins
from rehearsal.errors import RehearsalError
from rehearsal.lifecycle import Rehearsal
from rehearsal.plugins import PLUGIN_VARIABLE, find_kubernetes_plugin, install, newest_fitting, wanted


def put(folder: Path, *versions: str) -> None:
    for version in versions:
        program = folder / f"resource-kubernetes-v{version}" / "pulumi-resource-kubernetes"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)


@pytest.mark.parametrize(
    ("installed", "taken"),
    [
        (["4.28.9", "3.30.0", "5.0.0"], None),
        (["4.29.0"], "4.29.0"),
        (["4.29.3", "4.9.0", "4.30.1"], "4.30.1"),
        ([], None),
    ],
)
def test_the_newest_plugin_of_the_sdks_major_and_at_least_its_minor_is_taken(
    tmp_path: Path, installed: list[str], taken: str | None
) -> None:
    put(tmp_path, *installed)
    found = newest_fitting([tmp_path], "4.29.0")
    assert (found.parent.name if found else None) == (taken and f"resource-kubernetes-v{taken}")


def test_a_folder_without_the_program_is_no_plugin(tmp_path: Path) -> None:
    (tmp_path / "resource-kubernetes-v4.29.0").mkdir()
    assert newest_fitting([tmp_path], "4.29.0") is None


def test_a_named_plugin_is_taken_or_refused(tmp_path: Path) -> None:
    put(tmp_path, "1.0.0")
    program = tmp_path / "resource-kubernetes-v1.0.0" / "pulumi-resource-kubernetes"
    assert find_kubernetes_plugin(tmp_path, {PLUGIN_VARIABLE: str(program)}) == program
    with pytest.raises(RehearsalError, match="no executable file"):
        find_kubernetes_plugin(tmp_path, {PLUGIN_VARIABLE: str(tmp_path)})


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert find_kubernetes_plugin(tmp_path, {"PULUMI_HOME": str(tmp_path)}) is None


PULUMI = """#!/bin/sh
# Stands for the engine: asked for a plugin, it does what the test says, with the plugin's folder at hand.
echo "$@" >> "$ASKED"
plugin="$PULUMI_HOME/plugins/resource-kubernetes-v$5"
{}
"""

INSTALLS = """
head -c 1000 /dev/zero > "$TMPDIR/tar"
mkdir -p "$plugin" && touch "$plugin/pulumi-resource-kubernetes"
"""

REFUSES = """
echo "warning: Error downloading plugin: no such host"
echo "error: failed all 5 attempts"
exit 1
"""

TRICKLES = """
for one in 1 2 3 4 5 6 7 8; do echo more >> "$TMPDIR/tar"; sleep 0.2; done
mkdir -p "$plugin" && touch "$plugin/pulumi-resource-kubernetes"
"""

HANGS = """
sleep 60
"""


class Engine:
    """An engine that pretends, and what was said while a plugin was installed with it."""

    def __init__(self, folder: Path, does: str) -> None:
        self.folder = folder
        self.sentences: list[str] = []
        self.program = folder / "pulumi"
        self.program.write_text(PULUMI.format(does))
        self.program.chmod(0o755)

    @property
    def cache(self) -> Path:
        """Where a plugin goes."""
        return self.folder / "cache"

    def install(self) -> Path | None:
        """Installs a plugin with this engine."""
        return install(self.program, self.cache, self.sentences.append)

    def asked(self) -> list[str]:
        """The arguments of each of its runs."""
        asked = self.folder / "asked"
        return asked.read_text().splitlines() if asked.exists() else []


@pytest.fixture(autouse=True)
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    monkeypatch.setattr(plugins, "STALLED_AFTER", 1.0)


def test_the_pinned_version_is_installed_beside_what_is_built_and_found_ever_after(tmp_path: Path) -> None:
    engine = Engine(tmp_path, INSTALLS)
    found = engine.install()
    assert found is not None
    assert found.is_relative_to(engine.cache)
    assert found.parent.name.endswith(f"-v{wanted()}")
    assert engine.asked() == [f"plugin install resource kubernetes {wanted()}"]
    assert find_kubernetes_plugin(engine.cache, {"PULUMI_HOME": str(tmp_path / "of a person")}) == found
    assert sorted(path.name for path in engine.cache.iterdir()) == ["pulumi-home"]


def test_where_there_is_no_way_out_it_is_said_why_and_not_asked_again_for_hours(tmp_path: Path) -> None:
    engine = Engine(tmp_path, REFUSES)
    assert engine.install() is None
    assert "no such host" in engine.sentences[-1]
    said = len(engine.sentences)
    assert engine.install() is None
    assert (len(engine.asked()), len(engine.sentences)) == (1, said)
    (refusal,) = engine.cache.glob("*.refused")
    assert str(refusal) in engine.sentences[-1]
    long_ago = time.time() - plugins.RETRY_AFTER - 1
    os.utime(refusal, (long_ago, long_ago))
    assert Engine(tmp_path, INSTALLS).install() is not None
    assert not refusal.exists()


def test_an_engine_to_which_nothing_comes_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    engine = Engine(tmp_path, HANGS)
    assert engine.install() is None
    assert time.monotonic() - began < 10
    assert "no data arrived for 1 s" in engine.sentences[-1]


def test_a_slow_download_is_waited_for(tmp_path: Path) -> None:
    assert Engine(tmp_path, TRICKLES).install() is not None


def test_a_download_that_has_no_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "WHOLE_DOWNLOAD", 0.5)
    engine = Engine(tmp_path, TRICKLES)
    assert engine.install() is None
    assert "not complete" in engine.sentences[-1]


def test_the_option_names_the_plugin_as_the_variable_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Path | None] = []

    def preview(_: Rehearsal) -> Preview:
        used.append(find_kubernetes_plugin(tmp_path))
        return Preview((), (), (), finished=True)

    monkeypatch.setattr(Rehearsal, "preview", preview)
    monkeypatch.setenv(PLUGIN_VARIABLE, "/elsewhere")
    program = tmp_path / "pulumi-resource-kubernetes"
    program.touch(0o755)
    assert CliRunner().invoke(cli.app, ["--kubernetes-plugin", str(program), "preview"]).exit_code == 0
    assert CliRunner().invoke(cli.app, ["--kubernetes-plugin", str(tmp_path / "none"), "preview"]).exit_code == 2
    assert used == [program]
