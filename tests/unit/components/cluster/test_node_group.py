"""Node groups: labelled, prod tainted, one a zone where volumes live; machines that pods cannot take over."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from components.cluster.node_group import managed_groups, shares
from config import ENVIRONMENTS
from tests.unit.graph import Graph, Registration, every

MANAGED = "eks:index:ManagedNodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SUBNET = "aws:ec2/subnet:Subnet"
ZONES = ("ap-northeast-2a", "ap-northeast-2b", "ap-northeast-2c")


def nodes(least: int, desired: int, most: int, *, volumes: bool) -> config.Nodes:
    return config.Nodes.model_validate(
        {"instanceType": "m7i.large", "min": least, "desired": desired, "max": most, "volumes": volumes}
    )


def in_order(sizes: tuple[int, int, int], volumes: bool) -> config.Nodes:
    least, desired, most = sorted(sizes)
    return nodes(least, desired, most, volumes=volumes)


SIZES = st.integers(1, 4) | st.integers(1, 100)
NODES = st.builds(in_order, st.tuples(SIZES, SIZES, SIZES), st.booleans())


def of(graph: Graph, environment: str) -> list[Registration]:
    return every(
        (one for one in graph.of_type(MANAGED) if one.inputs["labels"]["environment"] == environment), environment
    )


@given(st.integers(0, 1000), st.integers(1, 10))
def test_shares_sum_up_and_differ_by_one_at_most(total: int, parts: int) -> None:
    made = shares(total, parts)
    assert len(made) == parts
    assert sum(made) == total
    assert max(made) - min(made) <= 1


@given(NODES, st.integers(2, 3))
def test_the_groups_together_have_the_sizes_that_were_asked_for(wanted: config.Nodes, zones: int) -> None:
    groups = managed_groups("hello-dev-dev", wanted, ZONES[:zones])
    for size in ("min", "desired", "max"):
        assert sum(getattr(group, size) for group in groups) == getattr(wanted, size)


@given(NODES, st.integers(2, 3))
def test_every_group_has_sizes_that_eks_takes(wanted: config.Nodes, zones: int) -> None:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html."""
    for group in managed_groups("hello-dev-dev", wanted, ZONES[:zones]):
        assert 0 <= group.min <= group.desired <= group.max
        assert group.max >= 1


@given(NODES, st.integers(2, 3))
def test_a_group_with_volumes_stands_in_one_zone_and_one_without_in_all(wanted: config.Nodes, zones: int) -> None:
    groups = managed_groups("hello-dev-dev", wanted, ZONES[:zones])
    if wanted.volumes:
        assert [list(group.zones) for group in groups] == [[zone] for zone in ZONES[: min(zones, wanted.max)]]
    else:
        assert [list(group.zones) for group in groups] == [list(ZONES[:zones])]


@given(NODES)
def test_a_zone_that_is_added_takes_no_group_with_volumes_away(wanted: config.Nodes) -> None:
    wanted = wanted.model_copy(update={"volumes": True})
    two, three = (managed_groups("hello-dev-dev", wanted, ZONES[:zones]) for zones in (2, 3))
    assert [(group.name, group.zones) for group in two] == [(group.name, group.zones) for group in three][: len(two)]


def test_groups_are_named_by_their_zones() -> None:
    """EKS cannot change a group's subnets: a group with one zone more is another one, at first beside the old one."""
    assert [group.name for group in managed_groups("x", nodes(2, 2, 4, volumes=True), ZONES)] == ["x-a", "x-b", "x-c"]
    assert [group.name for group in managed_groups("x", nodes(2, 2, 4, volumes=False), ZONES)] == ["x-abc"]


def test_each_environment_has_nodes_that_carry_its_label(graph: Graph) -> None:
    for environment in ENVIRONMENTS:
        assert all(one.inputs["labels"] == {"environment": environment} for one in of(graph, environment))
    assert {one.inputs["labels"]["environment"] for one in graph.of_type(MANAGED)} == set(ENVIRONMENTS)


def test_tools_with_volumes_have_a_group_in_each_zone(known: Graph) -> None:
    zones = {one.inputs["availabilityZone"] for one in known.of_type(SUBNET)}
    assert len(of(known, "dev")) == len(zones)
    assert all(len(one.inputs["subnetIds"]) == 1 for one in of(known, "dev"))
    assert len(of(known, "prod")) == 1


def test_prods_nodes_refuse_others_pods_and_devs_do_not(graph: Graph) -> None:
    for one in of(graph, "dev"):
        assert one.inputs.get("taints", []) == []
    for one in of(graph, "prod"):
        assert one.inputs["taints"] == [{"key": "environment", "value": "prod", "effect": "NO_SCHEDULE"}]


def test_an_autoscalers_number_of_nodes_is_left_alone(graph: Graph) -> None:
    for one in graph.of_type(MANAGED):
        assert one.inputs["ignoreScalingChanges"] is True


def test_the_launch_template_is_used_and_nothing_goes_round_it(known: Graph) -> None:
    templates = {one.parent: one.urn for one in known.of_type(TEMPLATE)}
    for group in known.of_type(MANAGED):
        assert group.inputs["launchTemplate"]["version"] == "1"
        assert templates[group.parent] in group.dependencies
        assert not group.inputs.keys() & {"enableIMDSv2", "diskSize", "remoteAccess", "nodeadmExtraOptions"}


def test_another_instance_type_replaces_no_node_group(graph: Graph) -> None:
    """On the node group it would: https://www.pulumi.com/registry/packages/aws/api-docs/eks/nodegroup/."""
    for group in graph.of_type(MANAGED):
        assert "instanceTypes" not in group.inputs
    for template in graph.of_type(TEMPLATE):
        assert template.inputs["instanceType"]


def test_a_change_of_the_cluster_that_a_preview_does_not_know_replaces_no_node_group(known: Graph) -> None:
    (cluster,) = known.of_type("eks:index:Cluster")
    for group in known.of_type(MANAGED):
        assert group.inputs["clusterName"] == cluster.inputs["name"]


def test_pods_cannot_reach_a_nodes_credentials(graph: Graph) -> None:
    for one in graph.of_type(TEMPLATE):
        assert one.inputs["metadataOptions"] == {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        }


def test_volumes_of_nodes_are_encrypted_gp3_and_go_with_them(graph: Graph) -> None:
    for one in graph.of_type(TEMPLATE):
        (mapping,) = one.inputs["blockDeviceMappings"]
        assert mapping["deviceName"] == "/dev/xvda"
        assert mapping["ebs"]["volumeType"] == "gp3"
        assert mapping["ebs"]["encrypted"] == "true"
        assert mapping["ebs"]["deleteOnTermination"] == "true"
        assert mapping["ebs"]["volumeSize"] == 50


def test_what_a_node_group_makes_carries_the_stacks_tags(graph: Graph) -> None:
    """The provider's default tags do not reach what Auto Scaling makes."""
    (provider,) = graph.of_type("pulumi:providers:aws")
    for one in graph.of_type(TEMPLATE):
        tags = {each["resourceType"]: each["tags"] for each in one.inputs["tagSpecifications"]}
        assert set(tags) == {"instance", "volume", "network-interface"}
        for made in tags.values():
            assert made == {**json.loads(provider.inputs["defaultTags"])["tags"], "Name": one.name}


def test_eks_chooses_the_security_groups_the_instance_profile_and_the_image(graph: Graph) -> None:
    theirs = {"vpcSecurityGroupIds", "securityGroupNames", "networkInterfaces", "iamInstanceProfile", "imageId"}
    for one in graph.of_type(TEMPLATE):
        assert not one.inputs.keys() & {*theirs, "userData"}
    for group in graph.of_type(MANAGED):
        assert group.inputs["amiType"].startswith("AL2023_")


def test_nodes_stand_in_private_subnets(known: Graph) -> None:
    subnets = {one.id: one for one in known.of_type(SUBNET)}
    for group in known.of_type(MANAGED):
        for subnet in group.inputs["subnetIds"]:
            assert "kubernetes.io/role/internal-elb" in subnets[subnet].inputs["tags"]


def test_a_group_stands_in_the_zones_of_its_name(known: Graph) -> None:
    subnets = {one.id: one for one in known.of_type(SUBNET)}
    for group in known.of_type(MANAGED):
        zones = sorted(subnets[subnet].inputs["availabilityZone"][-1] for subnet in group.inputs["subnetIds"])
        assert group.inputs["nodeGroupName"].rpartition("-")[2] == "".join(zones)


def test_a_node_may_join_before_it_is_made_and_leave_before_it_may_not(graph: Graph) -> None:
    for group in graph.of_type(MANAGED):
        (role,) = (one for one in graph.of_type("hello:platform:Role") if one.parent == group.parent)
        permissions = {one.urn for one in graph.children(role) if "Attachment" in one.type}
        assert len(permissions) == 2
        assert permissions <= group.dependencies


def test_a_node_finds_the_network_and_the_pods_identities_when_it_comes_up(graph: Graph) -> None:
    before = {
        one.urn
        for one in graph.of_type("aws:eks/addon:Addon")
        if one.inputs["addonName"] in {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}
    }
    assert len(before) == 3
    for group in graph.of_type(MANAGED):
        assert before <= group.dependencies


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_pods_leave_before_their_nodes_do(graph: Graph, environment: str) -> None:
    (namespace,) = (one for one in graph.of_kind("Namespace") if one.metadata["name"] == environment)
    for group in of(graph, environment):
        assert group.urn in graph.comes_after(namespace)
