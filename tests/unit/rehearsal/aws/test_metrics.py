"""CloudWatch's metrics of load balancers, from the front door's log."""

from __future__ import annotations

import os
import socket
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.front_door.haproxy import LOG
from tests.unit.rehearsal.aws.serving import Metrics
from tests.unit.rehearsal.aws.traffic import NOON, REGION, Traffic, line, make


@pytest.fixture
def traffic(tmp_path: Path) -> Traffic:
    return make(tmp_path, "api")


def asked(
    traffic: Traffic, name: str, statistic: str, *, minutes: int = 10, group: str = "api", **changes: Any
) -> dict[datetime, float]:
    """What GetMetricData says of the minutes from noon on."""
    arn = traffic.groups[group]
    found = traffic.client("elbv2", REGION).describe_target_groups(TargetGroupArns=[traffic.groups["api"]])
    balancer = found["TargetGroups"][0]["LoadBalancerArns"][0].partition("loadbalancer/")[2]
    pairs = {"TargetGroup": arn.rpartition(":")[2], "LoadBalancer": balancer, **changes.pop("dimensions", {})}
    dimensions = [{"Name": key, "Value": value} for key, value in pairs.items()]
    metric = {"Namespace": "AWS/ApplicationELB", "MetricName": name, "Dimensions": dimensions}
    stat = {"Metric": metric, "Period": 60, "Stat": statistic, **changes}
    start = datetime.fromtimestamp(NOON, UTC)
    answer = traffic.client("cloudwatch", REGION).get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": stat}], StartTime=start, EndTime=start + timedelta(minutes=minutes)
    )
    (result,) = answer["MetricDataResults"]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))


def values(found: dict[datetime, float]) -> dict[int, float]:
    """By minutes since noon."""
    return {round((time.timestamp() - NOON) / 60): value for time, value in found.items()}


def test_requests_are_counted_by_minute_status_and_target_group(traffic: Traffic) -> None:
    traffic.send("api", 3)
    traffic.send("api", 2, status=404)
    traffic.send("other", 9)
    traffic.now = NOON + 60
    traffic.send("api", 4, status=503)
    traffic.now = NOON + 600
    assert values(asked(traffic, "RequestCount", "Sum")) == {0: 5, 1: 4}
    assert values(asked(traffic, "HTTPCode_Target_2XX_Count", "Sum")) == {0: 3}
    assert values(asked(traffic, "HTTPCode_Target_4XX_Count", "Sum")) == {0: 2}
    assert values(asked(traffic, "HTTPCode_Target_5XX_Count", "Sum")) == {1: 4}
    assert values(asked(traffic, "TargetResponseTime", "SampleCount")) == {0: 5, 1: 4}


def test_an_answer_of_the_load_balancer_itself_is_a_request_without_a_targets_status(traffic: Traffic) -> None:
    """504 after the idle time-out, and 503 without any target: https://docs.haproxy.org/2.6/configuration.html#8.5."""
    traffic.send("api", 1, status=504, milliseconds=-1, state="sH--")
    traffic.send("api", 1, status=503, milliseconds=-1, server="<NOSRV>", state="SC--")
    traffic.metrics.count("Server api/i-1:30080 is DOWN, reason: Layer4 timeout")
    traffic.now = NOON + 600
    assert values(asked(traffic, "RequestCount", "Sum")) == {0: 1}
    assert asked(traffic, "HTTPCode_Target_5XX_Count", "Sum") == {}
    assert asked(traffic, "TargetResponseTime", "p99") == {}


def test_a_minute_shows_two_minutes_late(traffic: Traffic) -> None:
    traffic.send("api", 1)
    for seconds, shown in ((60, {}), (160, {}), (180, {0: 1.0})):
        traffic.now = NOON + seconds
        assert values(asked(traffic, "RequestCount", "Sum")) == shown


def test_the_end_is_excluded(traffic: Traffic) -> None:
    traffic.now = NOON + 60
    traffic.send("api", 1)
    traffic.now = NOON + 600
    assert asked(traffic, "RequestCount", "Sum", minutes=1) == {}


@given(times=st.lists(st.integers(0, 5000), min_size=2, max_size=200), percent=st.sampled_from([50, 90, 95, 99]))
def test_a_quantile_is_one_of_the_times(times: list[int], percent: int) -> None:
    metrics = Metrics(lambda: NOON + later[0])
    later = [0.0]
    for milliseconds in times:
        metrics.count(line("api", milliseconds=milliseconds))
    later[0] = 300
    (found,) = metrics.series("api", "TargetResponseTime", f"p{percent}", NOON, NOON + 60).values()
    ordered = sorted(one / 1000 for one in times)
    assert found in ordered
    assert sum(one <= found for one in ordered) >= percent / 100 * len(ordered)
    assert sum(one < found for one in ordered) < percent / 100 * len(ordered) + 1
    cuts = statistics.quantiles(ordered, n=100, method="inclusive")
    assert found <= max(ordered[min(len(ordered) - 1, ordered.index(found))], cuts[percent - 1] + 5)


@pytest.mark.parametrize("changes", [{"Period": 120}, {"statistic": "tm99"}])
def test_what_it_cannot_compute_is_refused(traffic: Traffic, changes: dict[str, Any]) -> None:
    traffic.send("api", 1)
    traffic.now = NOON + 600
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        asked(traffic, "TargetResponseTime", changes.pop("statistic", "p50"), **changes)


@pytest.mark.parametrize(
    "dimensions", [{"LoadBalancer": "app/other/0"}, {"TargetGroup": "api"}, {"AvailabilityZone": "ap-northeast-2a"}]
)
def test_dimensions_that_do_not_exist_have_no_data(traffic: Traffic, dimensions: dict[str, str]) -> None:
    traffic.send("api", 1)
    traffic.now = NOON + 600
    assert asked(traffic, "RequestCount", "Sum", dimensions=dimensions) == {}
    assert asked(traffic, "RequestCount", "Sum") != {}


def test_other_metrics_are_motos(traffic: Traffic) -> None:
    cloudwatch = traffic.client("cloudwatch", REGION)
    now = datetime.now(UTC)
    cloudwatch.put_metric_data(Namespace="hello", MetricData=[{"MetricName": "depth", "Value": 7, "Timestamp": now}])
    metric = {"Namespace": "hello", "MetricName": "depth"}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
        StartTime=now - timedelta(minutes=1),
        EndTime=now + timedelta(minutes=1),
    )
    assert answer["MetricDataResults"][0]["Values"] == [7]


def test_the_log_is_read_from_a_socket_however_long_its_path(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    later = [0]
    metrics = Metrics(lambda: NOON + later[0])
    metrics.listen(folder)
    metrics.listen(folder)  # a new process of the account
    number, deadline = os.open(folder, os.O_RDONLY), time.monotonic() + 10
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as haproxy:
        while not metrics.series("api", "RequestCount", "Sum", NOON, NOON + 60):
            assert time.monotonic() < deadline
            later[0] = 0
            haproxy.sendto(line("api").encode(), f"/proc/self/fd/{number}/{LOG}")
            time.sleep(0.05)
            later[0] = 300
    os.close(number)
