"""Metrics by queries of Prometheus.

By its HTTP API alone: the only client library on PyPI, `prometheus-api-client`, brings pandas and matplotlib along, for
one request. https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kube.client import error_reason
from release.analysis.judgement import Reading
from release.analysis.settings import Analysis
from release.analysis.sources import SourceError, Window

REQUEST_SECONDS = 10
"""Time limit of a query."""


class Prometheus:
    """The metrics of one service, by the queries of its analysis.

    In a query `{slot}`, `{service}`, `{environment}` and `{seconds}`, the length of the window, are replaced. Its
    result is one number; none, or NaN, means that there is no value.

    Args:
        url: URL of Prometheus.
        analysis: The analysis.
        names: Values of `service` and `environment`.
    """

    grid = 5
    delay = 0

    def __init__(self, url: str, analysis: Analysis, names: Mapping[str, str]) -> None:
        import urllib3  # noqa: PLC0415 - slow to import

        self._url = f"{url.rstrip('/')}/api/v1/query"
        self._analysis = analysis
        self._names = names
        self._pool = urllib3.PoolManager(retries=urllib3.Retry(connect=2, read=0, redirect=0, backoff_factor=0.5))
        self._errors = urllib3.exceptions.HTTPError

    def now(self) -> datetime:
        """The time by the clock of Prometheus."""
        found = self._number("time()", at=None)
        if found is None:
            raise SourceError(f"{self._url} does not say what time it is")
        return datetime.fromtimestamp(found, UTC)

    def read(self, slot: str, window: Window, *, live: bool) -> Reading:  # noqa: ARG002 - queries name the slot
        """The results of all queries, and the number of requests where there is a query for it."""
        words = {**self._names, "slot": slot, "seconds": str(window.seconds)}
        values = {
            name: self._number(filled(query, words), at=window.end) for name, query in self._analysis.queries.items()
        }
        counted = self._analysis.requests_query
        requests = self._number(filled(counted, words), at=window.end) if counted else None
        reading = Reading(values={name: value for name, value in values.items() if value is not None})
        # A sum over no request is no sample, or NaN: `int` refuses that.
        return reading if requests is None or requests != requests else Reading(int(requests), reading.values)  # noqa: PLR0124

    def _number(self, query: str, *, at: datetime | None) -> float | None:
        fields = {"query": query, "timeout": f"{REQUEST_SECONDS}s"}
        fields |= {} if at is None else {"time": str(at.timestamp())}
        try:
            response = self._pool.request(
                "POST", self._url, fields=fields, encode_multipart=False, timeout=REQUEST_SECONDS + 2.0
            )
            body: dict[str, Any] = json.loads(response.data)
        except self._errors as error:
            raise SourceError(f"Prometheus at {self._url}: {error_reason(error)}") from None
        except ValueError:
            raise SourceError(f"{self._url} is no Prometheus: its answer is no JSON") from None
        if body.get("status") != "success":
            raise SourceError(f"Prometheus refuses the query {query}: {body.get('error', response.status)}")
        return single(body["data"], query)


def filled(query: str, words: Mapping[str, str]) -> str:
    """A query with its placeholders replaced; other braces are PromQL's."""
    for name, value in words.items():
        query = query.replace(f"{{{name}}}", value)
    return query


def single(data: Mapping[str, Any], query: str) -> float | None:
    """The number of an instant query's result; None if there is no sample.

    Raises:
        SourceError: It has several samples, or is none of a scalar and a vector.
    """
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return float(result[1])
    if kind != "vector":
        raise SourceError(f"the query {query} results in a {kind}: it must be one number")
    if len(result) > 1:
        raise SourceError(f"the query {query} results in {len(result)} numbers: aggregate them, for example with sum()")
    # A native histogram as a result has `histogram` instead of `value`.
    if result and "value" not in result[0]:
        raise SourceError(f"the query {query} results in a histogram: it must be one number")
    return float(result[0]["value"][1]) if result else None
