"""A version that is slow for users alone is taken back at 10 %, by the load balancer's own metrics.

The real controller makes the target groups, the front door counts their requests, and the account's CloudWatch tells
them as late as AWS's does.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from contract.blue_green import ANALYSIS
from kube.client import KubernetesApi
from rehearsal import aws
from rehearsal.demo_images import Fault
from release.analysis.cloudwatch import CloudWatch
from release.analysis.judgement import Verdict
from release.analysis.settings import Analysis
from release.analysis.sources import Source
from release.errors import ExitCode
from release.goals import Deploy
from release.state import ServiceState, other
from tests.release.identities import acting_as
from tests.traffic.load import Client, Load
from tests.traffic.site import HOST, Site

SETTINGS: dict[str, Any] = {
    "metrics": [{"metric": "successRate", "min": 0.99}, {"metric": "p95", "maxOfOld": 1.5}],
    "seconds": 60,
    "limitSeconds": 600,
    "minRequests": 50,
    "undecided": "abort",
}
PATH = "/users"
"""Not the health path."""


def of_the_account(site: Site, api: KubernetesApi, state: ServiceState, analysis: Analysis) -> list[Source]:
    """The account's CloudWatch as the source of an analysis."""
    names = [metric.name for metric in analysis.metrics]

    def client(service: str, region: str) -> Any:
        return aws.client(site.layout, service, region=region)

    return [CloudWatch(api, state.environment, state.service, names, client=client)]


@pytest.fixture
def analyzed(serving: Site) -> Iterator[Site]:
    """The platform, in which prod's frontend has an analysis meanwhile."""
    path = f"/metadata/annotations/{ANALYSIS.replace('/', '~1')}"
    added = {"op": "add", "path": path, "value": json.dumps(SETTINGS)}
    serving.api.json_patch("v1", "PodTemplate", "frontend", [added], namespace="prod")
    yield serving
    serving.api.json_patch("v1", "PodTemplate", "frontend", [{"op": "remove", "path": path}], namespace="prod")


def test_a_version_that_is_slow_for_users_only_is_taken_back_at_ten_percent(analyzed: Site) -> None:
    live = analyzed.state("prod", "frontend").live
    image = analyzed.new_image("prod", "frontend", Fault.SLOW_FOR_USERS)
    with Client(Load("127.0.0.1", analyzed.port, HOST, path=PATH, at_once=8)) as client:
        result = analyzed.release(
            "prod",
            "frontend",
            Deploy(image, canary=(10, 50), step_seconds=0),
            api=acting_as(analyzed.layout.kubeconfig, "release"),
            surroundings={"metrics": partial(of_the_account, analyzed)},
        )
        new = {str(one["metadata"]["name"]) for one in analyzed.pods("prod", "frontend", other(live))}
        log = client.end()
    sys.stdout.write(f"{result.message}\n")
    assert (result.exit_code, result.state.live) == (ExitCode.ROLLED_BACK, live)
    assert re.search(r"the analysis at 10 % failed: p95 is 0\.[4-9]", result.message)
    (analysis,) = result.state.history[-1].analyses
    assert (analysis.verdict, analysis.weight) == (Verdict.FAILED, 10)
    told = re.search(r"at least (\d+) requests of users reached it", result.message)
    slow = sum(one.answered - one.sent >= 0.4 for one in log.answers)
    assert told is not None
    assert SETTINGS["minRequests"] <= int(told[1]) <= slow
    sys.stdout.write(f"{slow} of {len(log.answers)} requests were slow, by {len(new)} pods; {log.failures} failed\n")
    assert log.failures == []
