"""The emulators of the aws and eks providers with the real engine, and their nodes in a real API server."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes
import pytest

from kube.client import KubernetesObject
from rehearsal.aws import ACCOUNT_ID, client
from rehearsal.emulators.aws.account import Account, Record
from rehearsal.layout import DIRECTORY_VARIABLE, Layout
from rehearsal.toolchain import Toolchain
from tests.rehearsal import faulty_provider
from tests.rehearsal.conftest import RunningControlPlane
from tests.rehearsal.engine_harness import EngineFailedError, EngineHarness, Run
from tests.rehearsal.faulty_provider import Fault

SUBNET = "aws:ec2/subnet:Subnet"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
NODE_GROUP_LABEL = "eks.amazonaws.com/nodegroup"


@dataclass(frozen=True)
class Rehearsed:
    """An engine whose providers are the stand-ins, with an account of its own on the file's control plane."""

    layout: Layout
    control_plane: RunningControlPlane
    engine: EngineHarness

    def records(self, type_token: str | None = None) -> tuple[Record, ...]:
        """What the account has."""
        return Account.load(self.layout).records(type_token)

    def nodes(self, group: str) -> list[KubernetesObject]:
        """A node group's nodes in the API server."""
        return self.control_plane.api.list("v1", "Node", label_selector=f"{NODE_GROUP_LABEL}={group}")


def rehearsed(control_plane: RunningControlPlane, tools: Toolchain, folder: Path) -> Rehearsed:
    """A new one, in an empty folder."""
    layout = Layout(folder / "rehearsal")
    layout.directory.mkdir()
    layout.kubeconfig.write_bytes(control_plane.layout.kubeconfig.read_bytes())
    layout.control_plane.symlink_to(control_plane.layout.control_plane)
    providers = {
        "pulumi-resource-aws": faulty_provider.MODULE,
        "pulumi-resource-eks": "rehearsal.emulators.eks",
        "pulumi-resource-kubernetes": tools.kubernetes_provider,
    }
    engine = EngineHarness(folder / "engine", tools, providers, {DIRECTORY_VARIABLE: str(layout.directory)})
    return Rehearsed(layout, control_plane, engine)


@pytest.fixture
def stack(control_plane: RunningControlPlane, tools: Toolchain, tmp_path: Path) -> Rehearsed:
    """A stack without node groups: its account goes with its folder."""
    return rehearsed(control_plane, tools, tmp_path)


def network(provider: aws.Provider) -> list[aws.ec2.Subnet]:
    in_aws = pulumi.ResourceOptions(provider=provider)
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", tags={"Name": "vpc"}, opts=in_aws)
    return [
        aws.ec2.Subnet(f"subnet-{zone}", vpc_id=vpc.id, cidr_block=cidr, availability_zone=zone, opts=in_aws)
        for zone, cidr in (("ap-northeast-2a", "10.0.0.0/20"), ("ap-northeast-2c", "10.0.16.0/20"))
    ]


def platform(
    group: str, *, desired: int = 3, labels: dict[str, str] | None = None, instance_type: str = "t3.large"
) -> Callable[[], None]:
    """A small platform, named so that tests do not share node groups."""

    def program() -> None:
        provider = aws.Provider("aws", region="ap-northeast-2")
        in_aws = pulumi.ResourceOptions(provider=provider)
        subnets = network(provider)
        key = aws.kms.Key("key", enable_key_rotation=True, opts=in_aws)
        logs = aws.cloudwatch.LogGroup("logs", name=f"/aws/eks/{group}/cluster", kms_key_id=key.arn, opts=in_aws)
        service = aws.iam.Role("service", assume_role_policy=json.dumps(trust("eks.amazonaws.com")), opts=in_aws)
        repository = aws.ecr.Repository("repository", name=f"{group}/api", opts=in_aws)
        role = aws.iam.Role("nodes", assume_role_policy=json.dumps(trust("ec2.amazonaws.com")), opts=in_aws)
        attachment = aws.iam.RolePolicyAttachment(
            "nodes",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
            opts=in_aws,
        )
        template = aws.ec2.LaunchTemplate(
            "nodes", update_default_version=True, instance_type=instance_type, opts=in_aws
        )
        cluster = eks.Cluster(
            group,
            version="1.36",
            vpc_id=subnets[0].vpc_id,
            subnet_ids=[subnet.id for subnet in subnets],
            authentication_mode=eks.AuthenticationMode.API,
            service_role=service,
            encryption_config_key_arn=key.arn,
            enabled_cluster_log_types=["api", "audit"],
            bootstrap_self_managed_addons=False,
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            access_entries={
                "deployer": eks.AccessEntryArgs(
                    principal_arn="arn:aws:iam::444455556666:role/deployer", kubernetes_groups=["hello:deployers"]
                ),
                "admin": eks.AccessEntryArgs(
                    principal_arn="arn:aws:iam::444455556666:role/admin",
                    access_policies={
                        "admin": eks.AccessPolicyAssociationArgs(
                            policy_arn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                            access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                        )
                    },
                ),
            },
            endpoint_private_access=True,
            endpoint_public_access=False,
            skip_default_node_group=True,
            skip_default_security_groups=True,
            create_oidc_provider=False,
            use_default_vpc_cni=True,
            kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(enabled=False),
            coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
            opts=pulumi.ResourceOptions.merge(in_aws, pulumi.ResourceOptions(depends_on=[logs])),
        )
        nodes = eks.ManagedNodeGroup(
            group,
            cluster=cluster,
            cluster_name=cluster.eks_cluster.name,
            version="1.36",
            node_group_name=group,
            node_role=role,
            subnet_ids=[subnet.id for subnet in subnets],
            labels=labels or {"environment": "dev"},
            taints=[aws.eks.NodeGroupTaintArgs(key="environment", value="dev", effect="NO_SCHEDULE")],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(min_size=1, max_size=4, desired_size=desired),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            opts=pulumi.ResourceOptions(provider=provider, depends_on=[attachment]),
        )
        aws.eks.Addon(
            "coredns",
            cluster_name=cluster.eks_cluster.name,
            addon_name="coredns",
            addon_version="v1.14.3-eksbuild.23",
            configuration_values=json.dumps({"tolerations": [{"operator": "Exists"}]}),
            opts=pulumi.ResourceOptions(provider=provider, depends_on=[nodes]),
        )
        in_cluster = pulumi.ResourceOptions(
            provider=kubernetes.Provider("kubernetes", kubeconfig=cluster.kubeconfig_json)
        )
        kubernetes.core.v1.ConfigMap(
            "in-the-cluster", metadata={"name": group, "namespace": "default"}, data={"a": "b"}, opts=in_cluster
        )
        pulumi.export("repository", repository.repository_url)
        pulumi.export("endpoint", cluster.eks_cluster.endpoint)
        pulumi.export("group", cluster.cluster_security_group_id)

    return program


def trust(service: str) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }


@dataclass(frozen=True)
class Life:
    """What was seen of a platform from its first preview to its end."""

    endpoint: str
    foreseen: Run
    first_up: Run
    outputs: dict[str, object]
    urns: frozenset[str]
    records: tuple[Record, ...]
    nodes: list[KubernetesObject]
    second_preview: Run
    refresh: Run
    resized: Run
    nodes_resized: list[KubernetesObject]
    rolled: Run
    nodes_rolled: list[KubernetesObject]
    records_left: tuple[Record, ...]
    nodes_left: list[KubernetesObject]


@pytest.fixture(scope="module")
def life(control_plane: RunningControlPlane, tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """One platform, brought up, looked at, changed and taken down: each engine run takes seconds."""
    stack = rehearsed(control_plane, tools, tmp_path_factory.mktemp("life"))
    engine, program = stack.engine, platform("whole")
    try:
        foreseen, first_up, outputs = engine.preview(program), engine.up(program), engine.outputs()
        urns = frozenset(str(resource["urn"]) for resource in engine.state())
        records, nodes = stack.records(), stack.nodes("whole")
        second_preview, refresh = engine.preview(program), engine.refresh()
        resized = engine.up(platform("whole", desired=1, labels={"environment": "prod"}))
        nodes_resized = stack.nodes("whole")
        rolled = engine.up(platform("whole", desired=1, labels={"environment": "prod"}, instance_type="m5.xlarge"))
        nodes_rolled = stack.nodes("whole")
    finally:
        engine.destroy()
    return Life(
        endpoint=str(control_plane.layout.kubeconfig.read_text()),
        foreseen=foreseen,
        first_up=first_up,
        outputs=outputs,
        urns=urns,
        records=records,
        nodes=nodes,
        second_preview=second_preview,
        refresh=refresh,
        resized=resized,
        nodes_resized=nodes_resized,
        rolled=rolled,
        nodes_rolled=nodes_rolled,
        records_left=stack.records(),
        nodes_left=stack.nodes("whole"),
    )


def names(nodes: list[KubernetesObject]) -> set[str]:
    return {str(node["metadata"]["name"]) for node in nodes}


def test_a_preview_before_anything_exists_foresees_what_up_does(life: Life) -> None:
    assert life.foreseen.steps == life.first_up.steps
    assert set(life.first_up.steps.values()) == {frozenset({"create"})}


def test_the_outputs_are_those_that_aws_would_give(life: Life) -> None:
    outputs = life.outputs
    assert outputs["repository"] == "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/whole/api"
    assert str(outputs["endpoint"]).startswith("https://127.0.0.1:")
    assert str(outputs["endpoint"]) in life.endpoint
    assert str(outputs["group"]).startswith("sg-")


def test_the_cluster_component_has_the_children_of_the_real_one(life: Life) -> None:
    below = "eks:index:Cluster$"
    paths = {urn.split("::", 2)[2] for urn in life.urns}
    assert {path.removeprefix(below) for path in paths if path.startswith(below)} == {
        "aws:eks/cluster:Cluster::whole-eksCluster",
        "aws:eks/accessEntry:AccessEntry::whole-admin",
        "aws:eks/accessEntry:AccessEntry::whole-deployer",
        "aws:eks/accessEntry:AccessEntry$aws:eks/accessPolicyAssociation:AccessPolicyAssociation::whole-admin-admin",
    }
    assert "eks:index:ManagedNodeGroup$aws:eks/nodeGroup:NodeGroup::whole" in paths


def test_a_node_groups_nodes_are_ready_in_its_zones(life: Life) -> None:
    assert len(life.nodes) == 3
    zones = {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in life.nodes}
    assert zones == {"ap-northeast-2a", "ap-northeast-2c"}
    assert {record.outputs["status"] for record in life.records if record.type == NODE_GROUP} == {"ACTIVE"}


def test_without_a_change_of_the_program_nothing_changes(life: Life) -> None:
    """Nor does an `up` with a change of one resource touch another, as the next test shows."""
    assert life.second_preview.steps == {}
    assert life.refresh.steps == {}


def test_a_node_group_follows_its_size_and_labels(life: Life) -> None:
    assert life.resized.steps == {"whole": frozenset({"update"})}
    (node,) = life.nodes_resized
    assert names(life.nodes_resized) < names(life.nodes)
    assert node["metadata"]["labels"]["environment"] == "prod"
    assert node["spec"]["taints"] == [{"key": "environment", "value": "dev", "effect": "NoSchedule"}]


def test_another_instance_type_in_the_launch_template_replaces_the_nodes_and_not_the_group(life: Life) -> None:
    assert life.rolled.steps == {"nodes": frozenset({"update"}), "whole": frozenset({"update"})}
    (node,) = life.nodes_rolled
    assert not names(life.nodes_rolled) & names(life.nodes_resized)
    assert node["metadata"]["labels"]["node.kubernetes.io/instance-type"] == "m5.xlarge"
    assert node["status"]["allocatable"]["cpu"] == "3920m"


def test_the_cluster_is_made_as_its_arguments_say(life: Life) -> None:
    (cluster,) = [record for record in life.records if record.type == "aws:eks/cluster:Cluster"]
    roles = {record.urn.rpartition("::")[2]: record for record in life.records if record.type == "aws:iam/role:Role"}
    (key,) = [record for record in life.records if record.type == "aws:kms/key:Key"]
    assert cluster.inputs["roleArn"] == roles["service"].outputs["arn"]
    assert cluster.inputs["encryptionConfig"] == {
        "provider": {"keyArn": key.outputs["arn"]},
        "resources": ["secrets"],
    }
    assert cluster.inputs["enabledClusterLogTypes"] == ["api", "audit"]
    assert cluster.inputs["bootstrapSelfManagedAddons"] is False
    assert cluster.inputs["upgradePolicy"] == {"supportType": "STANDARD"}
    assert cluster.inputs["tags"] == {"Name": "whole-eksCluster"}
    entries = [record for record in life.records if "accessEntry:" in record.type]
    groups = {tuple(entry.inputs.get("kubernetesGroups", ())) for entry in entries}
    assert groups == {(), ("hello:deployers",)}


def test_a_destroyed_platform_leaves_no_trace(life: Life) -> None:
    assert len(life.records) == 16
    assert life.records_left == ()
    assert life.nodes_left == []


def only_network() -> None:
    network(aws.Provider("aws", region="ap-northeast-2"))


def test_after_a_failed_create_the_next_run_completes_and_doubles_nothing(stack: Rehearsed) -> None:
    faulty_provider.write(stack.layout, {SUBNET: Fault(fail="InsufficientCapacity", after=1, delay=0.1)})
    with pytest.raises(EngineFailedError, match="InsufficientCapacity"):
        stack.engine.up(only_network)
    assert len(stack.records(SUBNET)) == 1

    faulty_provider.write(stack.layout, {})
    stack.engine.up(only_network)
    urns = [record.urn for record in stack.records()]
    assert len(urns) == len(set(urns)) == 3
    assert stack.engine.preview(only_network).steps == {}


def test_what_went_behind_the_engine_is_missed_at_refresh_and_made_again(stack: Rehearsed) -> None:
    stack.engine.up(only_network)
    ec2 = client(stack.layout, "ec2", region="ap-northeast-2")
    for record in stack.records(SUBNET):
        ec2.delete_subnet(SubnetId=record.id)

    assert set(stack.engine.refresh().steps.values()) == {frozenset({"delete"})}
    assert set(stack.engine.up(only_network).steps.values()) == {frozenset({"create"})}
    assert len(stack.records(SUBNET)) == 2


def test_a_role_is_replaced_under_a_new_name_or_after_the_old_one_of_its_given_name(stack: Rehearsed) -> None:
    def roles(path: str) -> Callable[[], None]:
        def program() -> None:
            in_aws = pulumi.ResourceOptions(provider=aws.Provider("aws", region="ap-northeast-2"))
            policy = json.dumps(trust("ec2.amazonaws.com"))
            aws.iam.Role("made-up", path=path, assume_role_policy=policy, opts=in_aws)
            aws.iam.Role("given", name="given", path=path, assume_role_policy=policy, opts=in_aws)

        return program

    stack.engine.up(roles("/old/"))
    before = {record.id for record in stack.records()}
    text = stack.engine.up(roles("/new/")).text

    def order(name: str) -> list[str]:
        done = re.findall(rf" {name} (created replacement|deleted original)", text)
        return [str(what) for what in done]

    assert order("made-up") == ["created replacement", "deleted original"]
    assert order("given") == ["deleted original", "created replacement"]
    assert before & {record.id for record in stack.records()} == {"given"}
    assert {record.inputs["path"] for record in stack.records()} == {"/new/"}


def test_a_preview_refuses_what_aws_would(stack: Rehearsed) -> None:
    def program() -> None:
        in_aws = pulumi.ResourceOptions(provider=aws.Provider("aws", region="ap-northeast-2"))
        aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/8", opts=in_aws)

    with pytest.raises(EngineFailedError, match=r"InvalidVpc\.Range"):
        stack.engine.preview(program)


def test_an_argument_that_the_eks_stand_in_does_not_know_is_refused_by_name(stack: Rehearsed) -> None:
    def program() -> None:
        eks.Cluster(
            "cluster",
            authentication_mode=eks.AuthenticationMode.API,
            skip_default_node_group=True,
            skip_default_security_groups=True,
            create_oidc_provider=False,
            use_default_vpc_cni=True,
            kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(enabled=False),
            coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
            proxy="http://proxy.example.com",
            opts=pulumi.ResourceOptions(providers=[aws.Provider("aws", region="ap-northeast-2")]),
        )

    with pytest.raises(EngineFailedError, match=r"has no proxy of eks\.Cluster cluster"):
        stack.engine.preview(program)


def test_a_region_has_to_be_given(stack: Rehearsed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EngineFailedError, match="Missing region information"):
        stack.engine.preview(lambda: cast("None", aws.Provider("aws")))


def cluster_with_an_object() -> None:
    provider = aws.Provider("aws", region="ap-northeast-2", allowed_account_ids=[ACCOUNT_ID])
    in_aws = pulumi.ResourceOptions(provider=provider)
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=in_aws)
    subnets = [
        aws.ec2.Subnet(
            f"subnet-{zone}",
            vpc_id=vpc.id,
            cidr_block=cidr,
            availability_zone=zone,
            tags={"kubernetes.io/role/elb": "1"},
            opts=in_aws,
        )
        for zone, cidr in (("ap-northeast-2a", "10.0.0.0/20"), ("ap-northeast-2c", "10.0.16.0/20"))
    ]
    role = aws.iam.Role("cluster", assume_role_policy=json.dumps(trust("eks.amazonaws.com")), opts=in_aws)
    network = aws.eks.ClusterVpcConfigArgs(subnet_ids=[subnet.id for subnet in subnets])
    cluster = aws.eks.Cluster("cluster", name="whole", role_arn=role.arn, vpc_config=network, opts=in_aws)
    in_cluster = kubernetes.Provider("kubernetes", kubeconfig=os.environ["STAND_INS_KUBECONFIG"])
    kubernetes.core.v1.ConfigMap(
        "goes-along",
        metadata={"name": "goes-along", "namespace": "default"},
        opts=pulumi.ResourceOptions(provider=in_cluster, depends_on=[cluster], deleted_with=cluster),
    )


def test_what_is_in_a_cluster_goes_with_it_and_what_its_controllers_made_keeps_the_network(
    stack: Rehearsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_INS_KUBECONFIG", str(stack.layout.kubeconfig))
    api = stack.control_plane.api

    def remembered() -> KubernetesObject | None:
        return api.get("v1", "ConfigMap", "goes-along", "default")

    stack.engine.up(cluster_with_an_object)
    assert remembered() is not None
    # As the load balancer controller does for an Ingress.
    elbv2 = client(stack.layout, "elbv2", region="ap-northeast-2")
    subnets = [record.id for record in stack.records(SUBNET)]
    (balancer,) = elbv2.create_load_balancer(Name="left-behind", Subnets=subnets)["LoadBalancers"]

    with pytest.raises(EngineFailedError, match=r"DependencyViolation: The subnet '.*' has dependencies"):
        stack.engine.destroy()
    assert remembered() is None
    assert {record.type.rpartition(":")[2] for record in stack.records()} >= {"Subnet", "Vpc"}

    # As a person does in AWS's console.
    elbv2.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    stack.engine.destroy()
    assert stack.records() == ()

    stack.engine.up(cluster_with_an_object)
    assert remembered() is not None
    stack.engine.destroy()
    assert stack.records() == ()
    assert remembered() is None


def test_no_other_account_is_touched(stack: Rehearsed) -> None:
    def program() -> None:
        provider = aws.Provider("aws", region="ap-northeast-2", allowed_account_ids=["444455556666"])
        aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=provider))

    with pytest.raises(EngineFailedError, match=f"AWS account ID not allowed: {ACCOUNT_ID}"):
        stack.engine.up(program)
