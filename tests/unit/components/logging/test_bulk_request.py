"""Fluentd's bulk requests have headers that Elasticsearch accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import versions
from tests.unit.components.logging.bulk_request import MAJOR, NEWLINE_JSON, Headers, answer, headers
from tests.unit.components.logging.test_fluentd import OUTPUTS, output

HEADS: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parent / "cases" / "bulk_requests.yaml").read_text("utf-8")
)


def recorded(name: str) -> Headers:
    """The headers with media types of a recorded request."""
    headers = (line.split(": ", 1) for line in HEADS[name][1:])
    return [(header, value) for header, value in headers if header.lower() in ("accept", "content-type")]


@pytest.mark.parametrize("identity", OUTPUTS)
def test_the_server_takes_what_fluentd_sends(identity: str) -> None:
    sent = headers(output(identity).parameters)
    assert sorted(sent) == sorted(recorded("as configured"))
    assert answer(sent) == (200, {"errors": False}), sent


def test_the_plugin_and_the_server_are_of_one_major_version() -> None:
    assert versions.ELASTIC.split(".")[0] == str(MAJOR)
    assert f"elasticsearch{MAJOR}-" in versions.FLUENTD_IMAGE


def test_without_type_names_the_plugin_sends_two_values_and_every_request_is_refused() -> None:
    sent = headers({**output("events").parameters, "suppress_type_name": "true"})
    assert sorted(sent) == sorted(recorded("with suppress_type_name"))
    status, body = answer(sent)
    assert status == 400
    assert "Incorrect header [Accept]. Only one value should be provided" in json.dumps(body)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (recorded("with suppress_type_name"), "Only one value should be provided"),
        ([("Content-Type", NEWLINE_JSON)], "A compatible version is required on both"),
        ([("Accept", "*/*"), ("Content-Type", NEWLINE_JSON)], "A compatible version is required on both"),
        (
            [(name, NEWLINE_JSON.replace("9", "10")) for name in ("Accept", "Content-Type")],
            "Accept version must be either version 9 or 8, but found 10",
        ),
    ],
)
def test_what_the_server_refuses_it_refuses_with_its_reason(request_: Headers, reason: str) -> None:
    status, body = answer(request_)
    assert (status, body["error"]["type"]) == (400, "media_type_header_exception")
    assert reason in body["error"]["caused_by"]["reason"]


def test_the_server_takes_plain_types_as_well() -> None:
    assert answer([("Accept", "*/*"), ("Content-Type", "application/x-ndjson")])[0] == 200
