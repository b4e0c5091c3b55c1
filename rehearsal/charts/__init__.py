"""The source of a rehearsal's Helm charts: their public repositories, or a folder in the rehearsal's directory.

The folder has the real charts that the toolchain's Go modules contain, and for the others the reduced charts beside
this file. Objects of reduced charts have the label `rehearsal/stand-in-for`.
"""

from __future__ import annotations

import http.client
import json
import shutil
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.charts import CHARTS
from rehearsal.layout import CHECKOUT, Layout
from rehearsal.toolchain import Toolchain

OURS = Path(__file__).parent
"""The folder of the reduced charts."""

OWN = tuple(sorted(file.parent.name for file in OURS.glob("*/Chart.yaml")))
"""Names of the reduced charts."""

PATIENCE = 3.0
"""Seconds that a public repository may take to answer."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The source of charts.

    Attributes:
        setting: Value of the stack's setting `charts`; None if it is not set.
        real: Description of the real charts' source.
        ours: Names of the reduced charts in use.
    """

    setting: str | None
    real: str
    ours: Sequence[str] = ()


def origin(layout: Layout, toolchain: Toolchain, stacks_own: str | None) -> Origin:
    """Determines the source of charts, and fills the folder if it is that.

    A stack keeps the source that it began with, since another one would change every Helm release. `stacks_own` is the
    value of `charts` in the stack's own file.
    """
    if stacks_own is not None:
        return Origin(setting=stacks_own, real=f"from {stacks_own}, as the stack's file says")
    if not layout.charts_source.exists():
        layout.directory.mkdir(parents=True, exist_ok=True)
        layout.charts_source.write_text(json.dumps({"public": answer([chart.repository for chart in CHARTS])}))
    if json.loads(layout.charts_source.read_text())["public"]:
        return Origin(setting=None, real="from their public repositories")
    folder = put_together(layout, toolchain)
    relative = folder.relative_to(CHECKOUT) if folder.is_relative_to(CHECKOUT) else folder
    return Origin(setting=str(relative), real=f"{', '.join(toolchain.charts)}: from their Go modules", ours=OWN)


def put_together(layout: Layout, toolchain: Toolchain) -> Path:
    """Fills the folder of charts anew, and returns it."""
    shutil.rmtree(layout.charts, ignore_errors=True)
    for name, chart in {**toolchain.charts, **{name: OURS / name for name in OWN}}.items():
        shutil.copytree(chart, layout.charts / name)
    return layout.charts


def answer(repositories: Sequence[str]) -> bool:
    """Whether all chart repositories serve their index."""
    with ThreadPoolExecutor(len(repositories)) as pool:
        return all(pool.map(_answers, repositories))


def _answers(repository: str) -> bool:
    try:
        with urllib.request.urlopen(f"{repository}/index.yaml", timeout=PATIENCE):  # noqa: S310 - https, and known
            return True
    except (OSError, http.client.HTTPException):
        return False
