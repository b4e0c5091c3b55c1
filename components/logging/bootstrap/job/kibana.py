"""Requests to Kibana: for each environment a data view, saved searches for errors and traces, charts and a dashboard.

https://www.elastic.co/docs/api/doc/kibana
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .client import Request

HEADERS = {"kbn-xsrf": "logs-setup"}
BOUNDARY = "logs-setup-boundary"

ERRORS = 'level : (error or fatal) or message : (Traceback or "Exception in thread" or "Caused by")'
"""KQL query for errors; includes stack traces inside of JSON objects without a level."""


def ready() -> Request:
    """A health check, which Kibana answers with 503 until it is available."""
    return Request("GET", "/api/status")


def requests(data_streams: str, environments: Sequence[str]) -> list[Request]:
    """Requests in order: data views, the default data view, and saved objects, which refer to data views by id.

    Args:
        data_streams: Prefix of the data streams' names.
        environments: Names and ids of the data views, the default one first.
    """
    return [
        *(Request("POST", "/api/data_views/data_view", data_view(data_streams, name)) for name in environments),
        Request("POST", "/api/data_views/default", {"data_view_id": environments[0], "force": True}),
        import_request([saved_object for name in environments for saved_object in saved_objects(name)]),
    ]


def data_view(data_streams: str, environment: str) -> dict[str, Any]:
    """A data view with a fixed id, which replaces an existing one."""
    view = {
        "id": environment,
        "name": environment,
        "title": f"{data_streams}-{environment}*",
        "timeFieldName": "@timestamp",
        "allowNoIndex": True,
    }
    return {"override": True, "data_view": view}


def import_request(objects: Sequence[Mapping[str, Any]]) -> Request:
    """An import of saved objects, which replaces existing ones with the same ids."""
    lines = "".join(json.dumps(saved_object, ensure_ascii=False) + "\n" for saved_object in objects)
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="logs.ndjson"\r\n'
        f"Content-Type: application/ndjson\r\n\r\n{lines}\r\n--{BOUNDARY}--\r\n"
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return Request("POST", "/api/saved_objects/_import?overwrite=true", body.encode(), headers)


def saved_objects(environment: str) -> list[dict[str, Any]]:
    """Saved searches for errors and for a request across services, charts, and a dashboard of the charts and errors."""
    search = _saved_object(
        f"{environment}-errors",
        "search",
        "8.0.0",
        {
            "title": f"Errors of {environment}",
            "description": "Errors, the newest first.",
            "columns": ["service", "slot", "level", "message"],
            "sort": [["@timestamp", "desc"]],
        },
        data_view_id=environment,
        query=ERRORS,
    )
    trace = _saved_object(
        f"{environment}-trace",
        "search",
        "8.0.0",
        {
            "title": f"Requests by trace, {environment}",
            "description": "What every service logged for a request, in order: add `and trace_id : ID` to the query.",
            "columns": ["trace_id", "service", "slot", "method", "path", "status", "duration_ms", "message"],
            "sort": [["@timestamp", "asc"]],
        },
        data_view_id=environment,
        query="trace_id : *",
    )
    by_slot = _chart(
        environment,
        "errors-by-slot",
        f"Errors by slot over time, {environment}",
        kind="histogram",
        aggregations=[_count(), _over_time(), _by("slot", "group", order_by="1", size=2)],
        query=ERRORS,
    )
    latency = _chart(
        environment,
        "latency-by-slot",
        f"Duration by slot and image, {environment}",
        kind="table",
        aggregations=[
            *_durations(),
            _by("slot", "bucket", order_by="1", size=2),
            _by("image_digest", "bucket", order_by="1", size=5, identity="4"),
        ],
        query="duration_ms >= 0",
    )
    paths = _chart(
        environment,
        "slowest-paths",
        f"Slowest paths, {environment}",
        kind="table",
        aggregations=[*_durations(), _by("path", "bucket", order_by="1", size=20)],
        query="duration_ms >= 0",
    )
    over_time = _chart(
        environment,
        "errors-by-service",
        f"Errors by service over time, {environment}",
        kind="histogram",
        aggregations=[
            _count(),
            _over_time(),
            _by_service("group", order_by="1"),
        ],
        query=ERRORS,
    )
    slowest = _chart(
        environment,
        "slowest-services",
        f"Slowest services, {environment}",
        kind="table",
        aggregations=[
            *_durations(),
            _by_service("bucket", order_by="1"),
        ],
        query="duration_ms >= 0",
    )
    panels = [
        *((by_slot, 0, 0, 24, 15), (over_time, 24, 0, 24, 15)),
        *((latency, 0, 15, 24, 12), (slowest, 24, 15, 24, 12)),
        *((paths, 0, 27, 48, 12), (search, 0, 39, 48, 20)),
    ]
    return [search, trace, *(panel for panel, *_ in panels[:-1]), _dashboard(environment, panels)]


def _count() -> dict[str, Any]:
    return {"id": "1", "type": "count", "schema": "metric", "params": {}}


def _over_time() -> dict[str, Any]:
    params = {"field": "@timestamp", "interval": "auto", "min_doc_count": 1}
    return {"id": "2", "type": "date_histogram", "schema": "segment", "params": params}


def _durations() -> list[dict[str, Any]]:
    """The average and the 95th percentile of the duration, in ms."""
    percentile = {"field": "duration_ms", "percents": [95]}
    return [
        {"id": "1", "type": "avg", "schema": "metric", "params": {"field": "duration_ms"}},
        {"id": "2", "type": "percentiles", "schema": "metric", "params": percentile},
    ]


def _by_service(schema: str, *, order_by: str) -> dict[str, Any]:
    return _by("kubernetes.container_name", schema, order_by=order_by, size=20)


def _by(field: str, schema: str, *, order_by: str, size: int, identity: str = "3") -> dict[str, Any]:
    params = {"field": field, "orderBy": order_by, "order": "desc", "size": size}
    return {"id": identity, "type": "terms", "schema": schema, "params": params}


def _chart(
    environment: str, name: str, title: str, *, kind: str, aggregations: list[dict[str, Any]], query: str
) -> dict[str, Any]:
    state = {"title": title, "type": kind, "aggs": aggregations, "params": {"type": kind, "addLegend": True}}
    attributes = {"title": title, "visState": json.dumps(state), "uiStateJSON": "{}", "description": "", "version": 1}
    return _saved_object(
        f"{environment}-{name}", "visualization", "8.5.0", attributes, data_view_id=environment, query=query
    )


def _dashboard(environment: str, panels: list[tuple[dict[str, Any], int, int, int, int]]) -> dict[str, Any]:
    grid = [
        {
            "type": panel["type"],
            "panelIndex": str(index),
            "gridData": {"x": x, "y": y, "w": w, "h": h, "i": str(index)},
            "embeddableConfig": {},
            "panelRefName": f"panel_{index}",
        }
        for index, (panel, x, y, w, h) in enumerate(panels)
    ]
    return {
        "id": f"{environment}-dashboard",
        "type": "dashboard",
        "typeMigrationVersion": "8.9.0",
        "coreMigrationVersion": "8.8.0",
        "attributes": {
            "title": f"{environment}: errors and slow services",
            "description": "Errors by service over time, the slowest services, and the errors themselves.",
            "panelsJSON": json.dumps(grid),
            "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
            "timeRestore": True,
            "timeFrom": "now-24h",
            "timeTo": "now",
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps({"query": _query(""), "filter": []})},
        },
        "references": [
            {"name": f"{index}:panel_{index}", "type": panel["type"], "id": panel["id"]}
            for index, (panel, *_) in enumerate(panels)
        ],
    }


def _saved_object(
    name: str, type_: str, version: str, attributes: dict[str, Any], *, data_view_id: str, query: str
) -> dict[str, Any]:
    reference = "kibanaSavedObjectMeta.searchSourceJSON.index"
    source: dict[str, Any] = {"query": _query(query), "filter": [], "indexRefName": reference}
    return {
        "id": name,
        "type": type_,
        "typeMigrationVersion": version,
        "coreMigrationVersion": "8.8.0",
        "attributes": {**attributes, "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)}},
        "references": [{"name": reference, "type": "index-pattern", "id": data_view_id}],
    }


def _query(text: str) -> dict[str, str]:
    return {"query": text, "language": "kuery"}
