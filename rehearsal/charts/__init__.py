"""Where a rehearsal's Helm charts come from: their public repositories, or a folder that is put together here.

In the folder are the real charts that come with a Go module of the toolchain, and, beside this file, charts of ours for
those that no registry of packages has. What ours make bears the label `rehearsal/stand-in-for`.
"""

from __future__ import annotations

import http.client
import json
import shutil
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rehearsal.layout import CHECKOUT, Layout
from rehearsal.toolchain import Toolchain
from settings.charts import ALWAYS, JENKINS

CHARTS = (*ALWAYS, JENKINS)
"""All charts of the platform."""

OURS = Path(__file__).parent
"""The folder of our own."""

OWN = ("cluster-autoscaler", "jenkins")
"""The charts that ours stand in for."""

PATIENCE = 3.0
"""Seconds that a public repository may take to answer."""


def source(layout: Layout, toolchain: Toolchain) -> str | None:
    """What to set `charts` to; None where the public repositories are used.

    A stack keeps to what it was asked of first: another source would be a change of each release.

    Args:
        layout: The rehearsal.
        toolchain: Where the real charts are.
    """
    if not layout.charts_source.exists():
        layout.directory.mkdir(parents=True, exist_ok=True)
        layout.charts_source.write_text(json.dumps({"public": answer([chart.repository for chart in CHARTS])}))
    if json.loads(layout.charts_source.read_text())["public"]:
        return None
    folder = put_together(layout, toolchain)
    return str(folder.relative_to(CHECKOUT) if folder.is_relative_to(CHECKOUT) else folder)


def put_together(layout: Layout, toolchain: Toolchain) -> Path:
    """Makes the folder of charts anew, of links."""
    shutil.rmtree(layout.charts, ignore_errors=True)
    layout.charts.mkdir(parents=True)
    for name, chart in {**toolchain.charts, **{name: OURS / name for name in OWN}}.items():
        (layout.charts / name).symlink_to(chart)
    return layout.charts


def answer(repositories: Sequence[str]) -> bool:
    """Whether every one of some chart repositories has its index."""
    with ThreadPoolExecutor(len(repositories)) as pool:
        return all(pool.map(_answers, repositories))


def _answers(repository: str) -> bool:
    try:
        with urllib.request.urlopen(f"{repository}/index.yaml", timeout=PATIENCE):  # noqa: S310 - https, and ours
            return True
    except (OSError, http.client.HTTPException):
        return False
