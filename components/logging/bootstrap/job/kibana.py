"""What Kibana is asked for: a data view an environment, and for each a search for errors and a dashboard.

https://www.elastic.co/docs/api/doc/kibana
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .client import Request

HEADERS = {"kbn-xsrf": "logs-setup"}
BOUNDARY = "logs-setup-boundary"

ERRORS = (
    'level : (error or fatal or critical or severe) or message : (Traceback or "Exception in thread" or "Caused by")'
)
"""In Kibana's query language. What nobody logs, Python and Java print without a level."""


def ready() -> Request:
    """Answers 503 until Kibana is available."""
    return Request("GET", "/api/status")


def requests(data_streams: str, environments: Sequence[str]) -> list[Request]:
    """In their order: a default, a search and a dashboard refer to a data view by its id, which is the environment.

    Args:
        data_streams: How the names of data streams begin.
        environments: Data views by name, the default one first.
    """
    return [
        *(Request("POST", "/api/data_views/data_view", data_view(data_streams, one)) for one in environments),
        Request("POST", "/api/data_views/default", {"data_view_id": environments[0], "force": True}),
        imported([one for name in environments for one in saved_objects(name)]),
    ]


def data_view(data_streams: str, environment: str) -> dict[str, Any]:
    """A data view with a fixed id, in the place of one that is there."""
    view = {
        "id": environment,
        "name": environment,
        "title": f"{data_streams}-{environment}*",
        "timeFieldName": "@timestamp",
        "allowNoIndex": True,
    }
    return {"override": True, "data_view": view}


def imported(objects: Sequence[Mapping[str, Any]]) -> Request:
    """Writes saved objects in the place of those with the same ids."""
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="logs.ndjson"\r\n'
        f"Content-Type: application/ndjson\r\n\r\n{lines}\r\n--{BOUNDARY}--\r\n"
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return Request("POST", "/api/saved_objects/_import?overwrite=true", body.encode(), headers)


def saved_objects(environment: str) -> list[dict[str, Any]]:
    """A search for errors, two charts, and a dashboard of the three."""
    search = _saved(
        f"{environment}-errors",
        "search",
        "8.0.0",
        {
            "title": f"Errors of {environment}",
            "description": "Errors, the newest first.",
            "columns": ["service", "level", "message"],
            "sort": [["@timestamp", "desc"]],
        },
        data_view_id=environment,
        query=ERRORS,
    )
    over_time = _chart(
        environment,
        "errors-by-service",
        f"Errors by service over time, {environment}",
        kind="histogram",
        aggregations=[
            {"id": "1", "type": "count", "schema": "metric", "params": {}},
            {
                "id": "2",
                "type": "date_histogram",
                "schema": "segment",
                "params": {"field": "@timestamp", "interval": "auto", "min_doc_count": 1},
            },
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
            {"id": "1", "type": "avg", "schema": "metric", "params": {"field": "duration_ms"}},
            {
                "id": "2",
                "type": "percentiles",
                "schema": "metric",
                "params": {"field": "duration_ms", "percents": [95]},
            },
            _by_service("bucket", order_by="1"),
        ],
        query="duration_ms >= 0",
    )
    panels = [(over_time, 0, 0, 48, 15), (slowest, 0, 15, 48, 12), (search, 0, 27, 48, 20)]
    return [search, over_time, slowest, _dashboard(environment, panels)]


def _by_service(schema: str, *, order_by: str) -> dict[str, Any]:
    params = {"field": "kubernetes.container_name", "orderBy": order_by, "order": "desc", "size": 20}
    return {"id": "3", "type": "terms", "schema": schema, "params": params}


def _chart(
    environment: str, name: str, title: str, *, kind: str, aggregations: list[dict[str, Any]], query: str
) -> dict[str, Any]:
    state = {"title": title, "type": kind, "aggs": aggregations, "params": {"type": kind, "addLegend": True}}
    attributes = {"title": title, "visState": json.dumps(state), "uiStateJSON": "{}", "description": "", "version": 1}
    return _saved(f"{environment}-{name}", "visualization", "8.5.0", attributes, data_view_id=environment, query=query)


def _dashboard(environment: str, panels: list[tuple[dict[str, Any], int, int, int, int]]) -> dict[str, Any]:
    placed = [
        {
            "type": one["type"],
            "panelIndex": str(index),
            "gridData": {"x": x, "y": y, "w": w, "h": h, "i": str(index)},
            "embeddableConfig": {},
            "panelRefName": f"panel_{index}",
        }
        for index, (one, x, y, w, h) in enumerate(panels)
    ]
    return {
        "id": f"{environment}-dashboard",
        "type": "dashboard",
        "typeMigrationVersion": "8.9.0",
        "coreMigrationVersion": "8.8.0",
        "attributes": {
            "title": f"{environment}: errors and slow services",
            "description": "Errors by service over time, the slowest services, and the errors themselves.",
            "panelsJSON": json.dumps(placed),
            "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
            "timeRestore": True,
            "timeFrom": "now-24h",
            "timeTo": "now",
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps({"query": _query(""), "filter": []})},
        },
        "references": [
            {"name": f"{index}:panel_{index}", "type": one["type"], "id": one["id"]}
            for index, (one, *_) in enumerate(panels)
        ],
    }


def _saved(
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
