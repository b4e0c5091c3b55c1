"""What a query's result means; `tests/release/test_prometheus.py` has a real server."""

from __future__ import annotations

import json

import pytest

from release.analysis.prometheus import Prometheus, filled, single
from release.analysis.settings import Analysis, Metric
from release.analysis.sources import SourceError
from tests.http_server import Answer, answering

ANALYSIS = Analysis((Metric("p95", "up", maximum=1),), seconds=60, limit_seconds=300, min_requests=1)


def test_placeholders_are_replaced_and_promqls_braces_stay() -> None:
    query = (
        'sum(rate(requests_total{slot="{slot}", namespace="{environment}"}[{seconds}s])) / count({service}_up{a="b"})'
    )
    words = {"slot": "green", "environment": "dev", "seconds": "120", "service": "api"}
    assert (
        filled(query, words) == 'sum(rate(requests_total{slot="green", namespace="dev"}[120s])) / count(api_up{a="b"})'
    )


VALUES = """
{"resultType": "vector", "result": [{"metric": {}, "value": [1.5, "0.25"]}]}  -> 0.25
{"resultType": "scalar", "result": [1.5, "7"]}                                -> 7.0
{"resultType": "vector", "result": []}                                        -> None
{"resultType": "scalar", "result": [1.5, "NaN"]}                              -> nan
"""
REFUSED = """
{"resultType": "vector", "result": [{"value": [1, "1"]}, {"value": [1, "2"]}]} -> 2 numbers: aggregate them
{"resultType": "matrix", "result": []}                                         -> results in a matrix
{"resultType": "string", "result": [1, "a"]}                                   -> results in a string
{"resultType": "vector", "result": [{"histogram": [1, {}]}]}                   -> results in a histogram
"""


def lines(table: str) -> list[list[str]]:
    return [[part.strip() for part in line.split("->")] for line in table.strip().splitlines()]


@pytest.mark.parametrize(("data", "value"), lines(VALUES))
def test_the_number_of_a_result(data: str, value: str) -> None:
    assert str(single(json.loads(data), "up")) == value


@pytest.mark.parametrize(("data", "said"), lines(REFUSED))
def test_what_is_not_one_number_is_refused(data: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        single(json.loads(data), "up")


def test_nobody_at_the_address() -> None:
    with pytest.raises(SourceError, match="Prometheus at http://127"):
        Prometheus("http://127.0.0.1:1/", ANALYSIS, {}).now()


def test_another_server_at_the_address() -> None:
    with answering(lambda _: Answer(200, b"<html>")) as url, pytest.raises(SourceError, match="no Prometheus"):
        Prometheus(url, ANALYSIS, {}).now()
