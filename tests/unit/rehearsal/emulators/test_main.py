"""The process of an emulated provider starts fast: without a garbage collector, and without packages for later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.layout import CHECKOUT

SAY = """
import gc, sys
if __name__ == "__main__":
    print(gc.isenabled(), *sys.argv[1:])
"""
SLOW = ("boto3", "kubernetes", "moto", "werkzeug")
"""Packages that a preview does not need."""


def test_it_runs_the_module_with_the_engines_address_and_no_garbage_collector(tmp_path: Path) -> None:
    (tmp_path / "provider_that_says.py").write_text(SAY)
    run = subprocess.run(
        [sys.executable, "-m", "rehearsal.emulators", "provider_that_says", "127.0.0.1:1234"],
        cwd=CHECKOUT,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["False", "127.0.0.1:1234"]


@pytest.mark.parametrize("module", ["rehearsal.emulators.aws.provider", "rehearsal.emulators.eks.__main__"])
def test_it_imports_no_slow_package_that_a_preview_does_not_need(module: str) -> None:
    code = f"import sys, {module}; print(*(name for name in {SLOW} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
