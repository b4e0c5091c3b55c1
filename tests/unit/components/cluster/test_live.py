"""A change of the limits keeps a node group's live size within them; what EKS would refuse is refused at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest

import config
from components.aws.network import FIRST_ZONES, split
from components.cluster.live import NONE, LiveCluster, Sizes, problems
from rehearsal.emulators.aws import invokes
from tests.unit.components.cluster.live import LIVE
from tests.unit.config.configurations import changed
from tests.unit.program import PROGRAM, run, stack_config
from tests.unit.rehearsal.emulators.aws.examples import World


@pytest.mark.parametrize(
    ("configured", "live", "desired"),
    [
        (Sizes(min=2, desired=2, max=4), None, 2),  # a new group
        (Sizes(min=3, desired=3, max=4), Sizes(min=2, desired=2, max=4), 3),  # the minimum is raised above what runs
        (Sizes(min=2, desired=2, max=5), Sizes(min=2, desired=4, max=4), 4),  # the maximum is raised: no node ends
        (Sizes(min=1, desired=1, max=4), Sizes(min=2, desired=3, max=4), 3),  # the minimum is lowered: no node ends
        (Sizes(min=2, desired=2, max=3), Sizes(min=2, desired=4, max=4), 3),  # the maximum is lowered below what runs
    ],
)
def test_eks_is_sent_the_live_size_within_the_limits(configured: Sizes, live: Sizes | None, desired: int) -> None:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html."""
    sent = configured.with_live(live)
    assert (sent.min, sent.desired, sent.max) == (configured.min, desired, configured.max)


def found(live: LiveCluster, **settings: Any) -> list[str]:
    loaded = config.load(changed({path.replace("_", "."): value for path, value in settings.items()}))
    return [str(one) for one in problems(live, network=loaded.network, access=loaded.cluster)]


def test_the_fixture_is_what_the_program_makes_of_the_stack() -> None:
    network = config.load(stack_config("dev")).network
    cidrs = split(network.cidr, network.zones[:FIRST_ZONES])
    assert {zone: cidr.control_plane for zone, cidr in cidrs.items()} == LIVE.control_plane
    assert found(LIVE) == []


@pytest.mark.parametrize("zones", [["a", "b"], ["b", "a", "c"], ["a", "b", "c"], ["b", "d"]])
def test_other_first_zones_are_refused_and_named_with_those_that_stay(zones: list[str]) -> None:
    (problem,) = found(LIVE, network_zones=[f"ap-northeast-2{letter}" for letter in zones])
    assert problem.startswith("hello-platform:network.zones: ap-northeast-2")
    assert "ap-northeast-2a and ap-northeast-2c first" in problem


@pytest.mark.parametrize("zones", [["c", "a"], ["a", "c", "b"], ["c", "a", "b"]])
def test_the_first_zones_in_any_order_and_a_third_one_are_allowed(zones: list[str]) -> None:
    assert found(LIVE, network_zones=[f"ap-northeast-2{letter}" for letter in zones]) == []


def test_another_vpc_is_refused_while_there_is_a_cluster() -> None:
    (problem,) = found(LIVE, network_cidr="10.30.0.0/16")
    assert problem.startswith("hello-platform:network.cidr: 10.30.0.0/16: the range as it was")
    assert found(NONE, network_cidr="10.30.0.0/16") == []


def test_a_first_cluster_needs_a_range_that_reaches_it_and_a_live_one_does_not() -> None:
    (problem,) = found(NONE, cluster_publicAccessCidrs=[])
    assert problem.startswith("hello-platform:cluster.publicAccessCidrs: []: the addresses from which `pulumi up` runs")
    assert found(LIVE, cluster_publicAccessCidrs=[]) == []
    assert found(NONE, cluster_publicAccessCidrs=["203.0.113.0/24"]) == []


@pytest.mark.parametrize("preview", [True, False])
def test_the_program_refuses_before_it_registers_anything_else(preview: bool) -> None:
    with pytest.raises(pulumi.RunError, match=r"nothing was changed[\s\S]*publicAccessCidrs: \[\]"):
        run(PROGRAM, stack="dev", settings=changed({"cluster.publicAccessCidrs": []}), preview=preview)
    zones = changed({"network.zones": ["ap-northeast-2a", "ap-northeast-2b"]})
    with pytest.raises(pulumi.RunError, match="ap-northeast-2a and ap-northeast-2c first"):
        run(PROGRAM, stack="dev", settings=zones, preview=preview, live=LIVE)


def test_the_emulator_describes_a_cluster_and_its_subnets(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    cluster = invokes.invoke("aws:eks/getCluster:getCluster", world.caller, {"name": "hello"})
    subnets = [
        invokes.invoke("aws:ec2/getSubnet:getSubnet", world.caller, {"id": identifier})
        for identifier in cluster["vpcConfig"]["subnetIds"]
    ]
    assert [subnet["availabilityZone"] for subnet in subnets] == ["ap-northeast-2a", "ap-northeast-2c"]
    assert all(subnet["cidrBlock"].startswith("10.0.") for subnet in subnets)
