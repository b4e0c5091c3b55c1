"""Targets that may get requests, and their addresses."""

from __future__ import annotations

from typing import Any

from rehearsal.front_door.load_balancers import Target, targets
from tests.unit.rehearsal.front_door.account import (
    BACKEND,
    NODES,
    instance,
    permission,
    security_group,
    state,
    target,
    target_group,
)


def found(*wanted: dict[str, Any], **changes: Any) -> list[Target]:
    return targets(target_group("a", *wanted), state(**changes))


def reachable(*permissions: dict[str, Any]) -> bool:
    (one,) = found(target("i-prod1", 31001), security_groups=[security_group(NODES, *permissions)])
    return one.reachable


def test_an_instance_is_reached_by_its_private_address() -> None:
    assert found(target("i-prod1", 31001)) == [
        Target(name="i-prod1:31001", address="10.44.0.1", port=31001, reachable=True)
    ]


def test_an_address_is_reached_where_the_security_groups_of_its_interface_let_the_load_balancer_in() -> None:
    addresses = [{"PrivateIpAddress": "10.44.0.1"}, {"PrivateIpAddress": "10.44.0.9"}]
    interface = {"PrivateIpAddresses": addresses, "Groups": [{"GroupId": NODES}]}
    pods = target_group("a", target("10.44.0.9", 8080), target("10.44.0.8", 8080), TargetType="ip")
    guards = [security_group(NODES, permission(8080, 8080, group=BACKEND))]
    other, own = targets(pods, state(interfaces=[interface], security_groups=guards))
    assert own == Target(name="10.44.0.9:8080", address="10.44.0.9", port=8080, reachable=True)
    assert not other.reachable


def test_an_instance_that_is_gone_or_does_not_run_is_no_target() -> None:
    assert found(target("i-prod9", 31001)) == []
    assert found(target("i-1", 31001), instances=[instance("i-1", "10.0.0.1", "stopped")]) == []


def test_a_target_without_a_port_has_that_of_its_group() -> None:
    one = target("i-prod1", 0)
    del one["Target"]["Port"]
    (alone,) = targets(target_group("a", one, Port=31007), state())
    assert alone.port == 31007


def test_a_node_is_reached_where_its_security_groups_let_the_load_balancer_in() -> None:
    assert reachable(permission(30000, 32767, group=BACKEND))
    assert reachable(permission(0, 0, group="sg-public", protocol="-1"))
    assert reachable(permission(31001, 31001, "0.0.0.0/0"))
    assert not reachable(permission(30000, 31000, group=BACKEND))
    assert not reachable(permission(30000, 32767, group="sg-staff"))
    assert not reachable(permission(30000, 32767, group=BACKEND, protocol="udp"))
    assert not reachable()
