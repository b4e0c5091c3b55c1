"""The pipelines: Jenkinsfiles, and beside them the command of each stage, which runs anywhere."""

from __future__ import annotations

from pathlib import Path


def jenkinsfile(name: str) -> str:
    """The text of `Jenkinsfile.NAME`."""
    return (Path(__file__).parent / f"Jenkinsfile.{name}").read_text(encoding="utf-8")
