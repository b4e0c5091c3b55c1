"""The charts of a rehearsal, in one folder: for as long as the real programs behind them do not run as pods.

A bridge. The load balancer controller's chart comes without its webhooks, which nobody answers yet; the autoscaler's is
a sketch.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import versions
from rehearsal.layout import CHECKOUT, Layout
from rehearsal.toolchain import Toolchain

NOT_ANSWERED = Path("aws-load-balancer-controller", "templates", "webhook.yaml")


def make(layout: Layout, toolchain: Toolchain) -> Path:
    """Makes the folder anew."""
    folder = layout.directory / "charts"
    shutil.rmtree(folder, ignore_errors=True)
    for name, chart in toolchain.charts.items():
        shutil.copytree(chart, folder / name)
    (folder / NOT_ANSWERED).unlink()
    name, version = "cluster-autoscaler", versions.CLUSTER_AUTOSCALER_CHART
    shutil.copytree(CHECKOUT / "rehearsal" / "charts" / name, folder / name)
    (folder / name / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {version}\n")
    return folder
