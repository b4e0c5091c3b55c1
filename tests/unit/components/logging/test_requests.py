"""Slot, image, trace, status and duration of an event are fields of their own type."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.logging.bootstrap.job.elasticsearch import PROPERTIES
from components.logging.fluentd.requests import OF_POD, OF_REQUEST
from tests.unit.components.logging.fluentd_emulator import Fluentd
from tests.unit.components.logging.golden_lines import TEXT, content, file_name

DIGEST = f"sha256:{'0a' * 32}"
POD = {"labels": {"slot": "green"}, "container_image": f"registry.example.com/hello/api@{DIGEST}"}
TYPES = {"integer": "short", "float": "double", "": "keyword"}


def event(line: str, pod: dict[str, Any] | None = None) -> dict[str, Any]:
    case = {"log": [line]}
    path = f"/var/log/pods/{file_name(0, case)}"
    (found,) = Fluentd(TEXT, pod=POD if pod is None else pod).read(path, content(case))
    return found


def fields(line: str) -> dict[str, Any]:
    found = event(line)
    return {field.name: found[field.name] for field in OF_REQUEST if field.name in found}


@pytest.mark.parametrize("field", [*OF_POD, *OF_REQUEST], ids=lambda field: field.name)
def test_each_field_has_its_type_in_the_index(field: Any) -> None:
    assert PROPERTIES[field.name]["type"] == TYPES[field.type]


def test_an_event_has_the_slot_and_the_image_of_its_pod() -> None:
    found = event("started")
    assert (found["slot"], found["image_digest"]) == ("green", DIGEST)


@pytest.mark.parametrize("pod", [{}, {"labels": {}}, {"labels": {"slot": "red"}, "container_image": "nginx:1.29"}])
def test_a_pod_without_a_slot_has_none(pod: dict[str, Any]) -> None:
    assert not {"slot", "image_digest"} & set(event("started", pod))


def test_what_a_service_says_of_its_slot_is_not_believed() -> None:
    found = event('{"slot":"blue","image_digest":"x","kubernetes":{"labels":{"slot":"blue"}}}')
    assert (found["slot"], found["image_digest"]) == ("green", DIGEST)


@pytest.mark.parametrize(
    ("logged", "name", "value"),
    [
        ({"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}, "trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ({"traceId": "00f067aa0ba902b7"}, "trace_id", "00f067aa0ba902b7"),
        ({"trace.id": "00f067aa0ba902b7"}, "trace_id", "00f067aa0ba902b7"),
        ({"requestId": "a-1"}, "request_id", "a-1"),
        ({"status": 500}, "status", 500),
        ({"status": "404"}, "status", 404),
        ({"http.response.status_code": 200}, "status", 200),
        ({"duration_ms": 12.5}, "duration_ms", 12.5),
        ({"responseTime": 3}, "duration_ms", 3.0),
        ({"path": "/api/search?q=1"}, "path", None),
        ({"url.path": "/api/search"}, "path", "/api/search"),
        ({"method": "GET"}, "method", "GET"),
        ({"version": "1.2.3"}, "version", "1.2.3"),
        ({"status": "ok"}, "status", None),
        ({"status": {"code": 500}}, "status", None),
        ({"status": 99999}, "status", None),
        ({"duration_ms": "long"}, "duration_ms", None),
        ({"trace_id": ["a"]}, "trace_id", None),
        ({"trace_id": None, "traceId": "00f067aa0ba902b7"}, "trace_id", "00f067aa0ba902b7"),
        ({"request": {"trace_id": "00f067aa0ba902b7"}}, "trace_id", None),
    ],
)
def test_a_value_of_the_right_shape_is_a_field_and_another_is_none(
    logged: dict[str, Any], name: str, value: object
) -> None:
    assert fields(json.dumps(logged)) == ({} if value is None else {name: value})


def test_an_access_line_has_method_path_and_status() -> None:
    line = '10.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "GET /api/search?q=1 HTTP/1.1" 502 157 "-" "curl/8"'
    assert fields(line) == {"method": "GET", "path": "/api/search", "status": 502}
    assert fields('INFO:     10.0.0.1:1 - "POST /api/orders HTTP/1.1" 201 Created')["status"] == 201
    assert fields('"GET / HTTP/1.1" ok') == {}
