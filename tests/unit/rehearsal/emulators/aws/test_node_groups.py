"""A node group's record defines its nodes; a node's change keeps what Kubernetes wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rehearsal import aws
from rehearsal.emulators.aws import invokes, lifecycle, nodes
from rehearsal.emulators.aws.account import Record, changing
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kinds import KINDS
from rehearsal.emulators.aws.kinds.node_groups import spec
from rehearsal.emulators.aws.kinds.upgrades import NODE_GROUP
from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError
from rehearsal.nodes import Taint
from tests.unit.rehearsal.emulators.aws.examples import EXAMPLES, REGION, World, quiet, urn


def test_nodes_come_from_the_group_its_subnets_and_its_launch_template(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    template = world.make(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "sized",
        {"instanceType": "m6i.xlarge", "blockDeviceMappings": [{"ebs": {"volumeSize": 50}}]},
    )
    inputs = EXAMPLES["nodes"].inputs(world)
    group = world.make(
        EXAMPLES["nodes"].type,
        "prod",
        {
            **inputs,
            "nodeGroupName": "prod",
            "subnetIds": [world.id("subnet-c"), world.id("subnet")],
            "labels": {"environment": "prod"},
            "taints": [{"key": "environment", "value": "prod", "effect": "NO_SCHEDULE"}],
            "launchTemplate": {"id": template.id, "version": "1"},
            "capacityType": "SPOT",
        },
    )
    made = spec(group, world.account)
    assert (made.name, made.instance_type, made.desired, made.disk_gib) == ("prod", "m6i.xlarge", 2, 50)
    assert tuple(made.subnets) == ("ap-northeast-2a", "ap-northeast-2c")
    assert made.labels == {"environment": "prod"}
    assert made.taints == (Taint(key="environment", value="prod", effect="NoSchedule"),)
    assert (made.region, made.capacity_type) == ("ap-northeast-2", "SPOT")


def test_several_instance_types_are_the_groups_own_and_spot_is_bought(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html: one place or the other."""
    world = World(tmp_path)
    world.make_all()
    template = world.make("aws:ec2/launchTemplate:LaunchTemplate", "untyped", {})
    inputs = {
        **EXAMPLES["nodes"].inputs(world),
        "nodeGroupName": "services",
        "capacityType": "SPOT",
        "instanceTypes": ["m6i.large", "m5.large"],
        "launchTemplate": {"id": template.id, "version": "1"},
    }
    made = spec(world.make(NODE_GROUP, "services", inputs), world.account)
    assert (made.instance_type, made.capacity_type) == ("m6i.large", "SPOT")
    ids = [one.id for one in nodes.start_instances(world.layout, made)]
    reservations = aws.client(world.layout, "ec2", region=REGION).describe_instances(InstanceIds=ids)["Reservations"]
    lifecycles = {one.get("InstanceLifecycle") for each in reservations for one in each["Instances"]}
    assert lifecycles == {"spot"}
    typed = world.make("aws:ec2/launchTemplate:LaunchTemplate", "typed", {"instanceType": "m6i.large"})
    both = {**inputs, "nodeGroupName": "both", "launchTemplate": {"id": typed.id, "version": "1"}}
    with pytest.raises(AwsError, match="Cannot specify instance types in launch template and API request"):
        world.make(NODE_GROUP, "both", both)
    graviton = {**inputs, "nodeGroupName": "graviton", "instanceTypes": ["m6i.large", "m7g.large"]}
    with pytest.raises(AwsError, match=r"m7g.large.* is not a valid instance type"):
        world.make(NODE_GROUP, "graviton", graviton)


def test_a_new_version_of_the_launch_template_means_other_nodes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    template = world.make("aws:ec2/launchTemplate:LaunchTemplate", "sized", {"instanceType": "m6i.xlarge"})
    inputs = {**EXAMPLES["nodes"].inputs(world), "nodeGroupName": "sized"}
    first = world.make(
        EXAMPLES["nodes"].type, "sized", {**inputs, "launchTemplate": {"id": template.id, "version": "1"}}
    )
    before = spec(first, world.account)
    lifecycle.change(
        KINDS[template.type], world.caller, template.id, {**template.inputs, "instanceType": "m6i.2xlarge"}
    )
    second = lifecycle.change(
        quiet(KINDS[first.type]),
        world.caller,
        first.id,
        {**first.inputs, "launchTemplate": {"id": template.id, "version": "2"}},
    )
    after = spec(second, world.account)
    assert (before.instance_type, after.instance_type) == ("m6i.xlarge", "m6i.2xlarge")
    old, new = (nodes.start_instances(world.layout, group) for group in (before, after))
    assert not {one.name for one in old} & {one.name for one in new}


def test_a_scheduled_action_is_made_anew_where_it_changes(tmp_path: Path) -> None:
    """https://github.com/hashicorp/terraform-provider-aws/issues/38983 ."""
    world = World(tmp_path)
    world.make_all()
    hours = world.made["hours"]
    later = {**hours.inputs, "recurrence": "0 21 * * 1,2,3,4,5"}
    with pytest.raises(AwsError, match="Given start time is in the past"):
        lifecycle.change(KINDS[hours.type], world.caller, hours.id, later, hours.inputs)
    world.delete(hours)
    assert world.make(hours.type, "hours", later).inputs["recurrence"] == later["recurrence"]


def test_a_change_sends_the_size_only_with_the_limits(tmp_path: Path) -> None:
    """The size that the autoscaler set stays, unless minimum or maximum change: the provider then sends all three."""
    world = World(tmp_path)
    world.make_all()
    kind, state = quiet(KINDS[NODE_GROUP]), world.made["nodes"]
    sizes = state.inputs["scalingConfig"]
    with changing(world.layout) as account:
        account.put(replace(state, inputs={**state.inputs, "scalingConfig": {**sizes, "desiredSize": 3}}))
    assert node_group(world, state)["scalingConfigs"] == [{**sizes, "desiredSize": 3}]

    labels = {**state.inputs, "labels": {"environment": "dev"}}
    lifecycle.change(kind, world.caller, state.id, labels, state.inputs)
    assert node_group(world, state)["scalingConfigs"] == [{**sizes, "desiredSize": 3}]

    limits = {**labels, "scalingConfig": {**sizes, "maxSize": 4}}
    lifecycle.change(kind, world.caller, state.id, limits, labels)
    assert node_group(world, state)["scalingConfigs"] == [{**sizes, "maxSize": 4}]

    with pytest.raises(AwsError, match="Minimum capacity 3 can't be greater than desired size 2"):
        lifecycle.change(kind, world.caller, state.id, {**limits, "scalingConfig": {**sizes, "minSize": 3}}, limits)


def node_group(world: World, group: Record) -> Properties:
    """The group as EKS describes it."""
    clusters = invokes.invoke("aws:eks/getClusters:getClusters", world.caller, {})
    (cluster,) = clusters["names"]
    names = invokes.invoke("aws:eks/getNodeGroups:getNodeGroups", world.caller, {"clusterName": cluster})["names"]
    assert names == [group.inputs["nodeGroupName"]]
    described = {"clusterName": cluster, "nodeGroupName": names[0]}
    return invokes.invoke("aws:eks/getNodeGroup:getNodeGroup", world.caller, described)


def test_a_new_release_of_the_image_means_other_nodes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    group = spec(world.made["nodes"], world.account)
    old, new = (
        nodes.start_instances(world.layout, replace(group, release=release))
        for release in ("1.36.0-20260801", "1.36.1-20260930")
    )
    assert not {one.name for one in old} & {one.name for one in new}
    with pytest.raises(AwsError, match=r"1\.35\.0-20260801 is not valid for kubernetes version 1\.36"):
        world.make(
            NODE_GROUP,
            "other",
            {**EXAMPLES["nodes"].inputs(world), "version": "1.36", "releaseVersion": "1.35.0-20260801"},
        )


def test_a_groups_instances_stand_in_the_account_and_keep_what_they_are(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    group = replace(spec(world.made["nodes"], world.account), desired=5)
    ec2 = aws.client(world.layout, "ec2", region=REGION)
    started = nodes.start_instances(world.layout, group)
    assert len({one.id for one in started}) == 5
    assert len({one.address for one in started}) == 5
    assert nodes.start_instances(world.layout, group) == started
    assert nodes.start_instances(world.layout, replace(group, desired=3)) == started[:3]

    nodes.terminate_instances(world.layout, REGION, "hello", group.name, keep={started[0].id})
    assert nodes.start_instances(world.layout, replace(group, desired=1)) == started[:1]
    (described,) = ec2.describe_instances(InstanceIds=[started[0].id])["Reservations"][0]["Instances"]
    assert described["SubnetId"] == world.id("subnet")
    assert described["PrivateDnsName"] == started[0].name
    assert described["SecurityGroups"][0]["GroupName"].startswith("eks-cluster-sg-hello-")
    tags = {tag["Key"]: tag["Value"] for tag in described["Tags"]}
    assert tags["kubernetes.io/cluster/hello"] == "owned"
    assert tags["eks:nodegroup-name"] == group.name


def test_instances_take_turns_in_the_zones_and_leave_nothing_in_their_subnets(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    of_zones = {"ap-northeast-2a": world.id("subnet"), "ap-northeast-2c": world.id("subnet-c")}
    group = replace(spec(world.made["nodes"], world.account), desired=4, subnets=of_zones)
    ec2 = aws.client(world.layout, "ec2", region=REGION)
    mine = [{"Name": "subnet-id", "Values": [world.id("subnet-c")]}]
    before = ec2.describe_network_interfaces(Filters=mine)["NetworkInterfaces"]
    zones = [one.zone for one in nodes.start_instances(world.layout, group)]
    assert zones == ["ap-northeast-2a", "ap-northeast-2c"] * 2
    assert len(ec2.describe_network_interfaces(Filters=mine)["NetworkInterfaces"]) == len(before) + 2
    nodes.terminate_instances(world.layout, REGION, "hello", group.name)
    assert ec2.describe_network_interfaces(Filters=mine)["NetworkInterfaces"] == before


def test_a_subnet_that_is_full_is_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    small = world.make(
        EXAMPLES["subnet"].type,
        "small",
        {"vpcId": world.id("vpc"), "cidrBlock": "10.0.255.0/28", "availabilityZone": "ap-northeast-2a"},
    )
    group = replace(spec(world.made["nodes"], world.account), desired=12, subnets={"ap-northeast-2a": small.id})
    with pytest.raises(AwsError, match=f"not enough free addresses in subnet '{small.id}'"):
        nodes.start_instances(world.layout, group)


def node(labels: dict[str, str], taints: list[dict[str, str]] | None = None) -> dict[str, object]:
    return {"metadata": {"labels": labels}, "spec": {} if taints is None else {"taints": taints}}


def test_a_node_that_is_as_wanted_is_left_alone() -> None:
    as_wanted = node(
        {"environment": "dev", "kubernetes.io/os": "linux"}, [{"key": "environment", "effect": "NoSchedule"}]
    )
    assert nodes.changes(as_wanted, as_wanted) == []
    assert nodes.changes(node({"environment": "dev"}), node({"environment": "dev"})) == []


def test_a_nodes_change_keeps_what_kubernetes_itself_put_there() -> None:
    current = node(
        {"environment": "dev", "old": "x", "beta.kubernetes.io/os": "linux"},
        [
            {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
            {"key": "environment", "effect": "NoSchedule"},
        ],
    )
    wanted = node({"environment": "prod"})
    assert nodes.changes(current, wanted) == [
        {
            "op": "add",
            "path": "/metadata/labels",
            "value": {"environment": "prod", "beta.kubernetes.io/os": "linux"},
        },
        {
            "op": "add",
            "path": "/spec/taints",
            "value": [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}],
        },
    ]


def test_a_group_whose_nodes_cannot_be_made_leaves_no_record(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    world.layout.kubeconfig.unlink()
    kind = KINDS[EXAMPLES["nodes"].type]
    inputs = {**EXAMPLES["nodes"].inputs(world), "nodeGroupName": "other"}
    with pytest.raises(RehearsalError, match="needs the local control plane"):
        lifecycle.create(kind, world.caller, urn(kind.type, "other"), inputs)
    assert world.account.records(kind.type) == (world.made["nodes"],)


def test_without_a_control_plane_there_are_no_nodes_to_take_away(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    world.layout.kubeconfig.unlink()
    lifecycle.delete(KINDS[EXAMPLES["nodes"].type], world.layout, world.made["nodes"].id)
    assert world.account.records(EXAMPLES["nodes"].type) == ()
