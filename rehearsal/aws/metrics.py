"""CloudWatch's metrics of load balancers, counted from the front door's log. On AWS nobody else publishes them, either.

moto stores what `PutMetricData` brings, and computes no quantiles. Metrics are lost when the account's process ends.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterValue  # pyright: ignore[reportMissingTypeStubs]
from moto.cloudwatch.models import CloudWatchBackend  # pyright: ignore[reportMissingTypeStubs]
from moto.elbv2.models import elbv2_backends  # pyright: ignore[reportMissingTypeStubs]

from rehearsal.front_door.haproxy import LOG

NAMESPACE, LATENCY = "AWS/ApplicationELB", "TargetResponseTime"
PERIOD, KEPT_SECONDS = 60, 3 * 3600
LATE_SECONDS = 115
"""Until a minute shows, all at once: on AWS it is incomplete for about two. https://github.com/Netflix/atlas/pull/1300."""

_REQUEST = re.compile(r"\S+ \[[^]]+\] \S+ (\S+)/(\S+) [-\d]+/[-\d]+/[-\d]+/(-?\d+)/\S+ (\d)\d\d ")
"""https://docs.haproxy.org/2.6/configuration.html#8.2.3: backend, server, milliseconds until the headers, status."""


class Metrics:
    """Requests by minute and target group.

    Args:
        clock: The time, in seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counts: dict[int, defaultdict[tuple[str, str], Counter[float]]] = {}

    def listen(self, folder: Path) -> None:
        """Counts the requests of the log from now on, in a thread. The path may be too long for a socket's address."""
        (folder / LOG).unlink(missing_ok=True)
        log, number = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), os.open(folder, os.O_RDONLY)
        log.bind(f"/proc/self/fd/{number}/{LOG}")
        os.close(number)

        def count() -> None:
            while True:
                self.count(log.recv(65536).decode(errors="replace"))

        threading.Thread(target=count, daemon=True).start()

    def count(self, line: str) -> None:
        """Counts the request of a line of the log. One that no target was chosen for is nobody's."""
        if (found := _REQUEST.match(line)) is None or found[2] == "<NOSRV>":
            return
        minute = int(self._clock()) // PERIOD * PERIOD
        if minute not in self._counts:
            self._counts[minute] = defaultdict(Counter)
            self._counts = {one: counts for one, counts in self._counts.items() if one > minute - KEPT_SECONDS}
        counts, group, milliseconds = self._counts[minute], found[1], int(found[3])
        counts[group, "RequestCount"][1.0] += 1
        if milliseconds >= 0:  # else no target answered: the status is the load balancer's own
            counts[group, f"HTTPCode_Target_{found[4]}XX_Count"][1.0] += 1
            counts[group, LATENCY][milliseconds / 1000] += 1

    def series(self, group: str, name: str, statistic: str, start: float, end: float) -> dict[datetime, float]:
        """The values of a metric by minute; none where nothing was counted."""
        last = min(end, self._clock() - LATE_SECONDS - PERIOD + 1)
        return {
            datetime.fromtimestamp(minute, UTC): _statistic(counts[group, name], statistic)
            for minute, counts in sorted(self._counts.items())
            if start // PERIOD * PERIOD <= minute < last and (group, name) in counts
        }

    def answer(self, query: Mapping[str, Any], start: datetime, end: datetime, groups: Mapping[str, Any]) -> Any:
        """The result of a query of GetMetricData; without data for a pair of dimensions that does not exist."""
        stat = query["MetricStat"]
        if int(stat["Period"]) != PERIOD:
            raise InvalidParameterValue("Period: the rehearsal's load balancers have metrics of 60 seconds only")
        dimensions = {one["Name"]: one["Value"] for one in stat["Metric"]["Dimensions"]}
        asked = dimensions.pop("TargetGroup", ""), dimensions.pop("LoadBalancer", "")
        names = [
            one.name
            for arn, one in groups.items()
            for balancer in one.load_balancer_arns
            if (arn.rpartition(":")[2], balancer.partition("loadbalancer/")[2]) == asked and not dimensions
        ]
        name, times = stat["Metric"]["MetricName"], (start.timestamp(), end.timestamp())
        found = self.series(names[0], name, stat["Stat"], *times) if names else {}
        done = {"status_code": "Complete", "values": [*found.values()], "timestamps": [*found]}
        return {"id": query["Id"], "label": name, **done}

    def install(self) -> None:
        """Has moto answer queries of load balancers' metrics by these."""
        of_moto: Any = CloudWatchBackend.get_metric_data

        def get_metric_data(
            backend: Any, queries: list[Any], start_time: datetime, end_time: datetime, scan_by: str = ""
        ) -> Any:
            spaces = {query.get("MetricStat", {}).get("Metric", {}).get("Namespace") for query in queries}
            if spaces != {NAMESPACE}:
                return of_moto(backend, queries, start_time, end_time, scan_by)
            groups = elbv2_backends[backend.account_id][backend.region_name].target_groups
            return [self.answer(query, start_time, end_time, groups) for query in queries]

        setattr(CloudWatchBackend, "get_metric_data", get_metric_data)  # noqa: B010


def _statistic(counts: Counter[float], statistic: str) -> float:
    """`Sum`, `SampleCount`, or `p` and a number: the smallest value that so many percent do not exceed."""
    if statistic == "Sum":
        return sum(value * count for value, count in counts.items())
    if statistic == "SampleCount":
        return counts.total()
    if not re.fullmatch(r"p\d\d?(\.\d+)?", statistic):
        raise InvalidParameterValue(f"Stat: {statistic} is not known here")
    ordered = sorted(counts)
    rank = float(statistic[1:]) / 100 * counts.total()
    sums = accumulate(counts[value] for value in ordered)
    return next(value for value, below in zip(ordered, sums, strict=True) if below >= rank)
