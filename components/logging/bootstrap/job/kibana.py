"""Requests to Kibana: for each environment a data view, saved searches for errors and traces, charts and a dashboard.

https://www.elastic.co/docs/api/doc/kibana
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import lens
from .client import Request

HEADERS = {"kbn-xsrf": "logs-setup"}
BOUNDARY = "logs-setup-boundary"

ERRORS = 'level : (error or fatal) or message : (Traceback or "Exception in thread" or "Caused by")'
"""KQL query for errors; includes stack traces inside of JSON objects without a level."""

MEASURED = "duration_ms >= 0"
"""KQL query for requests with a duration."""


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
    """Saved searches for errors and for a request across services, charts, and a dashboard of the charts and errors.

    The charts over time show releases, too.
    """
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
    by_slot = lens.chart(
        f"{environment}-errors-by-slot",
        f"Errors by slot over time, {environment}",
        value=lens.COUNT,
        by="slot",
        size=2,
        series="bar_stacked",
        query=ERRORS,
        data_view=environment,
    )
    duration = lens.chart(
        f"{environment}-duration-by-slot",
        f"Duration by slot over time, {environment}",
        value=lens.percentile("duration_ms", 95),
        by="slot",
        size=2,
        series="line",
        query=MEASURED,
        data_view=environment,
    )
    over_time = lens.chart(
        f"{environment}-errors-by-service",
        f"Errors by service over time, {environment}",
        value=lens.COUNT,
        by="kubernetes.container_name",
        size=20,
        series="bar_stacked",
        query=ERRORS,
        data_view=environment,
    )
    latency = _table(
        environment,
        "latency-by-slot",
        f"Duration by slot and image, {environment}",
        aggregations=[
            *_durations(),
            _by("slot", size=2),
            _by("image_digest", size=5, identity="4"),
        ],
        query=MEASURED,
    )
    paths = _table(
        environment,
        "slowest-paths",
        f"Slowest paths, {environment}",
        aggregations=[*_durations(), _by("path", size=20)],
        query=MEASURED,
    )
    slowest = _table(
        environment,
        "slowest-services",
        f"Slowest services, {environment}",
        aggregations=[*_durations(), _by("kubernetes.container_name", size=20)],
        query=MEASURED,
    )
    panels = [
        *((by_slot, 0, 0, 24, 15), (duration, 24, 0, 24, 15)),
        *((over_time, 0, 15, 24, 12), (latency, 24, 15, 24, 12)),
        *((slowest, 0, 27, 24, 12), (paths, 24, 27, 24, 12)),
        (search, 0, 39, 48, 20),
    ]
    return [search, trace, *(panel for panel, *_ in panels[:-1]), _dashboard(environment, panels)]


def _durations() -> list[dict[str, Any]]:
    """The average and the 95th percentile of the duration, in ms."""
    percentile = {"field": "duration_ms", "percents": [95]}
    return [
        {"id": "1", "type": "avg", "schema": "metric", "params": {"field": "duration_ms"}},
        {"id": "2", "type": "percentiles", "schema": "metric", "params": percentile},
    ]


def _by(field: str, *, size: int, identity: str = "3") -> dict[str, Any]:
    """A row for each of a field's values, those of the longest durations first."""
    params = {"field": field, "orderBy": "1", "order": "desc", "size": size}
    return {"id": identity, "type": "terms", "schema": "bucket", "params": params}


def _table(
    environment: str, name: str, title: str, *, aggregations: list[dict[str, Any]], query: str
) -> dict[str, Any]:
    state: dict[str, Any] = {"title": title, "type": "table", "aggs": aggregations, "params": {}}
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
            "description": "Errors and durations by slot beside the releases, the slowest services, and the errors.",
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
