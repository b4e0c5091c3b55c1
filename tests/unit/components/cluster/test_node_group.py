"""Node groups: sizes, zones, labels, taints, launch template."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
import versions
from components.cluster.live import LiveCluster, LiveNodeGroup, Sizes, newest_release
from components.cluster.node_group import WEEKDAYS, managed_groups, recurrence, shares
from config import ENVIRONMENTS
from tests.unit.changes.differences import operations
from tests.unit.config.configurations import changed
from tests.unit.program import CHECKOUT, configured, run, stack_config
from tools.program.graph import Graph, Registration, every

MANAGED = "eks:index:ManagedNodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SUBNET = "aws:ec2/subnet:Subnet"
ZONES = ("ap-northeast-2a", "ap-northeast-2b", "ap-northeast-2c")


def nodes(minimum: int, desired: int, maximum: int, *, volumes: bool) -> config.Nodes:
    return config.Nodes.model_validate(
        {"instanceType": "m7i.large", "min": minimum, "desired": desired, "max": maximum, "volumes": volumes}
    )


def in_order(sizes: tuple[int, int, int], volumes: bool) -> config.Nodes:
    minimum, desired, maximum = sorted(sizes)
    return nodes(minimum, desired, maximum, volumes=volumes)


SIZES = st.integers(1, 4) | st.integers(1, 100)
NODES = st.builds(in_order, st.tuples(SIZES, SIZES, SIZES), st.booleans())


def groups_of(graph: Graph, environment: str) -> list[Registration]:
    return every(
        (one for one in graph.of_type(MANAGED) if one.inputs["labels"]["environment"] == environment), environment
    )


@given(st.integers(0, 1000), st.integers(1, 10))
def test_shares_add_up_and_differ_by_at_most_one(total: int, parts: int) -> None:
    numbers = shares(total, parts)
    assert len(numbers) == parts
    assert sum(numbers) == total
    assert max(numbers) - min(numbers) <= 1


@given(NODES, st.integers(2, 3))
def test_the_groups_together_have_the_configured_sizes(expected: config.Nodes, zones: int) -> None:
    groups = managed_groups("hello-dev-dev", expected, ZONES[:zones])
    for size in ("min", "desired", "max"):
        assert sum(getattr(group.sizes, size) for group in groups) == getattr(expected, size)


@given(NODES, st.integers(2, 3))
def test_every_group_has_sizes_that_eks_allows(expected: config.Nodes, zones: int) -> None:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html."""
    for group in managed_groups("hello-dev-dev", expected, ZONES[:zones]):
        assert 0 <= group.sizes.min <= group.sizes.desired <= group.sizes.max
        assert group.sizes.max >= 1


@given(NODES, st.integers(2, 3))
def test_volumes_need_a_group_in_each_zone_and_otherwise_the_first_two_zones_share_one(
    expected: config.Nodes, zones: int
) -> None:
    groups = [list(group.zones) for group in managed_groups("hello-dev-dev", expected, ZONES[:zones])]
    if expected.volumes:
        assert groups == [[zone] for zone in ZONES[: min(zones, expected.max)]]
    else:
        assert groups == [list(ZONES[:2]), *([zone] for zone in ZONES[2 : min(zones, expected.max)])]


@given(NODES)
def test_another_zone_replaces_no_group(expected: config.Nodes) -> None:
    """EKS sets the size of a group that is replaced to 0, and ends its nodes after five minutes.

    https://docs.aws.amazon.com/eks/latest/userguide/delete-managed-node-group.html
    """
    two, three = (managed_groups("hello-dev-dev", expected, ZONES[:zones]) for zones in (2, 3))
    assert [(group.name, group.zones) for group in two] == [(group.name, group.zones) for group in three][: len(two)]


def test_the_first_zones_in_another_order_are_the_same_group() -> None:
    zones = [ZONES[1], ZONES[0], *ZONES[2:]]
    assert managed_groups("x", nodes(2, 2, 4, volumes=False), zones) == managed_groups(
        "x", nodes(2, 2, 4, volumes=False), ZONES
    )


def test_groups_are_named_by_their_zones() -> None:
    """EKS cannot change a group's subnets: for another zone the group is replaced, and needs another name."""
    assert [group.name for group in managed_groups("x", nodes(2, 2, 4, volumes=True), ZONES)] == ["x-a", "x-b", "x-c"]
    assert [group.name for group in managed_groups("x", nodes(2, 2, 4, volumes=False), ZONES)] == ["x-ab", "x-c"]


def test_each_environment_has_nodes_with_its_label(graph: Graph) -> None:
    for environment in ENVIRONMENTS:
        assert all(one.inputs["labels"] == {"environment": environment} for one in groups_of(graph, environment))
    assert {one.inputs["labels"]["environment"] for one in graph.of_type(MANAGED)} == set(ENVIRONMENTS)


def test_dev_has_a_group_in_each_zone_for_the_volumes_of_tooling(known: Graph) -> None:
    zones = {one.inputs["availabilityZone"] for one in known.of_type(SUBNET)}
    assert len(groups_of(known, "dev")) == len(zones)
    assert all(len(one.inputs["subnetIds"]) == 1 for one in groups_of(known, "dev"))
    assert len(groups_of(known, "prod")) == len(zones) - 1


def test_only_prods_nodes_are_tainted(graph: Graph) -> None:
    for one in groups_of(graph, "dev"):
        assert one.inputs.get("taints", []) == []
    for one in groups_of(graph, "prod"):
        assert one.inputs["taints"] == [{"key": "environment", "value": "prod", "effect": "NO_SCHEDULE"}]


def test_the_desired_size_is_the_autoscalers(graph: Graph) -> None:
    for one in graph.of_type(MANAGED):
        assert one.inputs["ignoreScalingChanges"] is True


def test_a_change_of_the_limits_sends_the_live_size_and_nothing_else_does() -> None:
    sizes = {
        "hello-dev-dev-a": Sizes(min=1, desired=3, max=3),
        "hello-dev-dev-c": Sizes(min=0, desired=0, max=3),
        "hello-dev-prod-ac": Sizes(min=2, desired=3, max=6),
    }
    ranges = {"ap-northeast-2a": "10.10.240.0/28", "ap-northeast-2c": "10.10.240.32/28"}
    newer = versions.NODE_IMAGE_RELEASE.partition("-")[0] + "-20991231"
    live = LiveCluster(
        control_plane=ranges, node_groups={name: LiveNodeGroup(sizes=of, release=newer) for name, of in sizes.items()}
    )
    groups = run(CHECKOUT / "__main__.py", stack="dev", settings=stack_config("dev"), preview=False, live=live).of_type(
        MANAGED
    )
    assert {one.inputs["releaseVersion"] for one in groups} == {newer}, "EKS takes no group back to an earlier one"
    scaling = {one.name: (one.inputs["scalingConfig"], one.inputs["ignoreScalingChanges"]) for one in groups}
    assert scaling == {
        "hello-dev-dev-a": ({"minSize": 1, "desiredSize": 3, "maxSize": 3}, True),  # limits as configured
        "hello-dev-dev-c": ({"minSize": 1, "desiredSize": 1, "maxSize": 3}, False),  # the minimum was 0
        "hello-dev-prod-ac": ({"minSize": 2, "desiredSize": 3, "maxSize": 4}, False),  # the maximum was 6
    }


@pytest.mark.parametrize(
    ("live", "taken"),
    [
        (None, "1.36.1-20260930"),
        ("1.36.1-20260901", "1.36.1-20260930"),
        ("1.36.1-20261101", "1.36.1-20261101"),
        ("1.36.10-20261101", "1.36.10-20261101"),
        ("1.35.4-20261101", "1.36.1-20260930"),
    ],
    ids=["a new group", "an older one", "a newer one", "a newer patch", "before an upgrade of Kubernetes"],
)
def test_a_group_is_never_taken_back_to_an_earlier_release_of_its_image(live: str | None, taken: str) -> None:
    assert newest_release("1.36.1-20260930", live) == taken


def test_node_groups_use_the_launch_template_only(known: Graph) -> None:
    templates = {one.parent: one.urn for one in known.of_type(TEMPLATE)}
    for group in known.of_type(MANAGED):
        assert group.inputs["launchTemplate"]["version"] == "1"
        assert templates[group.parent] in group.dependencies
        assert not group.inputs.keys() & {"enableIMDSv2", "diskSize", "remoteAccess", "nodeadmExtraOptions"}


def test_a_changed_instance_type_replaces_no_node_group(graph: Graph) -> None:
    """On the node group it would: https://www.pulumi.com/registry/packages/aws/api-docs/eks/nodegroup/."""
    for group in graph.of_type(MANAGED):
        assert "instanceTypes" not in group.inputs
    for template in graph.of_type(TEMPLATE):
        assert template.inputs["instanceType"]


def test_types_of_another_architecture_make_groups_beside_the_old_ones() -> None:
    """The image's architecture is fixed: a group of the same name is deleted first, and its environment is down.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html
    """
    arm = {f"environments.{environment}.nodes.instanceType": "t4g.large" for environment in ENVIRONMENTS}
    before, after = configured(changed({})), configured(changed(arm))
    found = operations(before, after)
    groups = {name.removeprefix(f"{MANAGED}::"): done for name, done in found.items() if name.startswith(MANAGED)}
    assert {name for name, done in groups.items() if done == "delete"} == {one.name for one in before.of_type(MANAGED)}
    assert {name for name, done in groups.items() if done == "create"} == {one.name for one in after.of_type(MANAGED)}
    assert {one.inputs["amiType"] for one in after.of_type(MANAGED)} == {"AL2023_ARM_64_STANDARD"}


def test_a_changed_cluster_replaces_no_node_group(known: Graph) -> None:
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


def test_root_volumes_are_encrypted_gp3_and_deleted_with_the_node(graph: Graph) -> None:
    for one in graph.of_type(TEMPLATE):
        (mapping,) = one.inputs["blockDeviceMappings"]
        assert mapping["deviceName"] == "/dev/xvda"
        assert mapping["ebs"]["volumeType"] == "gp3"
        assert mapping["ebs"]["encrypted"] == "true"
        assert mapping["ebs"]["deleteOnTermination"] == "true"
        assert mapping["ebs"]["volumeSize"] == 50


def test_resources_of_a_node_group_have_the_stacks_tags(graph: Graph) -> None:
    """The provider's default tags do not apply to resources that Auto Scaling creates."""
    provider = graph.named("pulumi:providers:aws", "aws")
    for one in graph.of_type(TEMPLATE):
        tags = {each["resourceType"]: each["tags"] for each in one.inputs["tagSpecifications"]}
        assert set(tags) == {"instance", "volume", "network-interface"}
        for tags_of_type in tags.values():
            assert tags_of_type == {**json.loads(provider.inputs["defaultTags"])["tags"], "Name": one.name}


def test_eks_chooses_the_security_groups_the_instance_profile_and_the_image(graph: Graph) -> None:
    chosen_by_eks = {"vpcSecurityGroupIds", "securityGroupNames", "networkInterfaces", "iamInstanceProfile", "imageId"}
    for one in graph.of_type(TEMPLATE):
        assert not one.inputs.keys() & {*chosen_by_eks, "userData"}
    for group in graph.of_type(MANAGED):
        assert group.inputs["amiType"].startswith("AL2023_")


def test_nodes_are_in_private_subnets(known: Graph) -> None:
    subnets = {one.id: one for one in known.of_type(SUBNET)}
    for group in known.of_type(MANAGED):
        for subnet in group.inputs["subnetIds"]:
            assert "kubernetes.io/role/internal-elb" in subnets[subnet].inputs["tags"]


def test_a_group_is_in_the_zones_of_its_name(known: Graph) -> None:
    subnets = {one.id: one for one in known.of_type(SUBNET)}
    for group in known.of_type(MANAGED):
        zones = sorted(subnets[subnet].inputs["availabilityZone"][-1] for subnet in group.inputs["subnetIds"])
        assert group.inputs["nodeGroupName"].rpartition("-")[2] == "".join(zones)


def test_node_groups_depend_on_the_policies_of_their_role(graph: Graph) -> None:
    for group in graph.of_type(MANAGED):
        (role,) = (one for one in graph.of_type("hello:platform:Role") if one.parent == group.parent)
        permissions = {one.urn for one in graph.children(role) if "Attachment" in one.type}
        assert len(permissions) == 2
        assert permissions <= group.dependencies


def test_node_groups_depend_on_the_addons_that_nodes_need(graph: Graph) -> None:
    addons = {
        one.urn
        for one in graph.of_type("aws:eks/addon:Addon")
        if one.inputs["addonName"] in {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}
    }
    assert len(addons) == 3
    for group in graph.of_type(MANAGED):
        assert addons <= group.dependencies


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_pods_are_deleted_before_their_nodes(graph: Graph, environment: str) -> None:
    (namespace,) = (one for one in graph.of_kind("Namespace") if one.metadata["name"] == environment)
    for group in groups_of(graph, environment):
        assert group.urn in graph.comes_after(namespace)


SPOT: dict[str, Any] = {"instanceTypes": ["m7i.large", "m6i.large", "m5.large"], "spot": True, "max": 4}


def with_service_nodes(**nodes: object) -> Graph:
    """The dev stack with nodes for dev's services alone."""
    settings = changed({"environments.dev.serviceNodes": {**SPOT, **nodes}})
    return run(CHECKOUT / "__main__.py", stack="dev", settings=settings, preview=False)


def service_groups(graph: Graph) -> list[Registration]:
    return every(one for one in graph.of_type(MANAGED) if one.inputs["labels"].get("nodes") == "services")


def test_service_nodes_are_spot_instances_of_several_types_that_only_services_tolerate() -> None:
    graph = with_service_nodes()
    templates = {one.parent: one for one in graph.of_type(TEMPLATE)}
    for one in service_groups(graph):
        assert one.inputs["capacityType"] == "SPOT"
        assert one.inputs["instanceTypes"] == ["m5.large", "m6i.large", "m7i.large"]
        assert "instanceType" not in templates[one.parent].inputs
        assert one.inputs["labels"] == {"environment": "dev", "nodes": "services"}
        assert one.inputs["taints"] == [{"key": "nodes", "value": "services", "effect": "NO_SCHEDULE"}]
        assert (one.inputs["scalingConfig"]["minSize"], one.inputs["scalingConfig"]["maxSize"]) == (0, 4)
    assert graph.outputs["nodeGroups"]["dev-services"]["taint"] == "nodes=services:NoSchedule"


def test_only_devs_services_tolerate_the_taint_of_service_nodes() -> None:
    """Tools hold data, and system pods serve prod too: they stay on nodes that AWS does not take back."""
    graph = with_service_nodes()
    tolerating = {one.urn for one in graph.resources.values() if "'key': 'nodes'" in str(one.inputs)}
    pods = [*graph.of_kind("PodTemplate"), *(one for one in graph.of_kind("Deployment") if "BlueGreen" in one.parent)]
    of_dev = {one.urn for one in pods if one.metadata["namespace"] == "dev"}
    assert tolerating == {*of_dev, *(one.urn for one in service_groups(graph))}


def test_other_types_or_spot_make_groups_of_another_name() -> None:
    """EKS cannot change either: a group of the same name would be refused while the old one exists."""
    types: list[str] = SPOT["instanceTypes"]
    variants: list[dict[str, object]] = [
        {},
        {"spot": False},
        {"instanceTypes": types[:1]},
        {"instanceTypes": types[::-1]},
    ]
    names = [{one.inputs["nodeGroupName"] for one in service_groups(with_service_nodes(**nodes))} for nodes in variants]
    assert names[0] == names[3]
    assert not names[0] & names[1]
    assert not names[0] & names[2]


def test_a_schedule_sets_every_group_to_0_and_back() -> None:
    """The maximum too, or the autoscaler would add nodes for the pods that wait; EKS takes no maximum of 0.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html
    """
    hours = {"start": "08:30", "stop": "20:00", "timeZone": "Asia/Seoul"}
    graph = with_service_nodes(hours=hours, min=1)
    schedules = graph.of_type("aws:autoscaling/schedule:Schedule")
    by_group: dict[str, dict[str, object]] = {group.inputs["nodeGroupName"]: {} for group in service_groups(graph)}
    for one in every(schedules):
        assert one.inputs["timeZone"] == "Asia/Seoul"
        sizes = tuple(one.inputs[name] for name in ("minSize", "desiredCapacity", "maxSize"))
        group = one.inputs["autoscalingGroupName"].removeprefix("eks-")
        by_group[group][one.name.rpartition("-")[2]] = (one.inputs["recurrence"], sizes)
    assert list(by_group.values()) == [
        {"start": ("30 8 * * 1,2,3,4,5", (1, 1, 4)), "stop": ("0 20 * * 1,2,3,4,5", (0, 0, 0))}
    ]
    types = {one.type for one in with_service_nodes().resources.values()}
    assert "aws:autoscaling/schedule:Schedule" not in types


def test_other_hours_or_sizes_make_scheduled_actions_anew() -> None:
    """EC2 refuses an update with the past start that the provider has kept, and two actions of one name.

    https://github.com/pulumi/pulumi-aws/issues/2473
    """
    hours = {"start": "08:30", "stop": "20:00"}
    before, after = with_service_nodes(hours=hours), with_service_nodes(hours={**hours, "start": "09:00"}, max=6)
    found = {name: done for name, done in operations(before, after).items() if "Schedule" in name}
    ((group, _),) = {(one.name, one.type) for one in service_groups(after)}
    assert found == {f"aws:autoscaling/schedule:Schedule::{group}-start": "replace"}
    for one in after.of_type("aws:autoscaling/schedule:Schedule"):
        assert one.delete_before_replace


@given(st.lists(st.sampled_from(WEEKDAYS), unique=True, min_size=1), st.times())
def test_a_cron_expression_has_the_time_and_the_days(days: list[config.Weekday], time: dt.time) -> None:
    """Cron counts days from Sunday, Python from Monday."""
    minute, hour, *every_date, numbers = recurrence(time.strftime("%H:%M"), days).split()
    assert (int(hour), int(minute), every_date) == (time.hour, time.minute, ["*", "*"])
    a_sunday = dt.date(2026, 11, 22)
    names = [(a_sunday + dt.timedelta(days=int(number))).strftime("%a").upper() for number in numbers.split(",")]
    assert sorted(names) == sorted(days)
