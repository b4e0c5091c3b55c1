"""The account's resources are well-formed, unique, and complete for the SDK."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pulumi_aws
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal import aws
from rehearsal.aws import ACCOUNT_ID
from rehearsal.emulators.aws import inputs, lifecycle
from rehearsal.emulators.aws.account import Account, changing
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kinds import KINDS
from rehearsal.emulators.aws.properties import DEFAULTED, UNKNOWN
from tests.unit.rehearsal.emulators.aws.examples import EXAMPLES, REGION, SEED, World, quiet, urn

EC2_ID = re.compile(r"[a-z]+-[0-9a-f]{17}")


@pytest.fixture
def full() -> World:
    """An account with one of each kind; not to be changed."""
    return World.shared()


def sdk_class(type_token: str) -> type:
    module, _, name = type_token.removeprefix("aws:").partition("/")
    return getattr(getattr(pulumi_aws, module), name.partition(":")[2])


def sdk_outputs(type_token: str) -> Iterator[str]:
    """The SDK's outputs by Pulumi's names."""
    for name, value in vars(sdk_class(type_token)).items():
        if isinstance(value, property):
            yield getattr(value.fget, "_pulumi_name", name)


def test_each_kind_has_an_example_and_its_inputs_in_the_table() -> None:
    assert {example.type for example in EXAMPLES.values()} == KINDS.keys() == inputs.table().keys()


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_outputs_are_ones_that_the_sdk_has(full: World, example: str) -> None:
    outputs = full.made[example].outputs
    assert outputs.keys() <= set(sdk_outputs(full.made[example].type))
    assert UNKNOWN not in json.dumps(outputs)


@pytest.mark.parametrize("example", EXAMPLES)
def test_arns_and_ids_are_well_formed(full: World, example: str) -> None:
    record = full.made[example]
    for name in KINDS[record.type].attributes:
        if name.lower().endswith("arn"):
            inputs.arn(record.outputs[name])
            assert ACCOUNT_ID in record.outputs[name]
    if record.type.startswith(("aws:ec2/", "aws:vpc/")) and "/route:" not in record.type:
        assert EC2_ID.fullmatch(record.id.replace("sgrule", "sgr"))


def test_ids_and_arns_are_unique(full: World) -> None:
    records = full.account.records()
    assert len({(record.type, record.id) for record in records}) == len(records) == len(EXAMPLES)
    arns = [record.outputs["arn"] for record in records if "arn" in record.outputs]
    assert len(arns) == len(set(arns))


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_preview_foresees_what_the_inputs_say_and_knows_nothing_else(full: World, example: str) -> None:
    record = full.made[example]
    kind = KINDS[record.type]
    foreseen = lifecycle.foreseen(kind, full.caller, record.inputs, {})
    assert foreseen.keys() == record.outputs.keys()
    known = {name: value for name, value in foreseen.items() if value != UNKNOWN}
    assert known == {name: record.outputs[name] for name in known}
    assert foreseen.get("arn", UNKNOWN) == UNKNOWN


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_update_in_place_keeps_what_aws_decided_once(full: World, example: str) -> None:
    world = full
    record = world.made[example]
    kind = quiet(KINDS[record.type])
    changed = lifecycle.change(kind, world.caller, record.id, record.inputs)
    assert {name: changed.outputs[name] for name in kind.attributes} == {
        name: record.outputs[name] for name in kind.attributes
    }
    assert changed.id == record.id


def test_a_launch_template_counts_its_versions(tmp_path: Path) -> None:
    world = World(tmp_path)
    template = world.make("aws:ec2/launchTemplate:LaunchTemplate", "template", {"updateDefaultVersion": True})
    second = lifecycle.change(
        KINDS[template.type], world.caller, template.id, {**template.inputs, "instanceType": "t3.large"}
    )
    assert (template.outputs["latestVersion"], template.outputs["defaultVersion"]) == (1, 1)
    assert (second.outputs["latestVersion"], second.outputs["defaultVersion"]) == (2, 2)


def test_tags_of_everything_come_with_own_tags(full: World) -> None:
    assert full.made["vpc"].outputs["tagsAll"] == {"stack": "test", "Name": "vpc"}
    assert full.made["vpc"].outputs["tags"] == {"Name": "vpc"}


def test_the_tags_of_everything_are_an_input_so_that_a_change_of_them_changes_each_resource_in_place() -> None:
    kind = KINDS["aws:ec2/vpc:Vpc"]
    given = {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "vpc"}}
    before, _ = lifecycle.check(kind, urn(kind.type, "vpc"), {}, given, seed=SEED, default_tags={"stack": "test"})
    after, _ = lifecycle.check(
        kind, urn(kind.type, "vpc"), before, given, seed=SEED, default_tags={"stack": "test", "owner": "web"}
    )
    found = lifecycle.difference(kind, before, after)
    assert found.paths == {"tagsAll.owner": False}


def test_a_tag_that_is_not_known_yet_leaves_all_tags_unknown() -> None:
    kind = KINDS["aws:ec2/vpc:Vpc"]
    checked, _ = lifecycle.check(
        kind, urn(kind.type, "vpc"), {}, {"tags": {"Name": UNKNOWN}}, seed=SEED, default_tags={"stack": "test"}
    )
    assert checked["tagsAll"] == UNKNOWN


def test_arns_and_owners_are_the_callers_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "444455556666")
    world = World(tmp_path)
    world.caller = replace(world.caller, account_id="444455556666")
    world.make_all()
    text = world.layout.aws_account.read_text()
    assert "444455556666" in text
    assert ACCOUNT_ID not in text


def test_a_record_is_found_by_the_urn_it_was_made_for(full: World) -> None:
    assert full.account.find_by_urn(urn("aws:ec2/vpc:Vpc", "vpc")) == [full.made["vpc"]]
    assert full.account.find_by_urn(urn("aws:ec2/vpc:Vpc", "other")) == []


@given(order=st.permutations(list(EXAMPLES)))
@settings(max_examples=4, deadline=None)
def test_whatever_order_deletions_are_tried_in_nothing_used_goes_and_all_goes_in_the_end(order: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        world.make_all()
        left = order
        while left:
            refused: list[str] = []
            for name in left:
                try:
                    world.delete(world.made[name])
                except AwsError:
                    refused.append(name)
                references_hold(world.account)
            assert len(refused) < len(left)
            left = refused
        assert world.account.records() == ()


def references_hold(account: Account) -> None:
    """Nothing names what is gone, where AWS would have refused that."""
    for record in account.records():
        for path, reference in inputs.table()[record.type].references.items():
            if reference.blocks is None and not reference.follows:
                continue
            there = {reference.key(named) for named in account.records(reference.to)}
            for value in [v for v in lifecycle.known_values(record.inputs, path) if "::aws:" not in v]:
                assert value in there


@given(
    name=st.text(alphabet="abcXYZ-", min_size=1, max_size=200),
    example=st.sampled_from([name for name, it in EXAMPLES.items() if KINDS[it.type].name is not None]),
    seed=st.binary(max_size=8),
)
def test_made_up_names_are_ones_that_aws_takes(name: str, example: str, seed: bytes) -> None:
    kind = KINDS[EXAMPLES[example].type]
    assert kind.name is not None
    # A repository's name neither begins with a dash nor has two in a row; Pulumi refuses neither in its own names.
    stem = re.sub(r"-+", "-", name).strip("-") or "x"
    checked, wrong = lifecycle.check(kind, urn(kind.type, stem), {}, {}, seed=seed)
    assert wrong == {}
    assert checked[DEFAULTED] == [kind.name.property]
    assert len(checked[kind.name.property]) <= kind.name.longest


def test_a_made_up_name_stays() -> None:
    kind = KINDS["aws:iam/role:Role"]
    first, _ = lifecycle.check(kind, urn(kind.type, "role"), {}, {}, seed=SEED)
    again, _ = lifecycle.check(kind, urn(kind.type, "role"), first, {}, seed=b"another seed")
    given_now, _ = lifecycle.check(kind, urn(kind.type, "role"), first, {"name": "given"}, seed=SEED)
    assert again == first
    assert given_now == {"name": "given", "tagsAll": {}}


def test_threads_that_make_resources_at_once_lose_none(tmp_path: Path) -> None:
    world = World(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        makings = [pool.submit(world.make, "aws:ec2/eip:Eip", f"eip-{index}", {}) for index in range(24)]
        made = [resource.result() for resource in makings]
    assert {record.id for record in world.account.records()} == {record.id for record in made}
    assert len({record.outputs["publicIp"] for record in made}) == 24


def test_a_change_that_fails_leaves_the_account_as_it_was(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make("aws:ec2/eip:Eip", "eip", {})
    before = world.layout.aws_account.read_bytes()
    with pytest.raises(ZeroDivisionError), changing(world.layout) as account:  # noqa: PT012 - the block is the change
        account.remove(account.records()[0])
        raise ZeroDivisionError
    assert world.layout.aws_account.read_bytes() == before


def test_only_its_owner_can_read_the_account(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make("aws:ec2/eip:Eip", "eip", {})
    assert world.layout.aws_account.stat().st_mode & 0o077 == 0


def test_deleting_twice_is_no_error(tmp_path: Path) -> None:
    world = World(tmp_path)
    record = world.make("aws:ec2/eip:Eip", "eip", {})
    world.delete(record)
    world.delete(record)
    assert world.account.records() == ()


def test_what_stands_is_found_and_what_was_deleted_by_hand_is_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    for record in world.made.values():
        assert lifecycle.find(KINDS[record.type], world.layout, record.id) == record
    by_hand = aws.client(world.layout, "ec2", region=REGION)
    by_hand.delete_nat_gateway(NatGatewayId=world.id("nat"))
    by_hand.delete_subnet(SubnetId=world.id("subnet-c"))
    by_hand.delete_launch_template(LaunchTemplateId=world.id("template"))
    for name in ("nat", "subnet-c", "template"):
        record = world.made[name]
        assert lifecycle.find(KINDS[record.type], world.layout, record.id) is None
        assert record not in world.account.records()
