"""A cluster, its node groups and kube-proxy go up by a minor version at a time, in EKS' order, and never back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rehearsal.emulators.aws import lifecycle
from rehearsal.emulators.aws.account import Record
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kinds import KINDS
from tests.unit.rehearsal.emulators.aws.examples import EXAMPLES, World, quiet


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A cluster of 1.36 with nodes of 1.36 and kube-proxy; no test changes it."""
    world = World(tmp_path_factory.mktemp("world"))
    world.make_all()
    for name, inputs in {
        "group": {"nodeGroupName": "group", "version": "1.36", "releaseVersion": "1.36.1-20260930"},
        "proxy": {"addonName": "kube-proxy", "addonVersion": "v1.36.0-eksbuild.25"},
    }.items():
        example = EXAMPLES["nodes" if name == "group" else "addon"]
        world.made[name] = world.make(example.type, name, {**example.inputs(world), **inputs})
    return world


def change(world: World, name: str, **inputs: Any) -> Record:
    made = world.made[name]
    return lifecycle.change(quiet(KINDS[made.type]), world.caller, made.id, {**made.inputs, **inputs}, made.inputs)


REFUSED = [
    ("cluster", {"version": "1.38"}, "minor version update from 1.36 to 1.38"),
    ("cluster", {"version": "1.35"}, "minor version update from 1.36 to 1.35"),
    ("group", {"version": "1.37", "releaseVersion": "1.37.0-20270101"}, "version 1.37 is invalid"),
    ("group", {"version": "1.36", "releaseVersion": "1.37.0-20270101"}, "not valid for kubernetes version 1.36"),
    ("group", {"version": "1.35", "releaseVersion": "1.35.4-20270101"}, "cannot be rolled back"),
    ("group", {"releaseVersion": "1.36.1-20260901"}, "cannot be rolled back"),
    ("group", {"releaseVersion": "1.36.0-20261030"}, "cannot be rolled back"),
    ("proxy", {"addonVersion": "v1.37.0-eksbuild.1"}, "Addon version specified is not supported"),
    ("proxy", {"addonVersion": "v1.32.0-eksbuild.1"}, "Addon version specified is not supported"),
]


@pytest.mark.parametrize(("name", "inputs", "message"), REFUSED)
def test_what_eks_refuses(world: World, name: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError, match=message) as refused:
        change(world, name, **inputs)
    assert refused.value.code == "InvalidParameterException"
    assert world.account.find(world.made[name].type, world.made[name].id) == world.made[name]


def test_another_launch_template_alone_brings_the_newest_image_which_the_provider_reads_back(tmp_path: Path) -> None:
    """https://github.com/hashicorp/terraform-provider-aws/issues/40902."""
    world = World(tmp_path)
    world.make_all()
    example, pinned = EXAMPLES["nodes"], "1.36.1-20260930"
    inputs = {**example.inputs(world), "nodeGroupName": "group", "version": "1.36", "releaseVersion": pinned}
    group = world.made["group"] = world.make(example.type, "group", inputs)
    template = world.made["template"]
    lifecycle.change(quiet(KINDS[template.type]), world.caller, template.id, {**template.inputs, "description": "b"})
    other = {"launchTemplate": {"id": template.id, "version": "2"}}
    moved = change(world, "group", **other)
    assert moved.outputs["releaseVersion"] > pinned
    in_state = lifecycle.in_state(KINDS[group.type], {**inputs, **other}, moved.outputs)
    assert lifecycle.difference(KINDS[group.type], in_state, {**inputs, **other}).paths == {"releaseVersion": False}
    world.made["group"] = replace(moved, inputs=in_state)
    with pytest.raises(AwsError, match="cannot be rolled back"):
        change(world, "group", releaseVersion=pinned)


def test_a_new_group_has_its_clusters_version(world: World) -> None:
    example = EXAMPLES["nodes"]
    with pytest.raises(AwsError, match=r"version 1\.35 is invalid"):
        world.make(example.type, "older", {**example.inputs(world), "nodeGroupName": "older", "version": "1.35"})


def test_a_cluster_goes_up_first_then_the_others_follow_before_it_goes_up_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    example = EXAMPLES["nodes"]
    inputs = {**example.inputs(world), "nodeGroupName": "group", "version": "1.36", "releaseVersion": "1.36.1-20260930"}
    world.made["group"] = world.make(example.type, "group", inputs)
    world.made["cluster"] = change(world, "cluster", version="1.37")
    with pytest.raises(AwsError, match=r"Nodegroups group must be updated to match cluster version 1\.37"):
        change(world, "cluster", version="1.38")
    change(world, "group", version="1.37", releaseVersion="1.37.0-20270101")
    change(world, "cluster", version="1.38")
