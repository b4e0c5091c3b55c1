"""Metrics of the load balancer's requests, from CloudWatch.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias

from contract.blue_green import SLOTS, slot_name
from kube.client import KubernetesApiError
from release import aws
from release.analysis.judgement import Reading
from release.analysis.settings import QUANTILES, SUCCESS_RATE
from release.analysis.sources import SourceError, Window
from release.objects import ObjectReader
from release.target_groups import target_groups

NAMESPACE = "AWS/ApplicationELB"
PERIOD_SECONDS = 60
"""Load balancers send their metrics once a minute. Longer periods are not asked for: nothing says whether they begin at
`StartTime`, and a minute that belongs to another version would be in them."""

DELAY_SECONDS = 120
"""The last two minutes are incomplete: https://github.com/Netflix/atlas/pull/1300,
https://github.com/grafana/alloy/issues/3929.
"""

REQUESTS = "RequestCount"
ANSWERS = ("HTTPCode_Target_2XX_Count", "HTTPCode_Target_3XX_Count", "HTTPCode_Target_4XX_Count")
"""Good answers. All other requests count as bad: answers of 500 and above, and requests without an answer. (The load
balancer's own 502 and 504 are not counted by target group.)"""

LATENCY = "TargetResponseTime"
COUNT = "SampleCount"

Series: TypeAlias = Mapping[tuple[str, str], Mapping[datetime, float]]
"""Values by minute, by the metric's name and the statistic."""

Client: TypeAlias = Callable[[str, str], Any]
"""Makes a boto3 client, by AWS's name of the service and the region."""


class CloudWatch:
    """The load balancer's metrics of one service.

    Its target groups are those that the AWS Load Balancer Controller made for the active Service, which leads to the
    live slot, and for the Services of the slots, which a canary has.

    Args:
        api: The API server, for the TargetGroupBindings.
        environment: The environment.
        service: The service.
        names: Names of the metrics to read.
        client: Makes boto3 clients.
    """

    grid = PERIOD_SECONDS
    delay = DELAY_SECONDS

    def __init__(
        self,
        api: ObjectReader,
        environment: str,
        service: str,
        names: Iterable[str],
        client: Client = aws.client,
    ) -> None:
        self._api = api
        self._environment = environment
        self._service = service
        self._names = tuple(names)
        self._client = client
        self._clients: dict[tuple[str, str], Any] = {}

    def now(self) -> datetime:
        """The time by AWS's clock, to the second: the header `Date` of a response."""
        arn = next(iter(arn for arns in self._target_groups().values() for arn in arns))
        answer = self._ask(lambda: self._of(arn, "elbv2").describe_target_groups(TargetGroupArns=[arn]))
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date is None:
            raise SourceError("AWS: a response without the header Date")
        return parsedate_to_datetime(date).astimezone(UTC)

    def read(self, slot: str, window: Window, *, live: bool) -> Reading:
        """What CloudWatch says of a slot's requests."""
        groups = self._target_groups()
        arns = [*groups.get(slot_name(self._service, slot), ())]
        arns += groups.get(self._service, ()) if live else ()
        return combined([self._series(arn, window) for arn in arns], self._names)

    def _target_groups(self) -> dict[str, list[str]]:
        """ARNs of the target groups, by the name of the Service that they lead to.

        Raises:
            SourceError: There is none.
        """
        names = (self._service, *(slot_name(self._service, slot) for slot in SLOTS))
        try:
            found = target_groups(self._api, self._environment, names)
        except KubernetesApiError as error:
            raise SourceError(f"the TargetGroupBindings of {self._environment}: {error}") from None
        if not found:
            raise SourceError(f"no load balancer leads to {self._service}: no TargetGroupBinding names its Service")
        return found

    def _series(self, arn: str, window: Window) -> Series:
        described = self._ask(lambda: self._of(arn, "elbv2").describe_target_groups(TargetGroupArns=[arn]))
        balancers = described["TargetGroups"][0]["LoadBalancerArns"]
        if not balancers:
            return {}  # no rule leads to it yet
        dimensions = [
            {"Name": "TargetGroup", "Value": arn.rpartition(":")[2]},
            # Of `…:loadbalancer/app/NAME/ID` without its first word.
            {"Name": "LoadBalancer", "Value": str(balancers[0]).rpartition(":loadbalancer/")[2]},
        ]
        quantiles = [name for name in self._names if name in QUANTILES]
        wanted = [(name, "Sum") for name in (REQUESTS, *ANSWERS)]
        wanted += [(LATENCY, statistic) for statistic in (COUNT, *quantiles)]
        queries = [
            {
                "Id": f"m{index}",
                "MetricStat": {
                    "Metric": {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions},
                    "Period": PERIOD_SECONDS,
                    "Stat": statistic,
                },
            }
            for index, (name, statistic) in enumerate(wanted)
        ]
        pages = self._ask(
            lambda: list(
                self._of(arn, "cloudwatch")
                .get_paginator("get_metric_data")
                .paginate(MetricDataQueries=queries, StartTime=window.begin, EndTime=window.end)
            )
        )
        return series(pages, wanted)

    def _of(self, arn: str, service: str) -> Any:
        """A client for the region of a target group."""
        key = (service, arn.split(":")[3])
        if key not in self._clients:
            self._clients[key] = self._client(*key)
        return self._clients[key]

    def _ask(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except aws.errors() as error:
            raise SourceError(f"AWS: {error}") from None


def series(pages: Iterable[Mapping[str, Any]], wanted: list[tuple[str, str]]) -> Series:
    """The values of responses of GetMetricData, whose ids are `m` and the position in `wanted`.

    Raises:
        SourceError: CloudWatch did not return all.
            https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html
    """
    found: dict[tuple[str, str], dict[datetime, float]] = {}
    state: dict[str, str] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            values = found.setdefault(wanted[int(result["Id"][1:])], {})
            values.update(
                {
                    time.astimezone(UTC): float(value)
                    for time, value in zip(result["Timestamps"], result["Values"], strict=True)
                }
            )
            state[result["Id"]] = str(result.get("StatusCode", "Complete"))
    bad = sorted({status for status in state.values() if status != "Complete"})
    if bad:
        raise SourceError(f"CloudWatch returns not all of its data: {', '.join(bad)}")
    return found


def combined(parts: Iterable[Series], names: Iterable[str]) -> Reading:
    """What the metrics of several target groups say together.

    A minute without requests has no data point. A quantile is the mean of the minutes' quantiles, weighted by their
    numbers of answers: quantiles of a longer time do not follow from those of its parts.
    """
    parts = list(parts)
    requests = sum(_total(part, REQUESTS) for part in parts)
    good = sum(_total(part, name) for part in parts for name in ANSWERS)
    values: dict[str, float] = {}
    for name in names:
        if name == SUCCESS_RATE and requests:
            # An answer may be counted a minute after its request.
            values[name] = min(1.0, good / requests)
        elif name in QUANTILES:
            weighted = [
                (part.get((LATENCY, COUNT), {}).get(minute, 0.0), value)
                for part in parts
                for minute, value in part.get((LATENCY, name), {}).items()
            ]
            if answers := sum(weight for weight, _ in weighted):
                values[name] = sum(weight * value for weight, value in weighted) / answers
    return Reading(int(requests), values)


def _total(part: Series, name: str) -> float:
    return sum(part.get((name, "Sum"), {}).values())
