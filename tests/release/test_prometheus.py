"""An analysis by queries of a real Prometheus, which scrapes the test's metrics."""

from __future__ import annotations

import math
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from release.analysis.course import Comparison, Course
from release.analysis.judgement import Verdict
from release.analysis.prometheus import Prometheus
from release.analysis.result import Result
from release.analysis.settings import Analysis, Metric
from release.analysis.sources import SourceError, window_until
from release.clock import SystemClock
from tests import programs
from tests.http_server import Answer, Request, answering

NAMES = {"environment": "dev", "service": "shop"}
SELECTOR = 'namespace="{environment}", service="{service}", slot="{slot}"'
REQUESTS = f"sum(increase(http_requests_total{{{SELECTOR}}}[{{seconds}}s]))"
ALL_PATHS = (
    f"sum(rate(seconds_sum{{{SELECTOR}}}[{{seconds}}s])) / sum(rate(http_requests_total{{{SELECTOR}}}[{{seconds}}s]))"
)
CHECKOUT = ALL_PATHS.replace('slot="{slot}"', 'slot="{slot}", path="/checkout"')

PER_SECOND = 50
"""Requests of each slot; one in a hundred is for /checkout."""


def exported(latency: Callable[[str, str], float], seconds: float) -> str:
    """The counters of both slots after some seconds of traffic, in the text format of metrics."""
    lines: list[str] = []
    for slot in ("blue", "green"):
        for path, share in (("/", 0.99), ("/checkout", 0.01)):
            labels = f'namespace="dev",service="shop",slot="{slot}",path="{path}"'
            count = PER_SECOND * share * seconds
            lines.append(f"http_requests_total{{{labels}}} {count}")
            lines.append(f"seconds_sum{{{labels}}} {count * latency(slot, path)}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A Prometheus that scrapes once a second; slot green is slow for /checkout alone."""
    program = programs.find(programs.PROMETHEUS)
    if program is None:
        pytest.skip("prometheus is not built: build it with `.venv/bin/python -m tests.programs`")
    began = time.monotonic()

    def metrics(_: Request) -> Answer:
        text = exported(
            lambda slot, path: 0.9 if (slot, path) == ("green", "/checkout") else 0.1, time.monotonic() - began
        )
        return Answer(200, text.encode(), "text/plain; version=0.0.4")

    with answering(metrics) as exporter, serving(program, exporter, tmp_path_factory.mktemp("prometheus")) as address:
        yield address


@pytest.fixture(scope="module")
def warm(url: str) -> str:
    """The same after enough scrapes for a rate over ten seconds."""
    source = prometheus(url, Metric("up", "count(http_requests_total offset 12s)", maximum=1))
    deadline = time.monotonic() + 60
    while source.read("green", window_until(source.now(), 10, grid=1), live=True).value("up") is None:
        assert time.monotonic() < deadline, "Prometheus scrapes nothing"
        time.sleep(0.5)
    return url


class serving:  # noqa: N801 - used like a function
    """A running Prometheus, until the block is left."""

    def __init__(self, program: Path, exporter: str, folder: Path) -> None:
        scrape = {"job_name": "shop", "static_configs": [{"targets": [exporter.removeprefix("http://")]}]}
        configuration = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._command = [
            str(program),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        self._log = folder / "log"

    def __enter__(self) -> str:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        url, deadline = f"http://127.0.0.1:{self._port}", time.monotonic() + 60
        while True:
            try:
                prometheus(url).now()
            except SourceError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.2)
            else:
                return url

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


def analysis(*metrics: Metric, requests: str | None = REQUESTS, least: int = 100) -> Analysis:
    return Analysis(metrics, seconds=10, limit_seconds=25, min_requests=least, requests_query=requests)


def prometheus(
    url: str, *metrics: Metric, requests: str | None = REQUESTS, names: Mapping[str, str] = NAMES
) -> Prometheus:
    return Prometheus(url, analysis(*metrics, requests=requests), names)


def analyzed(url: str, asked: Analysis, *, weight: int) -> Result:
    clock = SystemClock()
    comparison = Comparison(slot="green", old="blue", weight=weight, started=clock.now())
    source = Prometheus(url, asked, NAMES)
    course = Course(asked, comparison, [source], now=clock.now, monotonic=clock.monotonic)
    while (result := course.look()) is None:
        time.sleep(0.5)
    return result


def test_a_version_that_is_slow_for_one_path_only_fails_by_the_query_of_that_path(warm: str) -> None:
    result = analyzed(warm, analysis(Metric("checkout", CHECKOUT, maximum_of_old=1.5)), weight=10)
    assert result.verdict is Verdict.FAILED, result
    assert result.reason == "checkout is 0.9, and may be at most 0.15, as the old version has 0.1"
    # What users saw of it: about 50 requests a second, of at least five seconds.
    assert PER_SECOND * 4 <= result.requests <= PER_SECOND * 11
    (finding,) = result.findings
    assert (finding.new, finding.old) == (pytest.approx(0.9, abs=0.01), pytest.approx(0.1, abs=0.01))


def test_over_all_paths_it_does_not_show(warm: str) -> None:
    result = analyzed(warm, analysis(Metric("mean", ALL_PATHS, maximum_of_old=1.5)), weight=100)
    assert result.verdict is Verdict.PASSED, result
    assert result.seconds >= 10
    assert result.findings[0].new == pytest.approx(0.108, abs=0.005)


def test_too_few_requests_of_that_path_are_no_verdict(warm: str) -> None:
    requests = REQUESTS.replace('slot="{slot}"', 'slot="{slot}", path="/checkout"')
    asked = analysis(Metric("checkout", CHECKOUT, maximum_of_old=1.5), requests=requests)
    result = analyzed(warm, asked, weight=10)
    assert result.verdict is Verdict.UNDECIDED
    assert result.reason.startswith("no verdict within 25 s: too few requests: ")


@pytest.mark.parametrize("nothing", ["vector(0) / 0", "sum(no_such_metric)", "rate(http_requests_total[1s])"])
def test_no_data_and_nan_are_no_value(warm: str, nothing: str) -> None:
    source = prometheus(warm, Metric("nothing", nothing, maximum=1), requests=nothing)
    reading = source.read("green", window_until(source.now(), 10, grid=1), live=True)
    assert reading.value("nothing") is None
    assert reading.requests == 0


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("http_requests_total", "results in 4 numbers: aggregate them"),
        ("http_requests_total[1m]", "results in a matrix"),
        ("sum(", "refuses the query sum\\(: .*parse error"),
    ],
)
def test_a_query_that_is_not_one_number_is_refused(warm: str, query: str, said: str) -> None:
    source = prometheus(warm, Metric("bad", query, maximum=1))
    with pytest.raises(SourceError, match=said):
        source.read("green", window_until(source.now(), 10, grid=1), live=True)


def test_times_are_those_of_prometheus(warm: str) -> None:
    """A window of the past: the counters' growth in it, whatever has been counted since."""
    source = prometheus(
        warm, Metric("then", "sum(http_requests_total) - sum(http_requests_total offset {seconds}s)", minimum=1)
    )
    assert abs(source.now() - datetime.now(UTC)) < timedelta(seconds=5)
    window = window_until(source.now() - timedelta(seconds=3), 5, grid=1)
    value = source.read("green", window, live=True).value("then")
    assert value is not None
    assert math.isclose(value, 2 * PER_SECOND * 5, rel_tol=0.3)
