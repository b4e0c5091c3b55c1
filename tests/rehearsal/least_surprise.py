"""A change of every setting that must replace nothing, and what `pulumi preview` says of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal import workspace
from rehearsal.layout import CHECKOUT, Layout

PROGRAM = ("__main__.py", "components", "config", "contract", "kube", "pipelines", "release", "versions.py")
"""What runs in a `pulumi up`."""


@dataclass(frozen=True)
class Step:
    """What the engine would do to a resource.

    Attributes:
        operation: `create`, `update`, `replace`, `delete` and so on.
        urn: The resource's URN.
    """

    operation: str
    urn: str

    @property
    def type(self) -> str:
        """The resource's type."""
        return self.urn.split("::")[2].rsplit("$", 1)[-1]


def edited_program(folder: Path, edits: Mapping[str, Mapping[str, str]]) -> Path:
    """A copy of the program with words replaced, by file; a word that is not there fails."""
    folder.mkdir(parents=True)
    for name in PROGRAM:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, folder / name)
    for name, words in edits.items():
        file = folder / name
        text = file.read_text()
        for old, new in words.items():
            assert old in text, f"{name} has no {old}"
            text = text.replace(old, new)
        file.write_text(text)
    return folder


def preview(layout: Layout, stack: str, edit: Callable[[dict[str, Any]], None], program: Path) -> list[Step]:
    """What plain `pulumi preview` would do with changed settings and another copy of the program; changes nothing."""
    project, file = layout.workspace / "Pulumi.yaml", layout.workspace / f"Pulumi.{stack}.yaml"
    before = project.read_text(), file.read_text()
    content = yaml.safe_load(before[1])
    edit(content["config"])
    try:
        project.write_text(yaml.safe_dump({**yaml.safe_load(before[0]), "main": str(program)}))
        file.write_text(yaml.safe_dump(content))
        done = subprocess.run(
            [layout.tools / "pulumi", "preview", "--stack", stack, "--json", "--non-interactive"],
            cwd=layout.workspace,
            env={**os.environ, **workspace.environment(layout)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        project.write_text(before[0])
        file.write_text(before[1])
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return [Step(step["op"], step["urn"]) for step in json.loads(done.stdout)["steps"] if step["op"] != "same"]
