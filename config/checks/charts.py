"""The folder of Helm charts."""

from __future__ import annotations

from collections.abc import Iterator

from config.charts import ALWAYS, JENKINS, is_missing, is_registry
from config.models.base import PROJECT
from config.problems import Problem
from config.settings import Settings


def problems(settings: Settings) -> Iterator[Problem]:
    """A folder of charts that lacks a chart, or has another version of it."""
    source = settings.charts
    if source is None or is_registry(source):
        return
    needed = [*ALWAYS, *([JENKINS] if settings.delivery else [])]
    missing = [f"{chart.name} {chart.version}" for chart in needed if is_missing(source, chart)]
    if missing:
        yield Problem(f"{PROJECT}:charts", source, f"lacks {', '.join(missing)}: a folder each, or NAME-VERSION.tgz")
