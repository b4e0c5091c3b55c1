"""What a service's analysis measures, and within which bounds: the annotation of its PodTemplate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SUCCESS_RATE = "successRate"
QUANTILES = ("p50", "p90", "p95", "p99")
ABORT = "abort"


@dataclass(frozen=True)
class Metric:
    """A number to measure, and its bounds.

    Attributes:
        name: `successRate`, `p50`, `p90`, `p95`, `p99`; with a query any name.
        query: PromQL with one number as its result; None for a metric of the load balancer's.
        minimum: Smallest value that is accepted.
        maximum: Largest value that is accepted.
        minimum_of_old: Smallest value that is accepted, as a multiple of the old version's.
        maximum_of_old: Largest value that is accepted, as a multiple of the old version's.
    """

    name: str
    query: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    minimum_of_old: float | None = None
    maximum_of_old: float | None = None

    @property
    def is_compared(self) -> bool:
        """Whether it is compared with the old version's."""
        return self.minimum_of_old is not None or self.maximum_of_old is not None


@dataclass(frozen=True)
class Analysis:
    """The analysis that a service asks for.

    Attributes:
        metrics: What is measured.
        seconds: How long at least.
        limit_seconds: How long at most, while there is no verdict.
        min_requests: Fewest requests, of each version, that a verdict may rest on.
        goes_on_undecided: Whether the release goes on where there is no verdict at the end; else it is taken back.
        requests_query: PromQL with the number of requests; None for the load balancer's.
        prometheus: URL of Prometheus; None without a query.
    """

    metrics: tuple[Metric, ...]
    seconds: int
    limit_seconds: int
    min_requests: int
    goes_on_undecided: bool = False
    requests_query: str | None = None
    prometheus: str | None = None

    @property
    def queries(self) -> dict[str, str]:
        """The queries, by the metric's name."""
        return {metric.name: metric.query for metric in self.metrics if metric.query is not None}

    @property
    def uses_load_balancer(self) -> bool:
        """Whether it needs metrics of the load balancer."""
        return self.requests_query is None or len(self.queries) < len(self.metrics)


def parse(annotation: str | None) -> Analysis | None:
    """The analysis of the annotation `contract.blue_green.ANALYSIS`; None without one."""
    if annotation is None:
        return None
    value: Mapping[str, Any] = json.loads(annotation)
    return Analysis(
        metrics=tuple(_metric(one) for one in value["metrics"]),
        seconds=int(value["seconds"]),
        limit_seconds=int(value["limitSeconds"]),
        min_requests=int(value["minRequests"]),
        goes_on_undecided=value["undecided"] != ABORT,
        requests_query=value.get("requests"),
        prometheus=value.get("prometheus"),
    )


def _metric(value: Mapping[str, Any]) -> Metric:
    return Metric(
        name=str(value["metric"]),
        query=value.get("query"),
        minimum=value.get("min"),
        maximum=value.get("max"),
        minimum_of_old=value.get("minOfOld"),
        maximum_of_old=value.get("maxOfOld"),
    )
