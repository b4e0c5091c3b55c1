"""Kibana's saved objects and documented queries: valid for Kibana, and over fields of the index template."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.logging.bootstrap.job import kibana
from components.logging.bootstrap.job.elasticsearch import PROPERTIES
from release.announcements import Announcement, Kind
from tests.unit.components.logging.bootstrap.kuery import field, matches
from tests.unit.components.logging.golden_lines import CASES, emulated, message
from tests.unit.program import CHECKOUT
from tools.program.graph import every

ENVIRONMENTS = ("dev", "prod", "platform")
OBJECTS = every(one for environment in ENVIRONMENTS for one in kibana.saved_objects(environment))

KNOWN: dict[str, tuple[tuple[int, int, int], set[str]]] = {
    "search": ((8, 8, 0), {"title", "description", "columns", "sort", "kibanaSavedObjectMeta"}),
    "visualization": (
        (8, 8, 0),
        {"title", "description", "version", "kibanaSavedObjectMeta", "uiStateJSON", "visState", "savedSearchRefName"},
    ),
    "lens": ((8, 9, 0), {"title", "description", "visualizationType", "state", "references"}),
    "dashboard": (
        (8, 9, 0),
        {
            *("title", "description", "kibanaSavedObjectMeta", "timeRestore", "timeFrom", "timeTo", "refreshInterval"),
            *("controlGroupInput", "panelsJSON", "optionsJSON", "hits", "version"),
        },
    ),
}
"""The version of each type's first schema, and its attributes: Kibana refuses others, and migrates from there.

https://github.com/elastic/kibana: `src/platform/plugins/shared/{saved_search,visualizations,dashboard}/server`,
`x-pack/platform/plugins/shared/lens/server`
"""


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one["id"])
def test_kibana_knows_its_type_and_each_of_its_attributes(one: dict[str, Any]) -> None:
    version, attributes = KNOWN[one["type"]]
    assert {"title"} <= set(one["attributes"]) <= attributes
    assert tuple(int(part) for part in one["typeMigrationVersion"].split(".")) <= version


LENS = [one for one in OBJECTS if one["type"] == "lens"]
OTHERS = [one for one in OBJECTS if one["type"] != "lens"]


@pytest.mark.parametrize("one", OTHERS, ids=lambda one: one["id"])
def test_it_refers_to_what_it_names_and_the_other_way_round(one: dict[str, Any]) -> None:
    source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    panels = json.loads(one["attributes"].get("panelsJSON", "[]"))
    named = [f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in panels]
    assert [reference["name"] for reference in one["references"]] == [
        *([source["indexRefName"]] if "indexRefName" in source else []),
        *named,
    ]


@pytest.mark.parametrize("one", LENS, ids=lambda one: one["id"])
def test_each_layer_of_a_chart_has_a_data_view_and_each_column_is_there(one: dict[str, Any]) -> None:
    """Lens finds a layer's data view by the reference's name.

    https://github.com/elastic/kibana: `x-pack/platform/plugins/shared/lens/public/visualizations/xy/state_helpers.ts`
    """
    state = one["attributes"]["state"]
    ((identity, layer),) = state["datasourceStates"]["formBased"]["layers"].items()
    data, annotations = state["visualization"]["layers"]
    assert (data["layerId"], data["layerType"], annotations["layerType"]) == (identity, "data", "annotations")
    assert {reference["name"] for reference in one["references"]} == {
        f"indexpattern-datasource-layer-{identity}",
        f"xy-visualization-layer-{annotations['layerId']}",
    }
    drawn = [data["xAccessor"], data["splitAccessor"], *data["accessors"]]
    assert drawn == layer["columnOrder"] == list(layer["columns"])


@pytest.mark.parametrize("one", LENS, ids=lambda one: one["id"])
def test_every_field_of_a_chart_is_in_the_index_template(one: dict[str, Any]) -> None:
    state = one["attributes"]["state"]
    matches(state["query"]["query"], {})
    ((_, layer),) = state["datasourceStates"]["formBased"]["layers"].items()
    kinds = {"date_histogram": "date", "terms": "keyword", "percentile": "double"}
    for column in layer["columns"].values():
        if column["operationType"] in kinds:
            kind, _ = field(column["sourceField"], {})
            assert kind["type"] == kinds[column["operationType"]]


@pytest.mark.parametrize("one", LENS, ids=lambda one: one["id"])
def test_the_chart_has_an_annotation_of_one_kind_for_each_event_of_a_release(one: dict[str, Any]) -> None:
    layer = one["attributes"]["state"]["visualization"]["layers"][1]
    assert layer["ignoreGlobalFilters"], "a filter by service hides no release"

    def shown(event: dict[str, Any]) -> list[str]:
        return [it["id"] for it in layer["annotations"] if matches(it["filter"]["query"], event)]

    for kind in Kind:
        line = Announcement(kind, "prod", "api", "blue", "api: something", "id").to_json()
        assert shown(line) == ["failures" if kind is Kind.FAILED else "releases"]
    assert shown({"message": "release 4711"}) == []
    for it in layer["annotations"]:
        assert field(it["textField"], {})[0]["type"] == "keyword"


@pytest.mark.parametrize("one", [one for one in OTHERS if one["type"] != "dashboard"], ids=lambda one: one["id"])
def test_every_field_of_it_is_in_the_index_template(one: dict[str, Any]) -> None:
    attributes = one["attributes"]
    source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    matches(source["query"]["query"], {})
    aggregations = json.loads(attributes.get("visState", '{"aggs": []}'))["aggs"]
    for aggregation in aggregations:
        if "field" in aggregation["params"]:
            kind, _ = field(aggregation["params"]["field"], {})
            assert kind["type"] in {"date", "double", "keyword"}, "it cannot be counted by"
    for name in attributes.get("columns", []):
        field(name, {})


SHOWN: dict[str, set[str]] = {
    "Errors by slot over time": {"@timestamp", "slot"},
    "Duration by slot over time": {"@timestamp", "slot", "duration_ms"},
    "Errors by service over time": {"@timestamp", "kubernetes.container_name"},
    "Duration by slot and image": {"duration_ms", "slot", "image_digest"},
    "Slowest services": {"duration_ms", "kubernetes.container_name"},
    "Slowest paths": {"duration_ms", "path"},
}
"""The charts of a dashboard, in order, and the fields of each."""


def fields_of(chart: dict[str, Any]) -> set[str]:
    """The fields that a chart or a table counts."""
    attributes = chart["attributes"]
    if chart["type"] == "lens":
        (layer,) = attributes["state"]["datasourceStates"]["formBased"]["layers"].values()
        return {one["sourceField"] for one in layer["columns"].values()} - {"___records___"}
    aggregations = json.loads(attributes["visState"])["aggs"]
    assert len({one["id"] for one in aggregations}) == len(aggregations)
    return {one["params"]["field"] for one in aggregations if "field" in one["params"]}


def test_each_environments_dashboard_compares_slots_services_and_paths_and_shows_the_errors() -> None:
    for environment in ENVIRONMENTS:
        by_id = {one["id"]: one for one in kibana.saved_objects(environment)}
        dashboard = by_id[f"{environment}-dashboard"]
        *charts, errors = (by_id[reference["id"]] for reference in dashboard["references"])
        assert errors["attributes"]["title"] == f"Errors of {environment}"
        assert {one["attributes"]["title"]: fields_of(one) for one in charts} == {
            f"{title}, {environment}": fields for title, fields in SHOWN.items()
        }
        panels = json.loads(dashboard["attributes"]["panelsJSON"])
        cells = [
            (x, y)
            for grid in (panel["gridData"] for panel in panels)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        ]
        assert len(cells) == len({*cells}), "no panel is upon another"


def test_a_request_is_found_across_services_by_its_trace() -> None:
    (search,) = (one for one in kibana.saved_objects("prod") if one["id"] == "prod-trace")
    query = json.loads(search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    assert search["attributes"]["sort"] == [["@timestamp", "asc"]]
    assert matches(f"{query} and trace_id : 4711", {"trace_id": "4711"})
    assert not matches(f"{query} and trace_id : 4711", {"trace_id": "12"})
    assert not matches(query, {"message": "no trace"})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_saved_search_finds_the_errors_of_the_golden_lines_and_nothing_else(case: dict[str, Any]) -> None:
    assert sorted(one["message"] for one in emulated(case) if matches(kibana.ERRORS, one)) == sorted(
        message(one["message"]) for one in case["events"] if one.get("error")
    )


def documented(document: str) -> list[str]:
    """The KQL queries in a document."""
    text = (CHECKOUT / document).read_text(encoding="utf-8")
    return [one for one in re.findall(r"`([^`\n]+)`", text) if re.match(r"[\w.]+ : \S", one)]


def test_every_documented_query_names_fields_that_there_are() -> None:
    for query in every(documented("docs/logs.md"), "query"):
        matches(query, {})


def test_the_documented_query_finds_the_errors_of_one_service_and_no_others() -> None:
    query = next(one for one in documented("docs/logs.md") if one.startswith("service : api"))
    for level, service, is_found in (
        ("ERROR", "api", True),
        ("fatal", "api", True),
        ("INFO", "api", False),
        ("ERROR", "ai", False),
    ):
        assert matches(query, {"level": level, "kubernetes": {"container_name": service}}) is is_found


def test_a_query_over_a_field_that_there_is_not_is_noticed() -> None:
    assert "container" not in PROPERTIES
    with pytest.raises(KeyError):
        matches("container : api", {})
