"""Whether Elasticsearch has as many pods as it can work with."""

from __future__ import annotations

from collections.abc import Iterator

from config.model import PROJECT, Settings
from config.problems import Problem

QUORUM = 3
"""Two pods elect nobody once one of them is gone.

https://www.elastic.co/docs/deploy-manage/production-guidance/availability-and-resilience/resilience-in-small-clusters
"""


def problems(settings: Settings) -> Iterator[Problem]:
    """Two pods of Elasticsearch; zones that are not there, or too few pods for them; no nodes for volumes."""
    logs = settings.logs
    if 1 < logs.nodes < QUORUM:
        yield Problem(f"{PROJECT}:logs.nodes", str(logs.nodes), f"1, or {QUORUM} and more: two elect nobody alone")
    if logs.zone_awareness and logs.nodes < QUORUM:
        yield Problem(f"{PROJECT}:logs.zoneAwareness", "true", f"false, or {QUORUM} and more logs.nodes")
    for name, environment in settings.environments.items():
        if not settings.tainted(name) and not environment.nodes.volumes:
            yield Problem(
                f"{PROJECT}:environments.{name}.nodes.volumes", "false", "true: Elasticsearch has its volumes there"
            )
