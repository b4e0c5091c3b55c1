"""What Elasticsearch is asked for: how long events are kept, what their fields are, and the data streams themselves.

https://www.elastic.co/docs/api/doc/elasticsearch
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .client import Request

PRIORITY = 500
"""Before Elasticsearch's own template for `logs-*-*`, which has 100."""

ROLLOVER = {"max_age": "1d", "max_primary_shard_size": "20gb"}
"""When a data stream begins its next index: whole indices are deleted, so events stay up to a day longer."""

FIELD_LIMIT = 100

KEYWORD = {"type": "keyword", "ignore_above": 1024}
FLATTENED = {"type": "flattened", "ignore_above": 1024, "depth_limit": 20}
"""One field whatever keys there are: labels, and what services log, cannot blow the mapping up."""

PROPERTIES: Mapping[str, Any] = {
    "@timestamp": {"type": "date"},
    "message": {"type": "match_only_text"},
    "level": {"type": "keyword", "ignore_above": 32, "normalizer": "lowercase"},
    "duration_ms": {"type": "double", "ignore_malformed": True},
    "environment": KEYWORD,
    "stream": KEYWORD,
    "service": {"type": "alias", "path": "kubernetes.container_name"},
    "json": FLATTENED,
    "kubernetes": {
        "properties": {
            "namespace_name": KEYWORD,
            "pod_name": KEYWORD,
            "container_name": KEYWORD,
            "container_image": KEYWORD,
            "host": KEYWORD,
            "labels": FLATTENED,
        }
    },
    "plugin_id": KEYWORD,
    "retry_count": {"type": "long"},
    "buffer_queue_length": {"type": "long"},
    "buffer_total_queued_size": {"type": "long"},
    "buffer_available_buffer_space_ratios": {"type": "float"},
}
"""A container of ours has its service's name, hence the alias."""


def ready() -> Request:
    """Answers once every data stream can be written to."""
    return Request("GET", "/_cluster/health?wait_for_status=yellow&timeout=20s")


def requests(data_streams: str, retention_days: Mapping[str, int]) -> list[Request]:
    """In their order: a template names its policy, a data stream is made by its template.

    Args:
        data_streams: How the names of data streams begin.
        retention_days: Of each environment.
    """
    names = {environment: f"{data_streams}-{environment}" for environment in retention_days}
    return [
        *(
            Request("PUT", f"/_ilm/policy/{names[environment]}", policy(days))
            for environment, days in retention_days.items()
        ),
        *(Request("PUT", f"/_index_template/{name}", template(name)) for name in names.values()),
        *(
            Request("PUT", f"/_data_stream/{name}", fine=("resource_already_exists_exception",))
            for name in names.values()
        ),
    ]


def policy(days: int) -> dict[str, Any]:
    """An index lifecycle: written to for a day, kept for some, deleted."""
    return {
        "policy": {
            "phases": {
                "hot": {"min_age": "0ms", "actions": {"rollover": ROLLOVER}},
                "delete": {"min_age": f"{days}d", "actions": {"delete": {}}},
            }
        }
    }


def template(name: str) -> dict[str, Any]:
    """An index template for one data stream."""
    return {
        "index_patterns": [name],
        "data_stream": {},
        "priority": PRIORITY,
        "template": {
            "settings": {
                "index.lifecycle.name": name,
                # Events as they came: the mode for logs puts them together again from their fields.
                "index.mode": "standard",
                "index.codec": "best_compression",
                "index.number_of_shards": 1,
                "index.auto_expand_replicas": "0-1",
                "index.mapping.total_fields.limit": FIELD_LIMIT,
            },
            # What is not listed stays in the event, and makes no field.
            "mappings": {"dynamic": False, "properties": PROPERTIES},
        },
    }


REPOSITORY = "s3"
NIGHTLY = "0 30 17 * * ?"
"""UTC, with seconds first: the night in ap-northeast-2."""


def snapshots(data_streams: str, *, bucket: str, days: int) -> list[Request]:
    """The repository, which Elasticsearch tries before it takes it, and what is written there each night.

    Kibana's own state is in it, too: searches and dashboards that people made.

    Args:
        data_streams: How the names of data streams begin.
        bucket: Name of the bucket in S3.
        days: How long each snapshot is kept.
    """
    nightly = {
        "name": "<nightly-{now/d}>",
        "schedule": NIGHTLY,
        "repository": REPOSITORY,
        "config": {
            "indices": [f"{data_streams}-*"],
            "include_global_state": False,
            "feature_states": ["kibana"],
        },
        "retention": {"expire_after": f"{days}d", "min_count": 1},
    }
    return [
        Request("PUT", f"/_snapshot/{REPOSITORY}", {"type": "s3", "settings": {"bucket": bucket}}),
        Request("PUT", "/_slm/policy/nightly", nightly),
    ]
