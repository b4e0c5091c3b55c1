"""ACM issues a certificate when its validation record exists, or when the rehearsal's file says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.emulators.aws import invokes, lifecycle
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kinds import KINDS, certificates
from rehearsal.errors import RehearsalError
from tests.unit.rehearsal.emulators.aws.examples import EXAMPLES, World

GET = "aws:acm/getCertificate:getCertificate"
DOMAIN = "hello.example.com"
STATUSES = ["PENDING_VALIDATION"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An account with a certificate whose proof is not entered."""
    world = World(tmp_path)
    make(world, "certificate")
    return world


def make(world: World, *names: str) -> None:
    for name in names:
        example = EXAMPLES[name]
        world.made[name] = world.make(example.type, name, example.inputs(world))


def status(world: World) -> str:
    return certificates.status(world.layout, world.account, world.account.records(certificates.CERTIFICATE)[0])


def test_it_is_pending_until_its_proof_is_entered(world: World) -> None:
    assert status(world) == "PENDING_VALIDATION"
    make(world, "proof")
    assert status(world) == "ISSUED"


def test_who_waits_for_one_without_proof_waits_in_vain(world: World) -> None:
    with pytest.raises(AwsError, match="its validation record is missing"):
        make(world, "validation")


def test_it_stays_issued_when_its_proof_goes(world: World) -> None:
    make(world, "proof", "validation")
    validation = world.made["validation"]
    lifecycle.settle(KINDS[validation.type], world.layout, validation)
    world.delete(world.made["proof"])
    assert status(world) == "ISSUED"


def test_a_rehearsal_is_told_what_acm_says(world: World) -> None:
    world.layout.certificates.write_text(f'{{"{DOMAIN}": "FAILED"}}')
    assert status(world) == "FAILED"


@pytest.mark.parametrize("text", ["[", '["x"]', f'{{"{DOMAIN}": "issued"}}'])
def test_a_file_that_is_no_table_is_refused(world: World, text: str) -> None:
    world.layout.certificates.write_text(text)
    with pytest.raises(RehearsalError, match="is not a JSON object of domain names"):
        status(world)


def test_a_look_up_finds_one_in_the_status_asked_for_with_all_its_tags(world: World) -> None:
    found = invokes.invoke(GET, world.caller, {"domain": DOMAIN, "statuses": STATUSES, "mostRecent": True})
    assert (found["arn"], found["status"], found["tags"]) == (
        world.arn("certificate"), "PENDING_VALIDATION", {"stack": "test"},
    )  # fmt: skip
    for arguments in (
        {"domain": DOMAIN, "statuses": ["ISSUED"]},
        {"domain": "other.example.com", "statuses": STATUSES},
    ):
        with pytest.raises(AwsError, match="no ACM Certificate matching domain"):
            invokes.invoke(GET, world.caller, arguments)


def test_the_zone_of_load_balancers_is_the_regions(world: World) -> None:
    assert invokes.invoke("aws:lb/getHostedZoneId:getHostedZoneId", world.caller, {})["id"] == "ZWKZPGTI48KDX"
    with pytest.raises(RehearsalError, match="us-gov-west-1"):
        invokes.invoke("aws:lb/getHostedZoneId:getHostedZoneId", world.caller, {"region": "us-gov-west-1"})
