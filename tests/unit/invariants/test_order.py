"""The order of creates and deletes, by dependencies only.

The engine deletes what nothing depends on any more, and knows no other order. Where the order is right without a
dependency, it is right by chance: of depth, or of what took longer.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.cluster.cluster import DELETED_ONE_BY_ONE
from components.kubernetes.annotations import SKIP_AWAIT
from tests.unit.components.delivery.jenkins import with_hook
from tests.unit.program import STACKS, platform
from tools.program.graph import Graph, Reference, Registration, every

ADDON = "aws:eks/addon:Addon"
CLUSTER, NODES = "eks:index:Cluster", "eks:index:ManagedNodeGroup"
RELEASE, ROLE = "kubernetes:helm.sh/v3:Release", "aws:iam/role:Role"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"

WAY_OUT = (
    "aws:ec2/vpc:Vpc",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/eip:Eip",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
)
"""What a packet from a pod to AWS passes. A stack has one VPC: all of them are its own."""

UNDER_A_POD = ("kube-proxy", "eks-pod-identity-agent", "vpc-cni", "coredns")
"""Add-ons that give a pod its address, its credentials, and the names of AWS and of Services."""

VOLUMES = "aws-ebs-csi-driver"

WHO_ACTS = {
    "kubernetes:networking.k8s.io/v1:Ingress": {"aws-load-balancer-controller"},
    "kubernetes:core/v1:PersistentVolumeClaim": {VOLUMES},
    "kubernetes:elasticsearch.k8s.elastic.co/v1:Elasticsearch": {"elastic-operator", VOLUMES},
}
"""Who takes away what an object has outside the cluster; of a Helm release, see `acts_for`."""

AWAITED = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Elasticsearch", "Kibana")
"""Kinds that start pods."""


def acts_for(one: Registration) -> set[str]:
    """The releases and add-ons that act when an object is deleted: Jenkins' chart has a volume, others have none."""
    if one.type == RELEASE:
        return {VOLUMES} if one.inputs["values"].get("persistence") else set()
    return WHO_ACTS[one.type]


def with_policies(graph: Graph, role: Registration) -> Iterator[Registration]:
    """A role, and all that it may do."""
    yield role
    attached = [one for one in graph.resources.values() if one.type.startswith("aws:iam/rolePolicy")]
    yield from every((one for one in attached if one.inputs["role"] == role.id), f"policy of {role.id}")


def role_of(graph: Graph, arn: str) -> Registration:
    (role,) = (one for one in graph.of_type(ROLE) if arn == f"arn:aws:iam::123456789012:role/{one.id}")
    return role


def role_of_machines(graph: Graph, one: Registration) -> Registration:
    """The role of the control plane, or of a group's nodes."""
    role: Reference = one.inputs["serviceRole" if one.type == CLUSTER else "nodeRole"]
    return graph.resources[role.urn]


def under_every_pod(graph: Graph) -> Iterator[Registration]:
    """What a pod needs in order to run, and to ask AWS for something."""
    for token in WAY_OUT:
        yield from graph.of_type(token)
    for one in [*graph.of_type(CLUSTER), *graph.of_type(NODES)]:
        yield one
        yield from with_policies(graph, role_of_machines(graph, one))
    yield from graph.of_type("aws:ec2/launchTemplate:LaunchTemplate")
    for name in UNDER_A_POD:
        yield from of_actor(graph, name)


def of_actor(graph: Graph, name: str) -> Iterator[Registration]:
    """An add-on or a release, the role of its pods with all that it may do, and what gives them the role."""
    addons = {str(one.inputs["addonName"]): one for one in graph.of_type(ADDON)}
    if name in addons:
        yield addons[name]
        arns = [str(one["roleArn"]) for one in addons[name].inputs.get("podIdentityAssociations", [])]
    else:
        yield graph.release(name)
        given = [one for one in graph.of_type(ASSOCIATION) if one.inputs["serviceAccount"] == name]
        yield from given
        arns = [str(one.inputs["roleArn"]) for one in given]
    for arn in arns:
        yield from with_policies(graph, role_of(graph, arn))


def missing(graph: Graph, one: Registration, needed: Iterator[Registration]) -> list[str]:
    """What an object does not come after, and may outlive."""
    before = graph.after_all(one)
    return sorted({two.urn.rpartition("$")[2] for two in needed if two.urn not in before})


@pytest.fixture(params=[*STACKS, "dev with Jenkins"])
def whole(request: pytest.FixtureRequest) -> Graph:
    """A stack's graph; ids are known, so that a policy is found by its role."""
    return with_hook() if request.param == "dev with Jenkins" else platform(str(request.param), preview=False)


def test_whoever_acts_when_an_object_goes_can_act_until_it_has_gone(whole: Graph) -> None:
    """Else a load balancer or a volume stays in the account, and keeps the VPC from going."""
    for one in every(one for one in whole.resources.values() if one.type in DELETED_ONE_BY_ONE):
        actors = acts_for(one)
        needed = (two for name in actors for two in of_actor(whole, name))
        assert not missing(whole, one, needed), one.urn
        if actors:
            assert not missing(whole, one, under_every_pod(whole)), one.urn


def test_every_kind_that_has_something_outside_says_who_acts_for_it(whole: Graph) -> None:
    assert set(DELETED_ONE_BY_ONE) == {*WHO_ACTS, RELEASE}
    for one in whole.of_kind("Service"):
        assert one.spec["type"] != "LoadBalancer", "the controller would have to act for it"


def test_what_starts_pods_comes_after_all_that_a_pod_needs(whole: Graph) -> None:
    """Else `up` waits for pods that have no node yet, and gives up when the node is late."""
    starting = [
        one
        for one in whole.resources.values()
        if one.type == RELEASE
        or (one.kind in AWAITED and not SKIP_AWAIT.items() <= dict(one.metadata.get("annotations", {})).items())
    ]
    for one in every(starting, "workload"):
        assert not missing(whole, one, under_every_pod(whole)), one.urn


def test_nodes_have_their_way_out_from_their_first_moment_to_their_last(whole: Graph) -> None:
    for one in whole.of_type(NODES):
        assert not missing(whole, one, (two for token in WAY_OUT for two in whole.of_type(token)))


def test_whoever_acts_in_a_role_has_all_that_it_may_do_from_its_first_moment_to_its_last(whole: Graph) -> None:
    """A pod gets its role when it starts, or never; a controller whose policy went before it takes nothing away."""
    for one in [*whole.of_type(CLUSTER), *whole.of_type(NODES)]:
        assert not missing(whole, one, with_policies(whole, role_of_machines(whole, one))), one.urn
    for one in whole.of_type(ASSOCIATION):
        assert not missing(whole, one, with_policies(whole, role_of(whole, one.inputs["roleArn"]))), one.urn
    for one in [*whole.of_type(ADDON), *whole.of_type(RELEASE)]:
        name = str(one.inputs.get("addonName", one.name))
        assert not missing(whole, one, (two for two in of_actor(whole, name) if two is not one)), one.urn
