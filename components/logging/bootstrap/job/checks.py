"""What can go wrong with the logs: a metric for each, and how to ask Elasticsearch and Kubernetes for its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .client import Request

NAMESPACE = "Hello/Logs"
"""Namespace of the metrics in CloudWatch."""

MINUTES = 15
"""How far back events are looked at: longer than a run's period, so that none falls between two runs."""

HEARTBEAT_MINUTES = 10
FULL_PERCENT = 20
"""Free space of a node's buffer below which it is almost full."""

DISK_PERCENT = 80
"""Use of a volume of Elasticsearch that is too much: at 85 % it takes no new shards."""

NOT_SET_UP = "NotSetUp"


@dataclass(frozen=True)
class Check:
    """A check, with one metric: zero is good.

    Attributes:
        metric: Its name.
        meaning: What more than zero means.
        remedy: What to do then.
    """

    metric: str
    meaning: str
    remedy: str


CHECKS = (
    Check(
        NOT_SET_UP,
        "The logging bootstrap failed three times, or did not run.",
        "Look at `kubectl --namespace logging get jobs,pods`, and at the log of the newest pod of logs-setup.",
    ),
    Check(
        "BuffersAlmostFull",
        "Nodes whose buffer of events is more than 80 % full: Elasticsearch takes too little.",
        "See whether its pods are ready and its disks have space; more logs.bufferMib gives time.",
    ),
    Check(
        "NodesWithoutLogs",
        "Nodes whose Fluentd has reported nothing for ten minutes.",
        "Look at the pods in the namespace log-collector, and at their logs.",
    ),
    Check("LostBytes", "Bytes of log lines that were rotated away unread.", "Search `stream : lost` in platform."),
    Check(
        "RejectedDocuments",
        "Events that Elasticsearch rejected, and that were sent again as plain text.",
        "Fluentd's pods log the reason: `kubectl --namespace log-collector logs daemonset/fluentd`.",
    ),
    Check(
        "DisksFillingUp",
        "Volumes of Elasticsearch that are more than 80 % full.",
        "Raise logs.storageGib, or lower logs.retentionDays.",
    ),
    Check(
        "LifecycleErrors",
        "Indices that are not rolled over or deleted as they should.",
        "In Dev Tools: `GET logs-hello-*/_ilm/explain?only_errors=true`.",
    ),
    Check(
        "SnapshotsFailed",
        "The newest snapshot failed.",
        "In Dev Tools: `GET _slm/policy/nightly`.",
    ),
)


def questions(data_streams: str, collector: str) -> dict[str, Request]:
    """The requests to Elasticsearch, and `pods` for the Kubernetes API.

    Args:
        data_streams: Prefix of the data streams' names.
        collector: Namespace of Fluentd.
    """
    return {
        "events": Request("POST", f"/{data_streams}-platform/_search", _events()),
        "disks": Request("GET", "/_cat/allocation?format=json&h=node,disk.percent"),
        "lifecycle": Request("GET", f"/{data_streams}-*/_ilm/explain?only_errors=true"),
        "snapshots": Request("GET", "/_slm/policy/nightly"),
        "pods": Request("GET", f"/api/v1/namespaces/{collector}/pods"),
    }


def _events() -> dict[str, Any]:
    """A search for the newest heartbeat by node, and for losses."""

    def first(field: str, order: str) -> dict[str, Any]:
        """The field of the oldest event, by `asc`, or of the newest one, by `desc`."""
        return {"top_metrics": {"metrics": {"field": field}, "sort": {"@timestamp": order}}}

    return {
        "size": 0,
        "query": {"range": {"@timestamp": {"gte": f"now-{MINUTES}m"}}},
        "aggs": {
            "nodes": {
                "filter": {"term": {"plugin_id": "events"}},
                "aggs": {
                    "hosts": {
                        "terms": {"field": "kubernetes.host", "size": 1000},
                        "aggs": {
                            "last": {"max": {"field": "@timestamp"}},
                            "free": first("buffer_available_buffer_space_ratios", "desc"),
                        },
                    }
                },
            },
            "refused": {
                "filter": {"term": {"plugin_id": "refused"}},
                "aggs": {
                    "hosts": {
                        "terms": {"field": "kubernetes.host", "size": 1000},
                        "aggs": {"first": first("emit_records", "asc"), "last": first("emit_records", "desc")},
                    }
                },
            },
            "lost": {"sum": {"field": "lost_bytes"}},
        },
    }


def values(answers: Mapping[str, Any], now: datetime) -> dict[str, float]:
    """The metrics, by name, from the answers to `questions`; all but `NOT_SET_UP`.

    Args:
        answers: The answers, by name.
        now: The time, with a time zone.
    """
    found: Mapping[str, Any] = answers["events"]["aggregations"]
    hosts: Sequence[Mapping[str, Any]] = found["nodes"]["hosts"]["buckets"]
    oldest = (now - timedelta(minutes=HEARTBEAT_MINUTES)).timestamp() * 1000
    alive = {host["key"] for host in hosts if host["last"]["value"] >= oldest}
    return {
        "BuffersAlmostFull": sum(_free(host) < FULL_PERCENT for host in hosts),
        "NodesWithoutLogs": len(_collected(answers["pods"], now) - alive),
        "LostBytes": found["lost"]["value"],
        "RejectedDocuments": sum(_rejected(host) for host in found["refused"]["hosts"]["buckets"]),
        "DisksFillingUp": sum(int(one["disk.percent"] or 0) > DISK_PERCENT for one in answers["disks"]),
        "LifecycleErrors": len(answers["lifecycle"]["indices"]),
        "SnapshotsFailed": int(_failed(answers["snapshots"]["nightly"])),
    }


def _free(host: Mapping[str, Any]) -> float:
    return _only(host["free"], "buffer_available_buffer_space_ratios")


def _rejected(host: Mapping[str, Any]) -> float:
    """The documents that a node's Fluentd counted; it counts from its start, and a lower count is a new one."""
    first, last = (_only(host[name], "emit_records") for name in ("first", "last"))
    return last - first if last >= first else last


def _only(top: Mapping[str, Any], field: str) -> float:
    (one,) = top["top"]
    return one["metrics"][field]


def _collected(pods: Mapping[str, Any], now: datetime) -> set[str]:
    """The nodes with a pod of Fluentd that is old enough to have reported."""
    since = now - timedelta(minutes=MINUTES)
    return {
        pod["spec"]["nodeName"]
        for pod in pods["items"]
        if "nodeName" in pod["spec"] and datetime.fromisoformat(pod["metadata"]["creationTimestamp"]) < since
    }


def _failed(policy: Mapping[str, Any]) -> bool:
    """Whether a snapshot policy's last run failed."""
    last = {name: policy.get(name, {}).get("time", 0) for name in ("last_failure", "last_success")}
    return last["last_failure"] > last["last_success"]
