"""The analysis of new versions by metrics, and the Prometheus of its queries."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from config.models.base import ENVIRONMENTS, EnvironmentName, Model
from config.values import Cidr, EachOnce, HttpUrl, MetricName, NamespaceName, Port

SUCCESS_RATE = "successRate"
LOAD_BALANCER_METRICS = (SUCCESS_RATE, "p50", "p90", "p95", "p99")
"""Metrics without a query: the share of good answers, and quantiles of the response time in seconds."""

Undecided: TypeAlias = Literal["abort", "continue"]


class Metric(Model):
    """A number that is measured of the new version and of the old one, and its bounds."""

    metric: MetricName = Field(
        description="`successRate`, the share of requests with an answer below 500, 0 to 1; or `p50`, `p90`, `p95`, "
        "`p99`, a quantile of the response time in seconds: both from the load balancer's metrics in CloudWatch, for a "
        "service with a path. With a `query`, any other name.",
    )
    query: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="PromQL with one number as its result. `{slot}`, `{service}`, `{environment}` and `{seconds}`, the "
        "length of the measured time, are replaced.",
    )
    min: float | None = Field(default=None, description="Smallest value that is accepted.")
    max: float | None = Field(default=None, description="Largest value that is accepted.")
    min_of_old: float | None = Field(
        default=None, ge=0, description="Smallest value that is accepted, as a multiple of the old version's."
    )
    max_of_old: float | None = Field(
        default=None, ge=0, description="Largest value that is accepted, as a multiple of the old version's."
    )

    @model_validator(mode="after")
    def _has_a_source_and_a_bound(self) -> Metric:
        known = self.metric in LOAD_BALANCER_METRICS
        if known == (self.query is not None):
            names = ", ".join(LOAD_BALANCER_METRICS)
            raise PydanticCustomError("value", "one of {names}; or another name, with a query", {"names": names})
        if self.min is self.max is self.min_of_old is self.max_of_old is None:
            raise PydanticCustomError("value", "a metric with a bound: min, max, minOfOld or maxOfOld")
        return self


class Analysis(Model):
    """The analysis of a new version by metrics of its users' requests, compared with the old version's."""

    metrics: list[Metric] = Field(min_length=1, max_length=10, description="What is measured.")
    environments: Annotated[list[EnvironmentName], EachOnce] = Field(
        default_factory=lambda: list(ENVIRONMENTS),
        min_length=1,
        description="Where it is done. An environment that has no users has no metrics.",
    )
    seconds: int = Field(
        default=120,
        ge=10,
        le=3600,
        description="How long a new version is measured at least: after the switch, and at each weight of a canary. "
        "The load balancer's metrics are measured in whole minutes.",
    )
    limit_seconds: int = Field(
        default=900,
        ge=30,
        le=14400,
        description="How long at most, while there is no verdict. CloudWatch's metrics come two minutes late.",
    )
    min_requests: int = Field(
        default=100, ge=1, le=1_000_000, description="Fewest requests, of each version, that a verdict may rest on."
    )
    requests: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="PromQL with the number of requests, as in `query`; left out, the load balancer's number.",
    )
    undecided: Undecided = Field(
        default="abort",
        description="What happens where there is no verdict at the limit, because there were too few requests, a "
        "metric had no value or its source did not answer: `abort` rolls it back, `continue` goes on. Both "
        "say so.",
    )

    @property
    def has_queries(self) -> bool:
        """Whether it asks Prometheus."""
        return self.requests is not None or any(metric.query is not None for metric in self.metrics)

    @property
    def uses_load_balancer(self) -> bool:
        """Whether it needs the load balancer's metrics."""
        return self.requests is None or any(metric.query is None for metric in self.metrics)


class Prometheus(Model):
    """The Prometheus that analyses query, by HTTP without authentication; exactly one of `namespace` and `cidr`."""

    url: HttpUrl = Field(description="Its URL, as pods of this cluster reach it.")
    namespace: NamespaceName | None = Field(default=None, description="The namespace of its pods, in this cluster.")
    cidr: Cidr | None = Field(default=None, description="Its addresses outside the cluster.")
    port: Port = Field(
        default=9090, description="The port that its pods listen on; outside the cluster, the URL's port."
    )

    @model_validator(mode="after")
    def _is_somewhere(self) -> Prometheus:
        if (self.namespace is None) == (self.cidr is None):
            raise PydanticCustomError("value", "a namespace of this cluster or a cidr outside of it")
        return self
