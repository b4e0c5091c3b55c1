"""Deletion protection refuses a delete until it is lifted."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.emulators.aws import protection
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.layout import Layout
from tests.unit.rehearsal.emulators.aws.examples import EXAMPLES, World

PROTECTED = {"cluster": {"deletionProtection": True}, "logs": {"deletionProtectionEnabled": True}}


@pytest.mark.parametrize("example", PROTECTED)
def test_a_protected_resource_goes_only_once_its_protection_is_lifted(tmp_path: Path, example: str) -> None:
    world = World(tmp_path)
    for name, one in EXAMPLES.items():
        world.made[name] = world.make(one.type, name, {**one.inputs(world), **PROTECTED.get(name, {})})
    world.delete(world.made["nodes"])
    with pytest.raises(AwsError, match="deletion protection"):
        world.delete(world.made[example])
    assert set(protection.lift(world.layout)) == {world.id("cluster"), world.id("logs")}
    world.delete(world.made[example])
    assert world.account.find(world.made[example].type, world.id(example)) is None


def test_without_an_account_there_is_nothing_to_lift(tmp_path: Path) -> None:
    assert protection.lift(Layout(tmp_path)) == []
