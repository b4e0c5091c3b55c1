"""The requests of an environment, and the number of nodes that it needs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config import PROJECT, Service, load
from config.capacity import (
    ON_EACH_ENVIRONMENT,
    ON_EVERY_NODE,
    Pods,
    Resources,
    available_on_node,
    demand,
    nodes_needed,
    releases,
)
from config.instance_types import instance_types
from contract.quantities import cpu_millis, memory_bytes
from tests.unit.config.configurations import changed
from tests.unit.program import CHECKOUT, STACKS, platform, run, stack_config
from tools.program.graph import every

MIB = 2**20


def service(*, cpu: str = "100m", memory: str = "128Mi", most: int = 2, exclusive: bool = False) -> Service:
    return Service.model_validate(
        {
            "port": 80,
            "healthPath": "/",
            "exclusive": exclusive,
            "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}},
            "replicas": {"dev": {"min": 1, "max": most}, "prod": {"min": 1, "max": most + 1}},
        }
    )


def test_the_demand_is_every_live_slot_at_its_maximum_and_the_largest_twice() -> None:
    services = {"small": service(), "large": service(cpu="1", memory="1Gi", most=3)}
    assert demand(releases(services, "dev")) == Resources(2 * 100 + 2 * 3000, (2 * 128 + 2 * 3072) * MIB, 2 + 2 * 3)
    assert demand(releases(services, "prod")) == Resources(3 * 100 + 2 * 4000, (3 * 128 + 2 * 4096) * MIB, 3 + 2 * 4)


def test_the_largest_may_be_another_in_each_respect() -> None:
    services = {"cpu": service(cpu="4", most=1), "memory": service(memory="4Gi", most=1), "pods": service(most=9)}
    moments = releases(services, "dev")
    assert [[pods.name for pods in moment] for moment in moments] == [[*services, name] for name in services]
    assert demand(moments) == Resources(2 * 4000 + 100 + 900, (128 + 2 * 4096 + 9 * 128) * MIB, 1 + 1 + 18)


def test_an_exclusive_service_has_no_second_slot() -> None:
    services = {"small": service(most=1), "alone": service(cpu="4", most=1, exclusive=True)}
    assert demand(releases(services, "dev")).cpu_millis == 4000 + 2 * 100
    assert demand(releases({"alone": services["alone"]}, "dev")).cpu_millis == 4000


def test_a_node_has_what_the_kubelet_and_the_daemonsets_leave() -> None:
    room = available_on_node(instance_types()["t3.large"])
    assert room.cpu_millis == 2000 - 70 - (50 + 100 + 30 + 100)
    assert room.pods == 35 - len(ON_EVERY_NODE)
    memory = 8192 - (255 + 11 * 35 + 100) - 8192 * 75 // 1000 - (120 + 384)
    assert room.memory == memory * MIB


def test_each_daemonset_has_one_pod_a_node_and_each_shared_program_one_an_environment() -> None:
    assert {pods.count for pods in (*ON_EVERY_NODE, *ON_EACH_ENVIRONMENT)} == {1}


def test_every_type_leaves_memory_for_pods() -> None:
    assert min(kind.allocatable_memory_mib for kind in instance_types().values()) > 0


NODE = Resources(1000, 1000, 10)


@pytest.mark.parametrize(
    ("pods", "nodes"),
    [
        ([], 0),
        ([Pods("a", Resources(500, 0, 1), 3)], 2),
        ([Pods("a", Resources(0, 600, 1), 3)], 3),
        ([Pods("a", Resources(0, 0, 1), 21)], 3),
        ([Pods("a", Resources(400, 0, 1), 2), Pods("b", Resources(600, 0, 1), 2)], 2),
        ([Pods("a", Resources(1000, 1000, 1), 1)], 1),
        ([Pods("a", Resources(1001, 0, 1), 1)], None),
        ([Pods("a", Resources(0, 1001, 1), 1)], None),
    ],
)
def test_pods_are_placed_by_cpu_memory_and_number(pods: list[Pods], nodes: int | None) -> None:
    assert nodes_needed(pods, NODE) == nodes


def test_a_node_that_the_daemonsets_overdraw_holds_nothing() -> None:
    assert nodes_needed([Pods("a", Resources(0, 0, 1), 1)], Resources(-1, 10, 10)) is None
    assert nodes_needed([Pods("a", Resources(1, 1, 1), 1)], Resources(10, 10, 0)) is None


PODS = st.lists(
    st.builds(
        Pods,
        st.sampled_from("abcdef"),
        st.builds(Resources, st.integers(0, 1000), st.integers(0, 1000), st.just(1)),
        st.integers(0, 30),
    ),
    max_size=6,
)
NODES = st.builds(Resources, st.integers(1000, 4000), st.integers(1000, 4000), st.integers(1, 40))


def by_hand(pods: Sequence[Pods], node: Resources, count: int) -> bool:
    """Whether first fit places all pods, one after the other, on `count` nodes."""
    left = [node] * count
    ordered = sorted(
        pods,
        key=lambda kind: (
            -max(kind.one.cpu_millis / node.cpu_millis, kind.one.memory / node.memory, 1 / node.pods),
            kind.name,
        ),
    )
    for pod in (kind.one for kind in ordered for _ in range(kind.count)):
        place = next(
            (
                index
                for index, room in enumerate(left)
                if room.cpu_millis >= pod.cpu_millis and room.memory >= pod.memory and room.pods >= 1
            ),
            None,
        )
        if place is None:
            return False
        left[place] = left[place] - pod
    return True


@given(PODS, NODES)
def test_the_nodes_needed_are_enough_one_fewer_is_not_and_more_never_hurt(pods: list[Pods], node: Resources) -> None:
    needed = nodes_needed(pods, node)
    assert needed is not None
    assert by_hand(pods, node, needed)
    assert by_hand(pods, node, needed + 1)
    assert needed == 0 or not by_hand(pods, node, needed - 1)


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 9), st.booleans()), min_size=1))
def test_a_further_service_or_replica_never_asks_for_less(shapes: list[tuple[int, int, int, bool]]) -> None:
    services = {
        f"s{index}": service(cpu=f"{cpu}m", memory=f"{memory}Mi", most=most, exclusive=exclusive)
        for index, (cpu, memory, most, exclusive) in enumerate(shapes)
    }
    more = demand(releases(services, "prod"))  # one replica more than on dev
    assert not fits(more, demand(releases(services, "dev")))
    services.popitem()
    assume(services)
    assert fits(demand(releases(services, "prod")), more)


def fits(request: Resources, offer: Resources) -> bool:
    """Whether an offer is at least as much as a request, in every respect."""
    return request.cpu_millis <= offer.cpu_millis and request.memory <= offer.memory and request.pods <= offer.pods


@pytest.mark.parametrize("name", ["cluster-autoscaler", "aws-load-balancer-controller"])
def test_a_program_of_the_clusters_own_asks_for_what_is_reserved_for_it(name: str) -> None:
    (reserved,) = (pods.one for pods in ON_EACH_ENVIRONMENT if pods.name == name)
    release = platform("dev", preview=False).release(name)
    requests = release.inputs["values"]["resources"]["requests"]
    assert reserved == Resources(cpu_millis(requests["cpu"]), memory_bytes(requests["memory"]), 1)


@pytest.mark.parametrize(("family", "image"), [("t3", "AL2023_x86_64_STANDARD"), ("t4g", "AL2023_ARM_64_STANDARD")])
def test_the_nodes_image_is_of_the_architecture_of_the_instances(family: str, image: str) -> None:
    settings = changed({f"environments.{name}.nodes.instanceType": f"{family}.large" for name in ("dev", "prod")})
    graph = run(CHECKOUT / "__main__.py", stack="dev", settings=settings, preview=True)
    groups = every(graph.of_type("eks:index:ManagedNodeGroup"))
    assert {group.inputs["amiType"] for group in groups} == {image}


@pytest.mark.parametrize("stack", STACKS)
def test_the_stacks_have_room_for_a_sixth_service(stack: str) -> None:
    config = stack_config(stack)
    services = {**json.loads(config[f"{PROJECT}:services"]), "sixth": {"port": 80, "healthPath": "/"}}
    assert "sixth" in load({**config, f"{PROJECT}:services": json.dumps(services)}).services
