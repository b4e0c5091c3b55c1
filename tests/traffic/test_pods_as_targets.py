"""A canary whose target groups have the pods themselves (target type `ip`), by the real controller, under load.

The platform does not offer it (decision 0045): this shows that weights switch each request there, too, as no target is
registered when they change.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest

from rehearsal import aws
from release.errors import ExitCode
from release.goals import Deploy, Rollback
from release.state import other
from tests.rehearsal.conftest import eventually
from tests.traffic.cloud import PARAMETERS
from tests.traffic.site import HOST, NODES, Site
from tests.traffic.test_canary import DOOR_SECONDS, MOST_OFF, STEPS, Watched, load, pods_of, share


def groups(site: Site) -> list[dict[str, Any]]:
    """The target groups of the public load balancer."""
    client = aws.client(site.layout, "elbv2", region=site.outputs["cluster"]["region"])
    return [one for one in client.describe_target_groups()["TargetGroups"] if "prod" in one["TargetGroupName"]]


@contextmanager
def interfaces(site: Site) -> Generator[None]:
    """Gives the pods' addresses to their nodes' network interfaces, as the VPC CNI does: the controller looks there."""
    ec2, ended = aws.client(site.layout, "ec2", region=site.outputs["cluster"]["region"]), threading.Event()
    cards = {
        card["PrivateIpAddress"]: card["NetworkInterfaceId"]
        for card in ec2.describe_network_interfaces()["NetworkInterfaces"]
    }
    given: set[str] = set()

    def give() -> None:
        while not ended.wait(0.2):
            for pod in site.api.list("v1", "Pod", namespace="prod"):
                address, node = pod["status"].get("podIP"), pod["spec"].get("nodeName")
                if address and node in NODES and address not in given:
                    given.add(address)
                    ec2.assign_private_ip_addresses(
                        NetworkInterfaceId=cards[NODES[node]], PrivateIpAddresses=[address], AllowReassignment=True
                    )

    thread = threading.Thread(target=give)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def pods_as_targets(serving: Site) -> Iterator[Site]:
    """The platform with a public load balancer of which pods are the targets."""
    (ingress,) = (
        one
        for one in serving.api.list("networking.k8s.io/v1", "Ingress", namespace="prod")
        if HOST.partition(".")[0] in one["spec"]["rules"][0]["host"]
    )
    name = ingress["spec"]["ingressClassName"]

    def become(kind: str) -> None:
        change = [{"op": "replace", "path": "/spec/targetType", "value": kind}]
        serving.api.json_patch(*PARAMETERS, name, change)
        eventually(lambda: {one["TargetType"] for one in groups(serving)} == {kind}, f"target groups of {kind}", 120)
        eventually(
            lambda: {serving.get(HOST, path)[0] for path in ("/", "/api") for _ in range(10)} == {HTTPStatus.OK},
            "the host answers",
            60,
        )

    with interfaces(serving):
        become("ip")
        yield serving
        become("instance")


def test_shares_follow_the_weights_with_pods_as_targets(pods_as_targets: Site) -> None:
    site = pods_as_targets
    watched = Watched(site, new=other(site.state("prod", "frontend").live))
    with load(site) as client:
        time.sleep(2)
        result = site.release(
            "prod",
            "frontend",
            Deploy(site.new_image("prod", "frontend"), canary=STEPS, step_seconds=10),
            surroundings={"weights": watched.weights, "report": watched.report},
        )
        now = pods_of(site, watched.new)
        time.sleep(3)
        began = time.monotonic()
        back = site.release("prod", "frontend", Rollback(), surroundings={"weights": site.weights})
        time.sleep(3)
        log = client.end()
    assert (result.exit_code, back.exit_code) == (ExitCode.DONE, ExitCode.DONE), (result.message, back.message)
    assert log.failures == []
    for weight in STEPS:
        begin, end = watched.effective[weight] + DOOR_SECONDS, watched.ended.get(weight, began)
        count, found = share(log.answers, now, begin, end)
        sys.stdout.write(f"{weight} %: {100 * found:.2f} % of {count} requests\n")
        assert count > 1000
        assert abs(found - weight / 100) <= MOST_OFF
    assert log.answers[-1].by not in now
