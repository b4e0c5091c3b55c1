"""Jenkinsfiles, and a script for each of their stages, which needs no Jenkins to run."""

from __future__ import annotations

from pathlib import Path


def jenkinsfile(name: str) -> str:
    """The text of `Jenkinsfile.NAME`."""
    return (Path(__file__).parent / f"Jenkinsfile.{name}").read_text(encoding="utf-8")
