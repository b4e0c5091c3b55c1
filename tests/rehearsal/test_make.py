"""Each target of `make help` works from a fresh `make up`."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.layout import CHECKOUT
from rehearsal.lifecycle import Rehearsal
from tests.rehearsal.stacks import ON_PROD, ONE_STACK
from tests.unit.program import FIXTURES

TOLD = re.findall(r"^([a-z-]+):.*## ", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

ELSEWHERE = {
    "up": "the fixture brings the platform up, and test_platform.py a second time",
    "down": "test_taking_down.py",
    "test": "it runs this",
    "test-unit": "a part of `test`",
    "lint": "CI's first step",
    "diagram": "tests/unit/diagrams compare what it draws",
    "pictures": "tests/traffic/browser.py draws them, tests/unit/tools/test_recording.py records",
    "lock": "it asks the package index for the newest versions; test_house_rules.py compares the files",
    "tag": "tests/unit/tools/test_tag.py",
    "bench-preview": "tests/rehearsal/test_killed_benchmarks.py",
    "bench-release": "minutes; tests/unit/tools/benchmarks",
}
"""Targets that are tried elsewhere, or cannot be here, and where or why."""

OF_A_STACK = {
    "status": "Services that serve: 5 in dev, 5 in prod, all of them",
    "preview": "Preview of stack STACK: ",
    "preview-comment": "## Preview of `STACK`",
    "shell": "service  slot   state",
    "preflight": "credentials",
    "costs": "US dollars a month",
}
"""What a target prints that is about a stack."""

OTHERS = {"help": "make preview-comment", "doctor": "python", "docs": ""}
"""The same of those that are not."""

STOPS = {"preflight"}
"""Targets whose exit code says that something is missing: here credentials of AWS."""

SHELL = "set -e\npulumi stack ls\nkubectl get nodes\npython -m release status dev api\n"


def test_every_target_is_tried() -> None:
    assert sorted(TOLD) == sorted([*OF_A_STACK, *OTHERS, *ELSEWHERE])


@pytest.fixture(scope="module")
def python(platform: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Python that works on the rehearsal and the stack files of the test, wherever they are.

    A preview writes the rehearsal's stack file anew, in which tests of other files may have changed settings.
    """
    file = platform.layout.workspace / f"Pulumi.{platform.stack}.yaml"
    before = file.read_text(encoding="utf-8")
    yield python_of(platform, tmp_path_factory.mktemp("python"))
    file.write_text(before, encoding="utf-8")


def python_of(platform: Rehearsal, folder: Path) -> Path:
    """Writes that program."""
    program, own = folder / "python", shlex.quote(sys.executable)
    directory, stacks = shlex.quote(str(platform.layout.directory)), shlex.quote(str(FIXTURES))
    program.write_text(
        f"""#!/bin/sh
case "$2 $3" in
  'rehearsal preview') exec {own} "$@" --directory {directory} --stacks {stacks} ;;
  rehearsal*) exec {own} "$@" --directory {directory} ;;
  tools.costs* | tools.preflight*) exec {own} "$@" --stacks {stacks} ;;
  *) exec {own} "$@" ;;
esac
"""
    )
    program.chmod(0o755)
    return program


@ONE_STACK
@pytest.mark.parametrize("target", [*OF_A_STACK][::2])
def test_a_target_works_on_a_stack_that_came_up(platform: Rehearsal, python: Path, target: str) -> None:
    works(platform, python, target)


@ON_PROD
@pytest.mark.parametrize("target", [*OF_A_STACK][1::2])
def test_a_target_works_on_a_protected_stack(platform: Rehearsal, python: Path, target: str) -> None:
    """Every other target: two previews take the engine as long as an `up`."""
    works(platform, python, target)


def works(platform: Rehearsal, python: Path, target: str) -> None:
    """Runs a target on a stack."""
    told = OF_A_STACK[target].replace("STACK", platform.stack)
    check(target, told, stack=platform.stack, python=python)


@pytest.mark.parametrize("target", OTHERS)
def test_a_target_works_without_a_stack(target: str) -> None:
    check(target, OTHERS[target], stack="dev", python=Path(sys.executable))


def check(target: str, told: str, *, stack: str, python: Path) -> None:
    """Runs a target as a person does, and reads what it prints."""
    command = ["make", "--silent", "--assume-old=.venv/installed", target, f"STACK={stack}", f"RUN={python}"]
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE", "MFLAGS", "PULUMI_"))
    }
    ran = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**variables, "AWS_EC2_METADATA_DISABLED": "true", "SHELL": "/bin/sh", "COLUMNS": "200"},
        input=SHELL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (ran.returncode != 0) == (target in STOPS), ran.stderr
    assert told in ran.stdout
    assert "Traceback" not in ran.stderr
