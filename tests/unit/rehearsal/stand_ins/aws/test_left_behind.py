"""What controllers made in AWS stays when the cluster goes, and then keeps the network from going."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal.stand_ins.aws.account import changing
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.kinds.left_behind import LOAD_BALANCER, VOLUME, left_behind
from release.kubernetes_api import KubernetesObject
from tests.unit.rehearsal.stand_ins.aws.examples import World

PUBLIC = {"kubernetes.io/role/elb": "1"}
CLASS: KubernetesObject = {
    "kind": "IngressClass",
    "metadata": {"name": "public"},
    "spec": {"controller": "ingress.k8s.aws/alb"},
}
GROUPED: tuple[KubernetesObject, ...] = (
    {**CLASS, "spec": {**CLASS["spec"], "parameters": {"kind": "IngressClassParams", "name": "of-public"}}},
    {"kind": "IngressClassParams", "metadata": {"name": "of-public"}, "spec": {"group": {"name": "all"}}},
)
OTHER_CLASS: KubernetesObject = {
    "kind": "IngressClass",
    "metadata": {"name": "other"},
    "spec": {"controller": "example.com/other"},
}


def ingress(name: str, ingress_class: str = "public", *, group: str = "", uses: str = "") -> KubernetesObject:
    said = {"group.name": group, "security-groups": uses}
    annotations = {f"alb.ingress.kubernetes.io/{key}": value for key, value in said.items() if value}
    metadata = {"name": name, "namespace": "prod", "annotations": annotations}
    return {"kind": "Ingress", "metadata": metadata, "spec": {"ingressClassName": ingress_class}}


def service(kind: str) -> KubernetesObject:
    return {"kind": "Service", "metadata": {"name": "api", "namespace": "prod"}, "spec": {"type": kind}}


def volume(driver: str) -> KubernetesObject:
    spec = {"csi": {"driver": driver, "volumeHandle": "vol-0123456789abcdef0"}}
    return {"kind": "PersistentVolume", "metadata": {"name": "pvc-1"}, "spec": spec}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An account with a cluster, whose VPC has one public subnet."""
    world = World(tmp_path)
    world.make_all()
    inputs = {"vpcId": world.id("vpc"), "cidrBlock": "10.0.32.0/20", "tags": PUBLIC}
    world.made["public"] = world.make("aws:ec2/subnet:Subnet", "public", inputs)
    return world


def gone(world: World, *objects: KubernetesObject) -> list[str]:
    """Deletes the cluster with these objects in it; the types of what stays behind."""
    left = left_behind(world.made["cluster"], world.account, objects)
    with changing(world.layout) as account:
        for record in left:
            account.put(record)
    return sorted(record.type.rpartition(":")[2] for record in left)


@pytest.mark.parametrize(
    ("objects", "stays"),
    [
        ((CLASS, ingress("web")), ["LoadBalancer", "SecurityGroup"]),
        ((CLASS, ingress("web"), ingress("api")), ["LoadBalancer", "LoadBalancer", "SecurityGroup", "SecurityGroup"]),
        ((CLASS, ingress("a", group="all"), ingress("b", group="all")), ["LoadBalancer", "SecurityGroup"]),
        ((*GROUPED, ingress("a"), ingress("b", group="elsewhere")), ["LoadBalancer", "SecurityGroup"]),
        ((CLASS, OTHER_CLASS, ingress("web", "other")), []),
        ((CLASS,), []),
        ((service("LoadBalancer"),), ["LoadBalancer", "SecurityGroup"]),
        ((service("NodePort"), service("ClusterIP")), []),
        ((volume("ebs.csi.aws.com"),), ["Volume"]),
        ((volume("efs.csi.aws.com"),), []),
    ],
)
def test_only_what_a_controller_made_stays(world: World, objects: tuple[Any, ...], stays: list[str]) -> None:
    assert gone(world, *objects) == stays


def test_a_subnet_with_an_interface_is_not_deleted(world: World) -> None:
    gone(world, CLASS, ingress("web"))
    with pytest.raises(AwsError, match=r"DependencyViolation: The subnet '.*' has dependencies and cannot be deleted"):
        world.delete(world.made["public"])


def test_a_security_group_in_use_is_not_deleted(world: World) -> None:
    group = world.make("aws:ec2/securityGroup:SecurityGroup", "of-the-balancer", {"vpcId": world.id("vpc")})
    assert gone(world, CLASS, ingress("web", uses=group.id)) == ["LoadBalancer"]
    with pytest.raises(AwsError, match=f"DependencyViolation: resource {group.id} has a dependent object"):
        world.delete(group)


def test_a_vpc_with_a_load_balancer_is_not_deleted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    gone(world, CLASS, ingress("web"))
    with changing(world.layout) as account:
        for record in account.records():
            if record.type not in (LOAD_BALANCER, "aws:ec2/vpc:Vpc"):
                account.remove(record)
    with pytest.raises(AwsError, match=r"DependencyViolation: The vpc '.*' has dependencies and cannot be deleted"):
        world.delete(world.made["vpc"])


def test_a_gateway_that_a_load_balancers_addresses_need_is_not_detached(world: World) -> None:
    gone(world, CLASS, ingress("web"))
    world.delete(world.made["nat"])
    with pytest.raises(AwsError, match="has some mapped public address"):
        world.delete(world.made["internet"])


def test_a_volume_keeps_nothing_else_from_going(world: World) -> None:
    gone(world, volume("ebs.csi.aws.com"))
    world.delete(world.made["public"])
    assert [record.id for record in world.account.records(VOLUME)] == ["vol-0123456789abcdef0"]
