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
from dataclasses import dataclass
from pathlib import Path

from config.charts import ALWAYS, JENKINS
from rehearsal.layout import CHECKOUT, Layout
from rehearsal.toolchain import Toolchain

OURS = Path(__file__).parent
"""The folder of our own charts."""

OWN = ("cluster-autoscaler", "jenkins")
"""The charts that ours stand in for."""

PATIENCE = 3.0
"""Seconds that a public repository may take to answer."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where charts come from.

    Attributes:
        setting: What `charts` is set to; None where it is not.
        real: Where the real ones come from, in words.
        ours: Names of those that ours stand in for.
    """

    setting: str | None
    real: str
    ours: Sequence[str] = ()


def origin(layout: Layout, toolchain: Toolchain, stacks_own: str | None) -> Origin:
    """Finds out where charts come from, and puts the folder together where it is that.

    A stack keeps to what the first answer was: another one would be a change of every release.

    Args:
        layout: The rehearsal.
        toolchain: Where the real charts are.
        stacks_own: What the stack's own file sets `charts` to.
    """
    if stacks_own is not None:
        return Origin(setting=stacks_own, real=f"from {stacks_own}, as the stack's file says")
    if not layout.charts_source.exists():
        layout.directory.mkdir(parents=True, exist_ok=True)
        layout.charts_source.write_text(json.dumps({"public": answer([one.repository for one in (*ALWAYS, JENKINS)])}))
    if json.loads(layout.charts_source.read_text())["public"]:
        return Origin(setting=None, real="from their public repositories")
    folder = put_together(layout, toolchain)
    relative = folder.relative_to(CHECKOUT) if folder.is_relative_to(CHECKOUT) else folder
    return Origin(setting=str(relative), real=f"{', '.join(toolchain.charts)}: from their Go modules", ours=OWN)


def put_together(layout: Layout, toolchain: Toolchain) -> Path:
    """Makes the folder of charts anew."""
    shutil.rmtree(layout.charts, ignore_errors=True)
    for name, chart in {**toolchain.charts, **{name: OURS / name for name in OWN}}.items():
        shutil.copytree(chart, layout.charts / name)
    return layout.charts


def answer(repositories: Sequence[str]) -> bool:
    """Whether every one of some chart repositories has its index."""
    with ThreadPoolExecutor(len(repositories)) as pool:
        return all(pool.map(_answers, repositories))


def _answers(repository: str) -> bool:
    try:
        with urllib.request.urlopen(f"{repository}/index.yaml", timeout=PATIENCE):  # noqa: S310 - https, and known
            return True
    except (OSError, http.client.HTTPException):
        return False
