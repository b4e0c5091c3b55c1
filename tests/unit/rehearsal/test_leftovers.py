"""Resources that remain in the account after a destroy are listed, and block the deletion of a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal import aws, leftovers
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import serve
from tests.unit.rehearsal.emulators.aws.examples import EXAMPLES, REGION, World


def test_a_new_account_is_empty(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    serve(layout)
    assert leftovers.in_account(layout, REGION) == []


def test_a_key_of_aws_own_is_nobodys_to_delete(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    serve(layout)
    ec2 = aws.client(layout, "ec2", region=REGION)
    made = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1, Encrypted=True)["VolumeId"]
    assert leftovers.in_account(layout, REGION) == [f"Volumes {made}"]
    ec2.delete_volume(VolumeId=made)
    assert aws.client(layout, "kms", region=REGION).list_keys()["Keys"] != []
    assert leftovers.in_account(layout, REGION) == []


def test_what_was_made_is_named_and_what_was_deleted_is_not(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    left = leftovers.in_account(world.layout, REGION)
    for example in ("vpc", "subnet", "address", "internet", "template", "role", "certificate", "key"):
        assert any(line.endswith(world.id(example)) for line in left), example
    names = list(reversed(world.made))
    while names:
        refused: list[str] = []
        for name in names:
            try:
                world.delete(world.made[name])
            except AwsError:
                refused.append(name)
        assert len(refused) < len(names)
        names = refused
    assert leftovers.in_account(world.layout, REGION) == []


def two_subnets(tmp_path: Path) -> World:
    world = World(tmp_path)
    for name in ("vpc", "subnet", "subnet-c", "internet"):
        world.made[name] = world.make(EXAMPLES[name].type, name, EXAMPLES[name].inputs(world))
    return world


def balancer(world: World, ec2: Any) -> str:
    """As the load balancer controller does, a group of its own included."""
    group = ec2.create_security_group(GroupName="k8s", Description="k8s", VpcId=world.id("vpc"))["GroupId"]
    elbv2 = aws.client(world.layout, "elbv2", region=REGION)
    subnets = [world.id("subnet"), world.id("subnet-c")]
    elbv2.create_load_balancer(Name="k8s", Subnets=subnets, SecurityGroups=[group])
    return str(group)


@pytest.mark.parametrize("kept", ["subnet", "subnet-c", "internet", "vpc"])
def test_what_a_load_balancer_uses_is_not_deleted(tmp_path: Path, kept: str) -> None:
    world = two_subnets(tmp_path)
    balancer(world, aws.client(world.layout, "ec2", region=REGION))
    with pytest.raises(AwsError, match="DependencyViolation"):
        world.delete(world.made[kept])


ENDS: list[Callable[[Any, World], object]] = [
    lambda ec2, world: ec2.create_security_group(GroupName="left", Description="x", VpcId=world.id("vpc")),
    lambda ec2, world: ec2.create_subnet(VpcId=world.id("vpc"), CidrBlock="10.0.64.0/20"),
]


@pytest.mark.parametrize("left", ENDS)
def test_a_vpc_with_anything_of_others_in_it_is_not_deleted(
    tmp_path: Path, left: Callable[[Any, World], object]
) -> None:
    world = World(tmp_path)
    world.made["vpc"] = world.make(EXAMPLES["vpc"].type, "vpc", EXAMPLES["vpc"].inputs(world))
    left(aws.client(world.layout, "ec2", region=REGION), world)
    with pytest.raises(AwsError, match="DependencyViolation"):
        world.delete(world.made["vpc"])
