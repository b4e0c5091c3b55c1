"""Nodes of a rehearsal have the size, labels, taints and names of EKS nodes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.instance_types import instance_types
from rehearsal.nodes import NodeGroupSpec, Taint, node
from tests.instances import instances, nodes

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
    kind = instance_types()[name]
    assert (kind.allocatable_cpu_millis, kind.allocatable_memory_mib, kind.pods) == (cpu, memory, pods)


def test_only_the_first_network_card_counts_as_the_vpc_cni_uses_no_other() -> None:
    assert instance_types()["c6in.32xlarge"].address_pods == 8 * 49 + 2


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


def test_a_node_is_its_instance() -> None:
    (instance,) = instances(replace(GROUP, desired=1))
    made = node(GROUP, instance)
    assert made["metadata"]["name"] == instance.name
    assert made["spec"]["providerID"] == f"aws:///{instance.zone}/{instance.id}"
    assert made["status"]["addresses"] == [
        {"type": "InternalIP", "address": instance.address},
        {"type": "Hostname", "address": instance.name},
        {"type": "InternalDNS", "address": instance.name},
    ]


@given(GROUPS)
def test_pods_never_get_more_than_there_is(group: NodeGroupSpec) -> None:
    for made in nodes(group):
        capacity, allocatable = made["status"]["capacity"], made["status"]["allocatable"]
        assert capacity.keys() == allocatable.keys()
        assert all(0 <= _amount(allocatable[name]) <= _amount(capacity[name]) for name in capacity)


def _amount(quantity: str) -> Decimal:
    number, suffix = quantity.rstrip("mMGi"), quantity.lstrip("0123456789")
    return Decimal(number) * {"": Decimal(1), "m": Decimal("0.001"), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}[suffix]
