"""The aws and eks stand-ins under the real engine, with the nodes they make in a real API server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes
import pytest
from pulumi import automation

from rehearsal import workspace
from rehearsal.layout import Layout
from rehearsal.stand_ins import faults
from rehearsal.stand_ins.aws.account import Account
from rehearsal.stand_ins.faults import Fault
from rehearsal.toolchain import Toolchain
from tests.rehearsal.conftest import RunningControlPlane

SUBNET = "aws:ec2/subnet:Subnet"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
NODE_GROUP_LABEL = "eks.amazonaws.com/nodegroup"


@dataclass
class Stack:
    """A stack of the rehearsal, whose program is a function of the test."""

    layout: Layout
    control_plane: RunningControlPlane
    program: Callable[[], None]

    def engine(self) -> automation.Stack:
        """The engine over the stack's present program."""
        return automation.create_or_select_stack(
            "test",
            project_name="stand-ins",
            program=self.program,
            opts=automation.LocalWorkspaceOptions(
                work_dir=str(self.layout.workspace),
                pulumi_home=str(self.layout.directory / "pulumi-home"),
                env_vars=workspace.environment(self.layout),
                pulumi_command=automation.PulumiCommand(root=str(self.layout.directory)),
            ),
        )

    def account(self) -> Account:
        """The account as it stands."""
        return Account.load(self.layout)

    def nodes(self, group: str) -> list[str]:
        """Names of a node group's nodes in the API server."""
        found = self.control_plane.api.list("v1", "Node", label_selector=f"{NODE_GROUP_LABEL}={group}")
        return sorted(node["metadata"]["name"] for node in found)


@pytest.fixture
def stack(control_plane: RunningControlPlane, tools: Toolchain, tmp_path: Path) -> Iterator[Stack]:
    """A stack with an account of its own, on the session's control plane."""
    layout = Layout(tmp_path / "rehearsal")
    for folder in (layout.workspace, layout.state):
        folder.mkdir(parents=True)
    layout.kubeconfig.write_bytes(control_plane.layout.kubeconfig.read_bytes())
    workspace.put_tools(layout, tools, None)
    made = Stack(layout, control_plane, lambda: None)
    yield made
    faults.write(layout, {})
    made.engine().destroy()


def network(provider: aws.Provider) -> list[aws.ec2.Subnet]:
    in_aws = pulumi.ResourceOptions(provider=provider)
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", tags={"Name": "vpc"}, opts=in_aws)
    return [
        aws.ec2.Subnet(f"subnet-{zone}", vpc_id=vpc.id, cidr_block=cidr, availability_zone=zone, opts=in_aws)
        for zone, cidr in (("ap-northeast-2a", "10.0.0.0/20"), ("ap-northeast-2c", "10.0.16.0/20"))
    ]


def platform(group: str, *, desired: int = 2, labels: dict[str, str] | None = None) -> Callable[[], None]:
    """A small platform, named so that tests do not share node groups."""

    def program() -> None:
        provider = aws.Provider("aws", region="ap-northeast-2")
        in_aws = pulumi.ResourceOptions(provider=provider)
        subnets = network(provider)
        repository = aws.ecr.Repository("repository", name=f"{group}/api", opts=in_aws)
        role = aws.iam.Role("nodes", assume_role_policy=json.dumps(trust("ec2.amazonaws.com")), opts=in_aws)
        attachment = aws.iam.RolePolicyAttachment(
            "nodes",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
            opts=in_aws,
        )
        template = aws.ec2.LaunchTemplate("nodes", update_default_version=True, opts=in_aws)
        cluster = eks.Cluster(
            group,
            version="1.34",
            vpc_id=subnets[0].vpc_id,
            private_subnet_ids=[subnet.id for subnet in subnets],
            authentication_mode=eks.AuthenticationMode.API,
            access_entries={
                "admin": eks.AccessEntryArgs(
                    principal_arn="arn:aws:iam::444455556666:role/admin",
                    access_policies={
                        "admin": eks.AccessPolicyAssociationArgs(
                            policy_arn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                            access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                        )
                    },
                )
            },
            endpoint_private_access=True,
            endpoint_public_access=False,
            skip_default_node_group=True,
            skip_default_security_groups=True,
            kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(version="v1.34.1-eksbuild.2"),
            vpc_cni_options=eks.VpcCniOptionsArgs(addon_version="v1.21.1-eksbuild.1", enable_network_policy=True),
            coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
            opts=in_aws,
        )
        eks.ManagedNodeGroup(
            group,
            cluster=cluster,
            node_group_name=group,
            node_role=role,
            subnet_ids=[subnet.id for subnet in subnets],
            instance_types=["t3.large"],
            labels=labels or {"environment": "dev"},
            taints=[aws.eks.NodeGroupTaintArgs(key="environment", value="dev", effect="NO_SCHEDULE")],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(min_size=1, max_size=4, desired_size=desired),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            opts=pulumi.ResourceOptions(provider=provider, depends_on=[attachment]),
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
        pulumi.export("vpc", cluster.core.vpc_id)

    return program


def trust(service: str) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }


def types(account: Account) -> list[str]:
    return sorted(record.type for record in account.records())


def changes(result: automation.UpResult | automation.RefreshResult) -> dict[str, int]:
    """What an operation did, without what stayed as it was."""
    return {kind: count for kind, count in (result.summary.resource_changes or {}).items() if kind != "same"}


def test_a_platform_comes_up_stays_as_it_is_and_goes_without_a_trace(stack: Stack) -> None:
    stack.program = platform("whole")
    engine = stack.engine()

    foreseen = engine.preview().change_summary[automation.OpType.CREATE]
    up = engine.up()
    assert up.summary.resource_changes == {"create": foreseen}
    assert up.outputs["repository"].value == "111122223333.dkr.ecr.ap-northeast-2.amazonaws.com/whole/api"
    assert str(up.outputs["endpoint"].value) in stack.layout.kubeconfig.read_text()
    assert str(up.outputs["group"].value).startswith("sg-")
    assert str(up.outputs["vpc"].value).startswith("vpc-")
    assert len(stack.nodes("whole")) == 2
    assert {record.outputs["status"] for record in stack.account().records(NODE_GROUP)} == {"ACTIVE"}

    assert engine.preview().change_summary == {"same": foreseen}
    assert changes(engine.up()) == {}
    assert changes(engine.refresh()) == {}

    engine.destroy()
    assert stack.account().records() == ()
    assert stack.nodes("whole") == []


def test_the_cluster_component_has_the_children_of_the_real_one(stack: Stack) -> None:
    stack.program = platform("children")
    stack.engine().up()

    state = stack.engine().export_stack().deployment or {}
    paths = {str(resource["urn"]).split("::", 2)[2] for resource in state["resources"]}
    below = "eks:index:Cluster$"
    assert {path.removeprefix(below) for path in paths if path.startswith(below)} == {
        "eks:index:ServiceRole::children-eksRole",
        "eks:index:ServiceRole$aws:iam/role:Role::children-eksRole-role",
        "eks:index:ServiceRole$aws:iam/rolePolicyAttachment:RolePolicyAttachment::children-eksRole-4b490823",
        "aws:eks/cluster:Cluster::children-eksCluster",
        "aws:eks/addon:Addon::children-kube-proxy",
        "aws:eks/accessEntry:AccessEntry::children-admin",
        "aws:eks/accessEntry:AccessEntry$aws:eks/accessPolicyAssociation:AccessPolicyAssociation::children-admin-admin",
        "eks:index:VpcCniAddon::children-vpc-cni",
        "eks:index:VpcCniAddon$aws:eks/addon:Addon::children-vpc-cni",
        "pulumi:providers:kubernetes::children-eks-k8s",
    }


def test_a_node_group_follows_its_size_and_labels(stack: Stack) -> None:
    stack.program = platform("sized", desired=3)
    stack.engine().up()
    before = stack.nodes("sized")

    stack.program = platform("sized", desired=1, labels={"environment": "prod"})
    assert changes(stack.engine().up()) == {"update": 1}

    assert len(before) == 3
    assert [name for name in before if name in stack.nodes("sized")] == stack.nodes("sized")
    (node,) = stack.control_plane.api.list("v1", "Node", label_selector=f"{NODE_GROUP_LABEL}=sized")
    assert node["metadata"]["labels"]["environment"] == "prod"
    assert node["spec"]["taints"] == [{"key": "environment", "value": "dev", "effect": "NoSchedule"}]


def test_after_a_failed_create_the_next_run_completes_and_doubles_nothing(stack: Stack) -> None:
    stack.program = platform("faulty")
    faults.write(stack.layout, {SUBNET: Fault(fail="InsufficientCapacity", after=1), NODE_GROUP: Fault(delay=0.1)})
    with pytest.raises(automation.CommandError, match="InsufficientCapacity"):
        stack.engine().up()
    assert len(stack.account().records(SUBNET)) == 1

    faults.write(stack.layout, {})
    stack.engine().up()
    urns = [record.urn for record in stack.account().records()]
    assert len(urns) == len(set(urns))
    assert len(stack.account().records(SUBNET)) == 2
    assert changes(stack.engine().up()) == {}


def test_what_went_behind_the_engine_is_missed_at_refresh_and_made_again(stack: Stack) -> None:
    def program() -> None:
        network(aws.Provider("aws", region="ap-northeast-2"))

    stack.program = program
    stack.engine().up()
    entries = json.loads(stack.layout.aws_account.read_text())
    stack.layout.aws_account.write_text(json.dumps([entry for entry in entries if entry["type"] != SUBNET]))

    assert changes(stack.engine().refresh()) == {"delete": 2}
    assert changes(stack.engine().up()) == {"create": 2}


def test_a_replacement_stands_before_the_old_one_goes_unless_both_would_have_one_name(stack: Stack) -> None:
    def program(path: str) -> Callable[[], None]:
        def make() -> None:
            in_aws = pulumi.ResourceOptions(provider=aws.Provider("aws", region="ap-northeast-2"))
            policy = json.dumps(trust("ec2.amazonaws.com"))
            aws.iam.Role("made-up", path=path, assume_role_policy=policy, opts=in_aws)
            aws.iam.Role("given", name="given", path=path, assume_role_policy=policy, opts=in_aws)

        return make

    stack.program = program("/old/")
    stack.engine().up()
    stack.program = program("/new/")
    steps: list[tuple[str, str]] = []

    def note(event: automation.EngineEvent) -> None:
        if event.resource_pre_event is not None:
            metadata = event.resource_pre_event.metadata
            steps.append((metadata.urn.rsplit("::", 1)[-1], metadata.op.value))

    stack.engine().up(on_event=note)
    assert [op for name, op in steps if name == "made-up"] == ["create-replacement", "replace", "delete-replaced"]
    assert [op for name, op in steps if name == "given"] == ["delete-replaced", "replace", "create-replacement"]
    assert {record.inputs["path"] for record in stack.account().records()} == {"/new/"}


def test_a_preview_refuses_what_aws_would(stack: Stack) -> None:
    def program() -> None:
        in_aws = pulumi.ResourceOptions(provider=aws.Provider("aws", region="ap-northeast-2"))
        aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/8", opts=in_aws)

    stack.program = program
    with pytest.raises(automation.CommandError, match=r"InvalidVpc\.Range"):
        stack.engine().preview()


def test_an_argument_that_the_eks_stand_in_does_not_know_is_refused_by_name(stack: Stack) -> None:
    def program() -> None:
        eks.Cluster(
            "cluster",
            authentication_mode=eks.AuthenticationMode.API,
            skip_default_node_group=True,
            skip_default_security_groups=True,
            proxy="http://proxy.example.com",
            opts=pulumi.ResourceOptions(providers=[aws.Provider("aws", region="ap-northeast-2")]),
        )

    stack.program = program
    with pytest.raises(automation.CommandError, match=r"knows no proxy of eks\.Cluster cluster"):
        stack.engine().preview()
