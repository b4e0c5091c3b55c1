"""Charts of Lens: a value over time, a line or a stack for each value of a field, with the releases as annotations.

The form of the saved object is that of Kibana's own sample data.
https://github.com/elastic/kibana/blob/v9.1.0/src/platform/plugins/shared/home/server/services/sample_data/data_sets/logs/saved_objects.ts
"""

from __future__ import annotations

from typing import Any

DATA, RELEASES = "data", "releases"
"""Ids of the layers."""

ANNOTATIONS = (
    ("releases", "Release", "release_event : (started or switched or released)", "#0b64dd", "flag"),
    ("failures", "Release failed", "release_event : failed", "#bd271e", "alert"),
)
"""Id, label, KQL query, colour and icon of each kind of annotation."""

TIME, VALUE, GROUP = "time", "value", "group"
"""Ids of the columns."""

COUNT: dict[str, Any] = {
    "label": "Number of events",
    "dataType": "number",
    "operationType": "count",
    "sourceField": "___records___",
    "isBucketed": False,
    "scale": "ratio",
    "params": {"emptyAsNull": True},
}
"""The number of events."""


def percentile(field: str, percent: int) -> dict[str, Any]:
    """A percentile of a field."""
    return {
        "label": f"{percent}th percentile of {field}",
        "dataType": "number",
        "operationType": "percentile",
        "sourceField": field,
        "isBucketed": False,
        "scale": "ratio",
        "params": {"percentile": percent},
    }


def chart(
    identity: str, title: str, *, value: dict[str, Any], by: str, size: int, series: str, query: str, data_view: str
) -> dict[str, Any]:
    """The saved object of a chart.

    Args:
        identity: Id of the saved object.
        title: Title.
        value: The column of the value: `COUNT` or `percentile`.
        by: Field whose values have a line, or a part of a stack, each.
        size: Number of these values, the largest first.
        series: `line` or `bar_stacked`.
        query: KQL query of the events.
        data_view: Id of the data view.
    """
    columns = {TIME: _over_time(), GROUP: _by(by, size), VALUE: value}
    layer = {"columns": columns, "columnOrder": [TIME, GROUP, VALUE], "incompleteColumns": {}}
    data = {
        "layerId": DATA,
        "layerType": "data",
        "seriesType": series,
        "xAccessor": TIME,
        "splitAccessor": GROUP,
        "accessors": [VALUE],
    }
    annotations = {
        "layerId": RELEASES,
        "layerType": "annotations",
        # A release stays where it is when a person filters by service or level.
        "ignoreGlobalFilters": True,
        "annotations": [_annotation(*one) for one in ANNOTATIONS],
    }
    state: dict[str, Any] = {
        "visualization": {
            "legend": {"isVisible": True, "position": "right"},
            "preferredSeriesType": series,
            "layers": [data, annotations],
        },
        "query": {"query": query, "language": "kuery"},
        "filters": [],
        "datasourceStates": {"formBased": {"layers": {DATA: layer}}},
        "internalReferences": [],
        "adHocDataViews": {},
    }
    names = (f"indexpattern-datasource-layer-{DATA}", f"xy-visualization-layer-{RELEASES}")
    return {
        "id": identity,
        "type": "lens",
        "typeMigrationVersion": "8.9.0",
        "coreMigrationVersion": "8.8.0",
        "attributes": {"title": title, "description": "", "visualizationType": "lnsXY", "state": state},
        "references": [{"name": name, "type": "index-pattern", "id": data_view} for name in names],
    }


def _over_time() -> dict[str, Any]:
    return {
        "label": "@timestamp",
        "dataType": "date",
        "operationType": "date_histogram",
        "sourceField": "@timestamp",
        "isBucketed": True,
        "scale": "interval",
        "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
    }


def _by(field: str, size: int) -> dict[str, Any]:
    params = {
        "size": size,
        "orderBy": {"type": "column", "columnId": VALUE},
        "orderDirection": "desc",
        "otherBucket": False,
        "missingBucket": False,
        "parentFormat": {"id": "terms"},
    }
    return {
        "label": field,
        "dataType": "string",
        "operationType": "terms",
        "sourceField": field,
        "isBucketed": True,
        "scale": "ordinal",
        "params": params,
    }


def _annotation(identity: str, label: str, query: str, colour: str, icon: str) -> dict[str, Any]:
    return {
        "type": "query",
        "id": identity,
        "label": label,
        "key": {"type": "point_in_time"},
        "timeField": "@timestamp",
        "textVisibility": True,
        "textField": "release",
        "color": colour,
        "icon": icon,
        "lineStyle": "solid",
        "lineWidth": 1,
        "filter": {"type": "kibana_query", "query": query, "language": "kuery"},
    }
