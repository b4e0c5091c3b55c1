"""The state of the logs as metrics, and their way to CloudWatch."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs

import boto3  # pyright: ignore[reportMissingTypeStubs]
import botocore.auth  # pyright: ignore[reportMissingTypeStubs]
import botocore.awsrequest  # pyright: ignore[reportMissingTypeStubs]
import botocore.credentials  # pyright: ignore[reportMissingTypeStubs]
import pytest
from moto.server import ThreadedMotoServer  # pyright: ignore[reportMissingTypeStubs]

from components.logging.bootstrap.job import checks, cloudwatch
from components.logging.bootstrap.job.elasticsearch import PROPERTIES

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CREDENTIALS = cloudwatch.Credentials("AKIDEXAMPLE", "secret", "token/+=")


def pod(node: str, minutes: int = 60) -> dict[str, Any]:
    created = (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"metadata": {"creationTimestamp": created}, "spec": {"nodeName": node}}


def host(name: str, minutes: float = 1, free: float = 100) -> dict[str, Any]:
    last = (NOW - timedelta(minutes=minutes)).timestamp() * 1000
    metrics = {"buffer_available_buffer_space_ratios": free}
    return {"key": name, "last": {"value": last}, "free": {"top": [{"sort": [last], "metrics": metrics}]}}


def refused(first: float, last: float) -> dict[str, Any]:
    """What a node's Fluentd has counted, at the beginning and at the end."""
    counts = {"first": first, "last": last}
    return {"key": "one", **{name: {"top": [{"metrics": {"emit_records": one}}]} for name, one in counts.items()}}


def healthy() -> dict[str, Any]:
    """Answers of a cluster with two nodes where nothing is wrong."""
    aggregations = {
        "nodes": {"hosts": {"buckets": [host("one"), host("two")]}},
        "refused": {"hosts": {"buckets": [refused(7, 7)]}},
        "lost": {"value": 0},
    }
    return {
        "events": {"aggregations": aggregations},
        # The second entry is of shards that no node has.
        "disks": [{"node": "hello-es-0", "disk.percent": "40"}, {"node": "UNASSIGNED", "disk.percent": None}],
        "lifecycle": {"indices": {}},
        "snapshots": {"nightly": {"last_success": {"time": 2}, "last_failure": {"time": 1}}},
        "pods": {"items": [pod("one"), pod("two")]},
    }


def metrics(**changed: Any) -> dict[str, float]:
    return {name: value for name, value in checks.values({**healthy(), **changed}, NOW).items() if value}


def events(**changed: Any) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(healthy()["events"])
    found["aggregations"].update(changed)
    return found


def test_every_check_has_a_value_and_where_nothing_is_wrong_each_is_zero() -> None:
    found = checks.values(healthy(), NOW)
    assert {checks.NOT_SET_UP, *found} == {check.metric for check in checks.CHECKS}
    assert not any(found.values())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"events": events(nodes={"hosts": {"buckets": [host("one", free=19), host("two")]}})},
            {"BuffersAlmostFull": 1},
        ),
        ({"events": events(nodes={"hosts": {"buckets": [host("one")]}})}, {"NodesWithoutLogs": 1}),
        ({"events": events(nodes={"hosts": {"buckets": [host("one"), host("two", 11)]}})}, {"NodesWithoutLogs": 1}),
        ({"events": events(lost={"value": 4711})}, {"LostBytes": 4711}),
        ({"events": events(refused={"hosts": {"buckets": [refused(7, 9)]}})}, {"RejectedDocuments": 2}),
        ({"events": events(refused={"hosts": {"buckets": [refused(100, 3)]}})}, {"RejectedDocuments": 3}),  # a restart
        ({"events": events(refused={"hosts": {"buckets": [refused(100, 0)]}})}, {}),
        ({"disks": [{"node": "hello-es-0", "disk.percent": "81"}]}, {"DisksFillingUp": 1}),
        ({"lifecycle": {"indices": {".ds-logs-hello-dev-1": {"step": "ERROR"}}}}, {"LifecycleErrors": 1}),
        ({"snapshots": {"nightly": {"last_failure": {"time": 3}}}}, {"SnapshotsFailed": 1}),
    ],
)
def test_what_is_wrong_is_one_metric(changed: dict[str, Any], expected: dict[str, float]) -> None:
    assert metrics(**changed) == expected


def test_new_pods_and_pods_without_a_node_need_not_have_reported_and_nodes_that_went_are_no_alarm() -> None:
    pods: list[dict[str, Any]] = [pod("one"), pod("two"), pod("new", minutes=14), {**pod("x"), "spec": {}}]
    assert metrics(pods={"items": pods}) == {}
    assert metrics(pods={"items": [pod("one")]}) == {}


def test_a_snapshot_policy_that_never_ran_is_no_failure() -> None:
    assert metrics(snapshots={"nightly": {}}) == {}


def test_the_search_names_fields_of_events_only() -> None:
    def fields(query: Any) -> set[str]:
        if not isinstance(query, dict):
            return set()
        parts = cast("dict[str, Any]", query)
        own = {str(parts["field"])} if "field" in parts else set[str]()
        terms = {*parts.get("term", {}), *parts.get("range", {})}
        return {*own, *terms, *(one for part in parts.values() for one in fields(part))}

    named = fields(checks.questions("logs-hello", "log-collector")["events"].body)
    assert {one.partition(".")[0] for one in named} <= set(PROPERTIES)
    assert "emit_records" in named


def test_the_signature_is_that_of_amazons_library() -> None:
    url, body = "https://monitoring.ap-northeast-2.amazonaws.com/", b"Action=PutMetricData"
    ours = cloudwatch.signed(url, body, "ap-northeast-2", CREDENTIALS, NOW)
    request: Any = botocore.awsrequest.AWSRequest("POST", url, {"Content-Type": cloudwatch.TYPE}, body)
    request.context["timestamp"] = ours["x-amz-date"]
    signer: Any = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(CREDENTIALS.key, CREDENTIALS.secret, CREDENTIALS.token),
        "monitoring",
        "ap-northeast-2",
    )
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = CREDENTIALS.token
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert ours["Authorization"].endswith(f"Signature={signature}")


def test_cloudwatch_has_the_metrics_that_were_published() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        url = f"http://127.0.0.1:{port}/"
        body = cloudwatch.form(checks.NAMESPACE, {"Stack": "hello-dev"}, {"LostBytes": 12.0, "NotSetUp": 0})
        cloudwatch.publish(url, "ap-northeast-2", body, CREDENTIALS, datetime.now(tz=UTC))
        client: Any = cast("Any", boto3).client(
            "cloudwatch",
            region_name="ap-northeast-2",
            endpoint_url=url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",  # noqa: S106 - made up
        )
        found: list[dict[str, Any]] = client.list_metrics(Namespace=checks.NAMESPACE)["Metrics"]
    finally:
        server.stop()
    assert {one["MetricName"] for one in found} == {"LostBytes", "NotSetUp"}
    assert all(one["Dimensions"] == [{"Name": "Stack", "Value": "hello-dev"}] for one in found)
    assert parse_qs(body.decode())["Action"] == ["PutMetricData"]
