"""Nodes of a rehearsal are what EKS's would be: size, labels, taints, names."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.errors import RehearsalError
from rehearsal.instance_types import instance_type
from rehearsal.nodes import NodeGroupSpec, Taint, node_names, nodes

GROUP = NodeGroupSpec(
    name="prod-a",
    instance_type="t3.large",
    desired=4,
    labels={"environment": "prod"},
    taints=(Taint("environment", "prod", "NoSchedule"),),
    region="ap-northeast-2",
    subnets={f"ap-northeast-2{letter}": f"10.20.{64 * at}.0/18" for at, letter in enumerate("abc")},
)

KINDS = st.sampled_from(["t3.nano", "t3.small", "t3.large", "m7g.xlarge", "m5.4xlarge", "c5.9xlarge", "c6in.32xlarge"])

GROUPS = st.builds(
    replace,
    st.just(GROUP),
    name=st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}", fullmatch=True),
    desired=st.integers(0, 60),
    instance_type=KINDS,
    subnets=st.lists(st.sampled_from("abcd"), min_size=1, unique=True).map(
        lambda letters: {f"ap-northeast-2{letter}": f"10.20.{at}.0/25" for at, letter in enumerate(letters)}
    ),
)


# Pods: AWS's own list, https://github.com/awslabs/amazon-eks-ami, eni-max-pods.txt; 110 and 250 are the most that a
# managed node group allows. CPU: what nodes of EKS show (`1930m` of 2, `3920m` of 4, `15890m` of 16).
@pytest.mark.parametrize(
    ("name", "cpu", "memory", "pods"),
    [
        ("t3.medium", 1930, 4096 - 255 - 11 * 17 - 100, 17),
        ("t3.large", 1930, 8192 - 255 - 11 * 35 - 100, 35),
        ("m5.large", 1930, 8192 - 255 - 11 * 29 - 100, 29),
        ("m5.xlarge", 3920, 16384 - 255 - 11 * 58 - 100, 58),
        ("m5.4xlarge", 15890, 65536 - 255 - 11 * 234 - 100, 110),
        ("c5.9xlarge", 35840, 73728 - 255 - 11 * 234 - 100, 234),
        ("m5.24xlarge", 95690, 393216 - 255 - 11 * 737 - 100, 250),
    ],
)
def test_pods_can_request_what_the_kubelet_leaves_of_an_instance(name: str, cpu: int, memory: int, pods: int) -> None:
    kind = instance_type(name)
    assert (kind.allocatable_cpu_millis, kind.allocatable_memory_mib, kind.pods) == (cpu, memory, pods)


def test_only_the_first_network_card_counts_as_the_vpc_cni_uses_no_other() -> None:
    assert instance_type("c6in.32xlarge").address_pods == 8 * 49 + 2


def test_an_unknown_instance_type_is_refused_by_its_name() -> None:
    with pytest.raises(RehearsalError, match=r"no EC2 instance type 't9\.gigantic'"):
        nodes(replace(GROUP, instance_type="t9.gigantic"))


def test_a_node_carries_the_groups_labels_and_those_that_eks_sets() -> None:
    node = nodes(GROUP)[1]
    assert node["metadata"]["labels"] == {
        "environment": "prod",
        "eks.amazonaws.com/capacityType": "ON_DEMAND",
        "eks.amazonaws.com/nodegroup": "prod-a",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": node["metadata"]["name"],
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "t3.large",
        "topology.kubernetes.io/region": "ap-northeast-2",
        "topology.kubernetes.io/zone": "ap-northeast-2b",
    }


def test_a_node_carries_the_groups_taints() -> None:
    assert nodes(GROUP)[0]["spec"]["taints"] == [{"key": "environment", "value": "prod", "effect": "NoSchedule"}]
    assert "taints" not in nodes(replace(GROUP, taints=()))[0]["spec"]


def test_arm_instances_are_arm_nodes() -> None:
    node = nodes(replace(GROUP, instance_type="m7g.large"))[0]
    assert node["metadata"]["labels"]["kubernetes.io/arch"] == "arm64"
    assert node["status"]["nodeInfo"]["architecture"] == "arm64"


def test_a_node_is_named_as_ec2_names_it_by_its_address() -> None:
    node = nodes(GROUP)[0]
    address = node["status"]["addresses"][0]["address"]
    assert node["metadata"]["name"] == f"ip-{address.replace('.', '-')}.ap-northeast-2.compute.internal"
    virginia = nodes(replace(GROUP, region="us-east-1"))[0]
    assert virginia["metadata"]["name"] == f"ip-{address.replace('.', '-')}.ec2.internal"


@given(GROUPS)
def test_a_group_has_as_many_nodes_as_desired_each_a_valid_one_of_its_own(group: NodeGroupSpec) -> None:
    made = nodes(group)
    names = [node["metadata"]["name"] for node in made]
    assert names == node_names(group)
    assert len(names) == len(set(names)) == group.desired
    assert len({node["spec"]["providerID"] for node in made}) == group.desired
    for node in made:
        assert re.fullmatch(r"ip-10-\d+-\d+-\d+\.[a-z0-9.-]+", node["metadata"]["name"])
        assert re.fullmatch(r"aws:///[a-z0-9-]+/i-[0-9a-f]{17}", node["spec"]["providerID"])


@given(GROUPS, st.integers(0, 60))
def test_a_group_that_grows_or_shrinks_keeps_its_other_nodes(group: NodeGroupSpec, desired: int) -> None:
    kept = min(group.desired, desired)
    assert nodes(replace(group, desired=desired))[:kept] == nodes(group)[:kept]


@given(GROUPS)
def test_a_nodes_address_lies_in_its_zones_subnet(group: NodeGroupSpec) -> None:
    for node in nodes(group):
        subnet = IPv4Network(group.subnets[node["metadata"]["labels"]["topology.kubernetes.io/zone"]])
        assert address(node) in list(subnet)[4:-1]


@given(st.lists(GROUPS, max_size=8, unique_by=lambda group: group.name), st.data())
def test_no_two_nodes_have_the_same_address_and_each_keeps_its_own(
    groups: list[NodeGroupSpec], data: st.DataObject
) -> None:
    there: list[dict[str, Any]] = []
    narrow = [replace(group, desired=group.desired % 8, subnets={"a": "10.20.0.0/26"}) for group in groups]
    for group in narrow:
        there += nodes(group, there)
    assert len({address(node) for node in there}) == len(there)
    if narrow:
        group = data.draw(st.sampled_from(narrow))
        kept = [node for node in there if data.draw(st.booleans()) or of_group(node) == group.name]
        assert nodes(group, kept) == [node for node in there if of_group(node) == group.name]


def test_a_subnet_that_is_full_is_named() -> None:
    with pytest.raises(RehearsalError, match=r"10\.20\.0\.0/28 has no address left.*prod-a"):
        nodes(replace(GROUP, desired=12, subnets={"a": "10.20.0.0/28"}))


def address(node: dict[str, Any]) -> IPv4Address:
    return IPv4Address(node["status"]["addresses"][0]["address"])


def of_group(node: dict[str, Any]) -> str:
    return node["metadata"]["labels"]["eks.amazonaws.com/nodegroup"]


@given(GROUPS)
def test_nodes_are_spread_evenly_over_the_zones(group: NodeGroupSpec) -> None:
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes(group)]
    counts = [zones.count(zone) for zone in group.subnets]
    assert sum(counts) == group.desired
    assert max(counts) - min(counts) <= 1


@given(GROUPS)
def test_pods_never_get_more_than_there_is(group: NodeGroupSpec) -> None:
    for node in nodes(group):
        capacity, allocatable = node["status"]["capacity"], node["status"]["allocatable"]
        assert capacity.keys() == allocatable.keys()
        assert all(0 <= _amount(allocatable[name]) <= _amount(capacity[name]) for name in capacity)


def _amount(quantity: str) -> Decimal:
    number, suffix = quantity.rstrip("mMGi"), quantity.lstrip("0123456789")
    return Decimal(number) * {"": Decimal(1), "m": Decimal("0.001"), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}[suffix]
