"""The project's version, its changelog and its tags are one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contract.version import VERSION
from rehearsal.cli import app
from tools import tag
from tools.tag import CHANGELOG, UNRELEASED, Version, problem, versions

TEXT = CHANGELOG.read_text(encoding="utf-8")
FOUND = versions(TEXT)


def test_the_newest_version_of_the_changelog_is_the_project_s() -> None:
    assert FOUND[0].number == VERSION


def test_versions_descend_and_only_the_newest_may_have_no_date() -> None:
    assert [one.order for one in FOUND] == sorted({one.order for one in FOUND}, reverse=True)
    assert len(FOUND) == len(re.findall(r"^## ", TEXT, re.MULTILINE)), "every heading is a version"
    for number, one in enumerate(FOUND):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", one.date) or (number == 0 and one.date == UNRELEASED)


@pytest.mark.parametrize("version", FOUND, ids=lambda one: one.number)
def test_each_version_says_how_to_upgrade_and_what_pulumi_up_does(version: Version) -> None:
    notes = version.text.partition("### Upgrading\n")[2].partition("\n### ")[0]
    assert "`pulumi up`" in notes


@pytest.mark.parametrize(
    ("newest", "status", "tags", "told"),
    [
        (Version("9.9.9", "2026-11-27", ""), "", "", "make them one"),
        (Version(VERSION, UNRELEASED, ""), "", "", "has no date"),
        (Version(VERSION, "2026-11-27", ""), " M README.md\n", "", "not committed"),
        (Version(VERSION, "2026-11-27", ""), "", f"v0.0.1\nv{VERSION}\n", "tagged already"),
    ],
)
def test_what_does_not_fit_is_not_tagged(newest: Version, status: str, tags: str, told: str) -> None:
    assert told in (problem(newest, status=status, tags=tags) or "")


def test_a_tag_has_the_changelog_s_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        return subprocess.run(
            ["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(
        f"# Changelog\n\n## [{VERSION}] - 2026-11-27\n\n### Upgrading\n\n# one\n\n## [0.0.1] - 2026-01-01\n"
    )
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "One")
    for name in ("user.name", "user.email"):
        git("config", name, "x@example.com")
    monkeypatch.setattr(tag, "CHECKOUT", tmp_path)
    monkeypatch.setattr(tag, "CHANGELOG", changelog)
    tag.main()
    assert git("tag", "--list", "--format=%(contents)") == f"v{VERSION}\n\n### Upgrading\n\n# one\n\n"
    with pytest.raises(SystemExit, match="tagged already"):
        tag.main()


def test_the_rehearsal_says_its_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.startswith(f"rehearsal {VERSION}, ")
