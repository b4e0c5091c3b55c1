"""Prints which share of a sample of mutants the unit tests kill: `python -m tests.mutation`, `make mutation`.

Cosmic Ray makes the mutants and runs the tests; the sample and the table are ours. It works in copies of the checkout.
"""

from __future__ import annotations

import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import toml
import typer
from cosmic_ray.work_db import use_db  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
from cosmic_ray.work_item import WorkerOutcome, WorkResult  # pyright: ignore[reportMissingTypeStubs]

CHECKOUT = Path(__file__).resolve().parents[2]

TESTS: Mapping[str, Sequence[str]] = {
    "config": ["tests/unit/test_house_rules.py", "tests/unit/config"],
    "components": [
        *("tests/unit/test_house_rules.py", "tests/unit/components", "tests/unit/test_main.py"),
        *("tests/unit/invariants", "tests/unit/network_policies"),
    ],
}
"""The tests that shall notice a mistake in a package."""

SECONDS = 300
"""A mutant that keeps the tests busy for so long is killed: they take a minute on a busy machine."""

SAME_MEANING = re.compile(
    r"core/ReplaceBinaryOperator_BitOr_"  # mostly the `|` of a type, which is never evaluated
    r"|core/ReplaceComparisonOperator_(Eq_Is|NotEq_IsNot|Is_Eq|IsNot_NotEq)$"  # the same for None and short texts
)
"""Operators whose mutants mostly do what the program does."""


def main(
    sample: Annotated[int, typer.Option(min=1, help="Mutants of each package.")] = 60,
    seed: Annotated[int, typer.Option(help="Another one, another sample.")] = 1,
) -> None:
    """Kill a sample of mutants, and tell which survived."""
    with ThreadPoolExecutor(len(TESTS)) as pool:
        running = {package: pool.submit(_killed, package, sample, seed) for package in TESTS}
    for package, future in running.items():
        killed, survivors = future.result()
        total = killed + len(survivors)
        typer.echo("\n".join([*survivors, f"{package}: {killed} of {total} mutants killed, {killed / total:.0%}"]))


def _killed(package: str, sample: int, seed: int) -> tuple[int, list[str]]:
    """How many of a package's mutants were killed, and the differences that make the others."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as directory:
        copy, config, session = (Path(directory) / name for name in ("checkout", "config.toml", "session.sqlite"))
        shutil.copytree(CHECKOUT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        tests = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *TESTS[package]]
        values = {"module-path": package, "timeout": SECONDS, "test-command": shlex.join(tests)}
        config.write_text(toml.dumps({"cosmic-ray": {**values, "distributor": {"name": "local"}}}))
        _cosmic_ray(copy, "init", config, session)
        with use_db(str(session)) as database:
            _choose(database, sample, seed)
        _cosmic_ray(copy, "exec", config, session)
        with use_db(str(session)) as database:
            results: list[WorkResult] = [
                one for _, one in database.results if one.worker_outcome != WorkerOutcome.SKIPPED
            ]
    return sum(one.is_killed for one in results), [str(one.diff) for one in results if not one.is_killed]


def _choose(database: Any, sample: int, seed: int) -> None:
    """Leaves a sample of the mutants to be run."""
    items = sorted(database.work_items, key=lambda item: repr(item.mutations))
    candidates = [item for item in items if not SAME_MEANING.match(item.mutations[0].operator_name)]
    chosen = {item.job_id for item in random.Random(seed).sample(candidates, min(sample, len(candidates)))}  # noqa: S311 - no secret
    others = [item.job_id for item in items if item.job_id not in chosen]
    database.set_multiple_results(others, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))


def _cosmic_ray(folder: Path, command: str, *words: Path) -> None:
    program = Path(sys.executable).with_name("cosmic-ray")
    subprocess.run([program, command, *words], cwd=folder, check=True)


if __name__ == "__main__":
    typer.run(main)
