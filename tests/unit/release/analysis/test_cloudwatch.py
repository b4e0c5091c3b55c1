"""The load balancer's metrics, from the rehearsal's CloudWatch and from answers that it never gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError  # pyright: ignore[reportMissingTypeStubs]

from kube.client import KubernetesApiError, KubernetesObject
from release.analysis.cloudwatch import CloudWatch, combined, series
from release.analysis.judgement import Reading
from release.analysis.sources import SourceError, Window
from tests.unit.rehearsal.aws.traffic import NOON, Traffic, make

NAMES = ("successRate", "p50", "p95")
START = datetime.fromtimestamp(NOON, UTC)


@dataclass
class Bindings:
    """An API server with TargetGroupBindings alone.

    Attributes:
        groups: ARN of a target group and name of the Service, each.
        error: What it answers instead.
    """

    groups: list[tuple[str, str]]
    error: KubernetesApiError | None = None
    asked: list[str | None] = field(default_factory=list[str | None])
    is_concurrent: bool = False

    def get(self, *_: object, **__: object) -> KubernetesObject | None:
        """Nothing else."""
        raise AssertionError

    def list(self, api_version: str, kind: str, *, namespace: str | None = None, **_: object) -> list[KubernetesObject]:
        """The bindings."""
        assert (api_version, kind) == ("elbv2.k8s.aws/v1beta1", "TargetGroupBinding")
        self.asked.append(namespace)
        if self.error:
            raise self.error
        bound = [{"spec": {"serviceRef": {"name": name}, "targetGroupARN": arn}} for arn, name in self.groups]
        return [*bound, {"spec": {"serviceRef": {"name": "api"}}}]  # one that the controller has not filled in


@pytest.fixture
def traffic(tmp_path: Path) -> Traffic:
    return make(tmp_path, "active", "blue", "green", "other")


def source(traffic: Traffic, *names: str) -> CloudWatch:
    services = {"active": "api", "blue": "api-blue", "green": "api-green", "other": "other", "unused": "api-green"}
    bindings = Bindings([(traffic.groups[name], services[name]) for name in (names or traffic.groups)])
    return CloudWatch(bindings, "dev", "api", NAMES, client=traffic.client)


def window(minutes: int = 2) -> Window:
    return Window(START, START + timedelta(minutes=minutes))


def test_a_canarys_requests_are_those_of_its_slots_target_group(traffic: Traffic) -> None:
    traffic.send("green", 95, milliseconds=100)
    traffic.send("green", 5, status=500, milliseconds=2000)
    traffic.send("blue", 300)
    traffic.send("active", 600)
    traffic.send("other", 9999)
    traffic.now = NOON + 600
    cloudwatch = source(traffic)
    assert cloudwatch.read("green", window(), live=False) == Reading(100, {"successRate": 0.95, "p50": 0.1, "p95": 0.1})
    # What the active Service has goes to the slot that it selects.
    assert cloudwatch.read("blue", window(), live=True) == Reading(900, {"successRate": 1, "p50": 0.01, "p95": 0.01})


def test_a_service_without_a_canary_has_one_target_group_for_both(traffic: Traffic) -> None:
    traffic.send("active", 10)
    traffic.now = NOON + 120
    traffic.send("active", 20, milliseconds=300)
    traffic.now = NOON + 600
    cloudwatch = source(traffic, "active")
    later = Window(START + timedelta(minutes=2), START + timedelta(minutes=4))
    assert cloudwatch.read("blue", window(), live=True).requests == 10
    assert cloudwatch.read("green", later, live=True) == Reading(20, {"successRate": 1, "p50": 0.3, "p95": 0.3})


def test_a_request_without_an_answer_counts_as_bad(traffic: Traffic) -> None:
    traffic.send("active", 3)
    traffic.send("active", 1, status=504, milliseconds=-1)
    traffic.now = NOON + 600
    assert source(traffic, "active").read("blue", window(), live=True).value("successRate") == 0.75


def test_minutes_without_requests_have_no_values(traffic: Traffic) -> None:
    traffic.now = NOON + 600
    assert source(traffic).read("green", window(), live=False) == Reading(0, {})


def test_a_quantile_of_several_minutes_is_weighted_by_their_requests(traffic: Traffic) -> None:
    traffic.send("active", 30, milliseconds=100)
    traffic.now = NOON + 60
    traffic.send("active", 10, milliseconds=500)
    traffic.now = NOON + 600
    assert source(traffic, "active").read("blue", window(), live=True).value("p95") == pytest.approx(0.2)


def test_the_time_is_awss(traffic: Traffic) -> None:
    assert abs(source(traffic).now() - datetime.now(UTC)) < timedelta(seconds=3)


def test_no_load_balancer_leads_to_the_service(traffic: Traffic) -> None:
    with pytest.raises(SourceError, match="no load balancer leads to api"):
        source(traffic, "other").now()


def test_a_target_group_that_was_deleted(traffic: Traffic) -> None:
    gone = f"{traffic.groups['active'][:-4]}dead"
    cloudwatch = CloudWatch(Bindings([(gone, "api")]), "dev", "api", NAMES, client=traffic.client)
    with pytest.raises(SourceError, match=r"AWS: .*TargetGroupNotFound"):
        cloudwatch.read("blue", window(), live=True)


def test_bindings_may_not_be_read() -> None:
    refused = KubernetesApiError("may not list targetgroupbindings", status=403, reason="Forbidden")
    with pytest.raises(SourceError, match="may not list"):
        CloudWatch(Bindings([], refused), "dev", "api", NAMES).now()


class Failing:
    """A client whose every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _: str) -> Any:
        def fail(*_: object, **__: object) -> Any:
            raise self._error

        return fail


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, "GetMetricData"),
        ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "GetMetricData"),
        EndpointConnectionError(endpoint_url="https://monitoring.ap-northeast-2.amazonaws.com"),
    ],
)
def test_an_error_of_aws_is_told(error: Exception) -> None:
    arn = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/api/0"
    cloudwatch = CloudWatch(
        Bindings([(arn, "api")]), "dev", "api", NAMES, client=lambda _service, _region: Failing(error)
    )
    with pytest.raises(SourceError, match="AWS: "):
        cloudwatch.read("blue", window(), live=True)


WANTED = [("RequestCount", "Sum"), ("TargetResponseTime", "p95")]


def result(number: int, *values: float, status: str = "Complete") -> dict[str, Any]:
    times = [START + timedelta(minutes=minute) for minute in range(len(values))]
    return {"Id": f"m{number}", "Timestamps": times, "Values": list(values), "StatusCode": status}


def test_data_that_come_in_pages_are_one() -> None:
    """The first page's data are partial: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html."""
    second = {**result(0, 2), "Timestamps": [START + timedelta(minutes=1)]}
    pages = [{"MetricDataResults": [result(0, 1, status="PartialData")]}, {"MetricDataResults": [second, result(1, 3)]}]
    assert {name: [*values.values()] for name, values in series(pages, WANTED).items()} == {
        WANTED[0]: [1, 2],
        WANTED[1]: [3],
    }


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_data_that_are_not_complete_are_refused(status: str) -> None:
    with pytest.raises(SourceError, match=status):
        series([{"MetricDataResults": [result(0, 1), result(1, 3, status=status)]}], WANTED)


def test_an_answer_a_minute_after_its_request_makes_no_rate_above_one() -> None:
    part = {("RequestCount", "Sum"): {START: 9.0}, ("HTTPCode_Target_2XX_Count", "Sum"): {START: 10.0}}
    assert combined([part], ["successRate"]) == Reading(9, {"successRate": 1})
