"""Requests to Elasticsearch: lifecycle policies, index templates, data streams, and snapshots.

https://www.elastic.co/docs/api/doc/elasticsearch
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .client import Request

PRIORITY = 500
"""Priority of the index templates, above that of Elasticsearch's own template for `logs-*-*`, 100."""

ROLLOVER = {"max_age": "1d", "max_primary_shard_size": "20gb"}
"""Conditions for the next backing index. Only whole indices are deleted, so events are kept for up to a day longer."""

FIELD_LIMIT = 100
"""Maximum number of fields in the mapping."""

KEYWORD = {"type": "keyword", "ignore_above": 1024}
FLATTENED = {"type": "flattened", "ignore_above": 1024, "depth_limit": 20}
"""One field for an object of any keys, so that labels and logged JSON cannot cause a mapping explosion."""

ANALYSIS: Mapping[str, Any] = {
    "analyzer": {
        "words": {"type": "custom", "tokenizer": "standard", "filter": ["cjk_width", "lowercase", "cjk_bigram"]},
    }
}
"""The analyzer `words`: Korean words become pairs of letters, so that `주문` finds `주문이`; other words stay whole.

Unlike the built-in analyzer `cjk`, it keeps `no`, `not` and `in`. Decision 0025 weighs it against `nori`.
https://www.elastic.co/docs/reference/text-analysis/analysis-cjk-bigram-tokenfilter
"""

PROPERTIES: Mapping[str, Any] = {
    "@timestamp": {"type": "date"},
    # Not `match_only_text`, which takes no analyzer.
    "message": {"type": "text", "analyzer": "words", "norms": False},
    "level": {"type": "keyword", "ignore_above": 32, "normalizer": "lowercase"},
    "duration_ms": {"type": "double", "ignore_malformed": True},
    "slot": KEYWORD,
    "image_digest": KEYWORD,
    "version": KEYWORD,
    "trace_id": KEYWORD,
    "request_id": KEYWORD,
    "method": KEYWORD,
    "path": KEYWORD,
    "status": {"type": "short", "ignore_malformed": True},
    "release": KEYWORD,
    "release_event": KEYWORD,
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
    "lost_bytes": {"type": "long"},
    "emit_records": {"type": "long"},
    "plugin_id": KEYWORD,
    "retry_count": {"type": "long"},
    "buffer_queue_length": {"type": "long"},
    "buffer_total_queued_size": {"type": "long"},
    "buffer_available_buffer_space_ratios": {"type": "float"},
}
"""Fields of events. `service` is an alias, since a container has the name of its service."""


def ready() -> Request:
    """A health check that returns once all primary shards are assigned."""
    return Request("GET", "/_cluster/health?wait_for_status=yellow&timeout=20s")


def requests(data_streams: str, retention_days: Mapping[str, int]) -> list[Request]:
    """Requests in order: lifecycle policies, index templates that refer to them, and data streams.

    Args:
        data_streams: Prefix of the data streams' names.
        retention_days: Retention by environment.
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
    """A lifecycle policy that rolls indices over by `ROLLOVER`, and deletes them some days after."""
    return {
        "policy": {
            "phases": {
                "hot": {"min_age": "0ms", "actions": {"rollover": ROLLOVER}},
                "delete": {"min_age": f"{days}d", "actions": {"delete": {}}},
            }
        }
    }


def template(name: str) -> dict[str, Any]:
    """The index template of one data stream."""
    return {
        "index_patterns": [name],
        "data_stream": {},
        "priority": PRIORITY,
        "template": {
            "settings": {
                "index.lifecycle.name": name,
                # Not `logsdb`, which does not keep the original source of events.
                "index.mode": "standard",
                "index.codec": "best_compression",
                "index.number_of_shards": 1,
                "index.auto_expand_replicas": "0-1",
                "index.mapping.total_fields.limit": FIELD_LIMIT,
                "analysis": ANALYSIS,
            },
            # A field that is not listed stays in the source, and is not indexed.
            "mappings": {"dynamic": False, "properties": PROPERTIES},
        },
    }


REPOSITORY = "s3"
NIGHTLY = "0 30 17 * * ?"
"""Cron expression in UTC, with seconds first; at night in ap-northeast-2."""


def snapshots(data_streams: str, *, bucket: str, days: int) -> list[Request]:
    """The snapshot repository, which Elasticsearch verifies when it is registered, and a nightly snapshot policy.

    Snapshots include Kibana's saved objects, such as users' searches and dashboards.

    Args:
        data_streams: Prefix of the data streams' names.
        bucket: Name of the S3 bucket.
        days: Retention of snapshots.
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
