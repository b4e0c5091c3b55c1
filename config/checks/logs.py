"""The number of Elasticsearch pods, and nodes for their volumes."""

from __future__ import annotations

from collections.abc import Iterator

from config.models.base import PROJECT
from config.problems import Problem
from config.settings import Settings

QUORUM = 3
"""Pods; two cannot elect a master once one of them is gone.

https://www.elastic.co/docs/deploy-manage/production-guidance/availability-and-resilience/resilience-in-small-clusters
"""

SHARDS = 1000
"""Shards that Elasticsearch takes for each of its pods: https://www.elastic.co/docs/reference/elasticsearch/configuration-reference/miscellaneous-cluster-settings
(`cluster.max_shards_per_node`)."""

OTHER_SHARDS = 100
"""Of these, what Elasticsearch and Kibana need for themselves."""

TAKEN = ("fluentd", "logs-setup", "reader", "elastic", "kibana")
"""Users of Elasticsearch that the platform, Elasticsearch and its operator have; the operator's begin with `elastic-`.

https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/built-in-users
https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/pkg/controller/elasticsearch/user/predefined.go
"""


def problems(settings: Settings) -> Iterator[Problem]:
    """Numbers of Elasticsearch pods and of days that it refuses; people named as programs; no `volumes` on dev."""
    logs = settings.logs
    if 1 < logs.nodes < QUORUM:
        yield Problem(
            f"{PROJECT}:logs.nodes", str(logs.nodes), f"1, or {QUORUM} and more: with two, the loss of one stops it"
        )
    if logs.zone_awareness and logs.nodes < QUORUM:
        yield Problem(f"{PROJECT}:logs.zoneAwareness", "true", f"false, or {QUORUM} and more logs.nodes")
    days = logs.retention_days
    # A stream has an index for each day; with several pods, each index has a copy.
    most = (logs.nodes * SHARDS - OTHER_SHARDS) // min(logs.nodes, 2)
    if days.dev + days.prod + days.platform > most:
        yield Problem(
            f"{PROJECT}:logs.retentionDays",
            f"{days.dev} + {days.prod} + {days.platform}",
            f"{most} days or fewer together: more indices Elasticsearch does not take with logs.nodes of {logs.nodes}",
        )
    for person in logs.people:
        if person in TAKEN or person.startswith("elastic-"):
            yield Problem(f"{PROJECT}:logs.people.{person}", "", "another name: there is a user of this one")
    for name, environment in settings.environments.items():
        if not settings.tainted(name) and not environment.nodes.volumes:
            yield Problem(
                f"{PROJECT}:environments.{name}.nodes.volumes", "false", "true: the volumes of Elasticsearch are there"
            )
