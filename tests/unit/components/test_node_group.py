"""Node groups: one an environment, labelled, prod tainted; machines that pods cannot take over."""

from __future__ import annotations

from settings import ENVIRONMENTS
from tests.unit.graph import Graph

MANAGED = "eks:index:ManagedNodeGroup"


def test_each_environment_has_a_node_group_that_carries_its_label(graph: Graph) -> None:
    groups = graph.of_type(MANAGED)
    assert [one.inputs["labels"] for one in groups] == [{"environment": name} for name in ENVIRONMENTS]


def test_prods_nodes_refuse_others_pods_and_devs_do_not(graph: Graph) -> None:
    taints = {one.inputs["labels"]["environment"]: one.inputs.get("taints", []) for one in graph.of_type(MANAGED)}
    assert taints == {"dev": [], "prod": [{"key": "environment", "value": "prod", "effect": "NO_SCHEDULE"}]}


def test_an_autoscalers_number_of_nodes_is_left_alone(graph: Graph) -> None:
    for one in graph.of_type(MANAGED):
        assert one.inputs["ignoreScalingChanges"] is True


def test_the_launch_template_is_used_and_nothing_goes_round_it(known: Graph) -> None:
    ids = {one.name: known.resources[one.urn] for one in known.of_type("aws:ec2/launchTemplate:LaunchTemplate")}
    for group in known.of_type(MANAGED):
        assert group.inputs["launchTemplate"]["version"] == "1"
        assert ids[group.name].urn in group.dependencies
        assert not group.inputs.keys() & {"enableIMDSv2", "diskSize", "remoteAccess", "nodeadmExtraOptions"}


def test_pods_cannot_reach_a_nodes_credentials(graph: Graph) -> None:
    for one in graph.of_type("aws:ec2/launchTemplate:LaunchTemplate"):
        assert one.inputs["metadataOptions"] == {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
        }


def test_volumes_of_nodes_are_encrypted_gp3_and_go_with_them(graph: Graph) -> None:
    for one in graph.of_type("aws:ec2/launchTemplate:LaunchTemplate"):
        (mapping,) = one.inputs["blockDeviceMappings"]
        assert mapping["deviceName"] == "/dev/xvda"
        assert mapping["ebs"]["volumeType"] == "gp3"
        assert mapping["ebs"]["encrypted"] == "true"
        assert mapping["ebs"]["deleteOnTermination"] == "true"


def test_eks_chooses_the_security_groups_the_instance_profile_and_the_image(graph: Graph) -> None:
    theirs = {"vpcSecurityGroupIds", "securityGroupNames", "networkInterfaces", "iamInstanceProfile", "imageId"}
    for one in graph.of_type("aws:ec2/launchTemplate:LaunchTemplate"):
        assert not one.inputs.keys() & {*theirs, "instanceType", "userData"}
    for group in graph.of_type(MANAGED):
        assert group.inputs["amiType"].startswith("AL2023_")


def test_nodes_stand_in_private_subnets(known: Graph) -> None:
    private = {
        one.urn for one in known.of_type("aws:ec2/subnet:Subnet") if "kubernetes.io/role/elb" not in one.inputs["tags"]
    }
    subnets = {one.urn for one in known.of_type("aws:ec2/subnet:Subnet")}
    for group in known.of_type(MANAGED):
        assert group.dependencies & subnets == private
        assert len(group.inputs["subnetIds"]) == len(private)


def test_a_node_may_join_before_it_is_made_and_leave_before_it_may_not(graph: Graph) -> None:
    for group in graph.of_type(MANAGED):
        permissions = {
            one.urn
            for one in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
            if one.parent == group.parent
        }
        assert len(permissions) == 3
        assert permissions <= group.dependencies


def test_pods_leave_before_their_nodes_do(graph: Graph) -> None:
    for group in graph.of_type(MANAGED):
        environment = group.inputs["labels"]["environment"]
        (namespace,) = (one for one in graph.of_kind("Namespace") if one.metadata["name"] == environment)
        assert group.urn in graph.comes_after(namespace)
