"""Typed fields of an event: its slot and image, and those of a request: trace, status, duration.

Only what can be counted by, compared or searched for by itself; all other fields of a JSON line are under `json`. A
value that has not the shape of its field is left out: Elasticsearch would reject the whole event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.logging.fluentd.syntax import Section, filter_, parsed_by, section
from contract import labels


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field, and where its value is found.

    Attributes:
        name: Name of the field.
        paths: Paths into the event, in order of precedence.
        shape: Regular expression of a value, without slashes; it matches the whole value.
        type: Type in Fluentd's words; text, if empty.
    """

    name: str
    paths: Sequence[Sequence[str]]
    shape: str
    type: str = ""


def _json(*keys: str) -> list[tuple[str, str]]:
    return [("json", key) for key in keys]


OF_REQUEST = (
    Field(
        name="trace_id",
        paths=_json("trace_id", "traceId", "trace.id", "dd.trace_id", "traceID", "TraceId"),
        shape=r"[0-9A-Za-z-]{8,64}",
    ),
    Field(
        name="request_id",
        paths=_json("request_id", "requestId", "http.request.id", "x-request-id", "correlation_id", "correlationId"),
        shape=r"[\w.:+=\/@-]{1,128}",
    ),
    Field(
        name="status",
        paths=_json("status", "status_code", "statusCode", "http.response.status_code", "http_status", "httpStatus"),
        shape=r"[1-5]\d\d",
        type="integer",
    ),
    Field(
        name="duration_ms",
        paths=_json("duration_ms", "durationMs", "elapsed_ms", "elapsedMs", "responseTime", "took_ms"),
        shape=r"\d{1,12}(?:\.\d{1,15})?",
        type="float",
    ),
    Field(name="method", paths=_json("method", "http.request.method", "http_method"), shape=r"[A-Z]{3,10}"),
    Field(
        name="path",
        paths=_json("path", "url.path", "uri", "request_uri", "route", "url"),
        shape=r"\/[^\s?#]{0,512}",
    ),
    Field(name="version", paths=_json("version", "service.version", "app_version"), shape=r"[\w.+-]{1,64}"),
)
"""Fields that a service logs, by the names of OpenTelemetry, Spring, pino and nginx.

https://opentelemetry.io/docs/specs/semconv/general/logs/
"""

ACCESS = (
    r'/"(?<method>[A-Z]{3,10}) (?<path>\/[^\s?#"]{0,512})[^\s"]{0,8192} HTTP\/\d(?:\.\d)?" '
    r"(?<status>[1-5]\d\d)(?= |\z)/"
)
"""An access line in the Common Log Format, as nginx and Uvicorn write it."""

OF_POD = (
    Field(name="slot", paths=[("kubernetes", "labels", labels.SLOT)], shape=r"blue|green"),
    Field(
        name="image_digest",
        paths=[("kubernetes", "container_image")],
        shape=r"[^\s@]{1,512}@(?<image_digest>sha256:[0-9a-f]{64})",
    ),
)
"""Fields that Kubernetes knows of the pod: which slot, and which image, a release's digest."""


def of_request() -> list[Section]:
    """The filters that add `OF_REQUEST`; a field of a JSON object precedes one of an access line."""
    return [parsed_by(ACCESS, types="status:integer"), *_typed(OF_REQUEST)]


def of_pod() -> list[Section]:
    """The filters that add `OF_POD`, after those of Kubernetes' metadata."""
    return _typed(OF_POD)


def _typed(fields: Sequence[Field]) -> list[Section]:
    given = {field.name: f"given_{field.name}" for field in fields}
    values = {given[field.name]: f"${{({_first(field.paths)}).to_s}}" for field in fields}
    return [
        filter_("record_modifier", {}, section("record", values)),
        *(
            parsed_by(
                f"/{_whole(field)}/",
                key=given[field.name],
                types=f"{field.name}:{field.type}" if field.type else "",
            )
            for field in fields
        ),
        filter_("record_modifier", {"remove_keys": ",".join(given.values())}),
    ]


def _first(paths: Sequence[Sequence[str]]) -> str:
    return " || ".join("record.dig({})".format(", ".join(f'"{name}"' for name in path)) for path in paths)


def _whole(field: Field) -> str:
    """The expression of a whole value; a shape with a group of the field's name takes that part only."""
    group = f"(?<{field.name}>"
    return rf"\A{field.shape}\z" if group in field.shape else rf"\A{group}{field.shape})\z"
