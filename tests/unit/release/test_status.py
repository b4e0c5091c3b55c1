"""The output of `release status`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from contract.blue_green import BLUE, GREEN
from release.history import Outcome
from release.lock import Holder
from release.state import ServiceState, Trouble
from release.status import ServiceStatus, table
from tests.unit.release.model import NOW, entry, revision, service_state, slot

OLD, NEW = revision("good", 1, "before"), revision("good", 2)


def shown(found: ServiceState, holder: Holder | None = None) -> str:
    console = Console(file=StringIO(), width=200)
    console.print(table("dev", [ServiceStatus(found, holder)]))
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


RELEASED = service_state(
    slot(BLUE, OLD, 2), slot(GREEN, NEW, 2), live=GREEN, history=(entry(GREEN, NEW, previous=OLD),)
)


def test_a_release_is_shown_with_its_age_who_made_it_and_how_long_the_way_back_is_warm() -> None:
    text = shown(RELEASED)
    blue, green = text.splitlines()[-2:]
    assert ["live" in line for line in (blue, green)] == [False, True]
    assert all(word in green for word in ("2/2", NEW.digest.removeprefix("sha256:")[:12], "1m", "tester"))
    assert "warm 9m" in blue


def test_what_is_wrong_is_shown() -> None:
    drifted = replace(RELEASED, template="newer")
    assert "older than the PodTemplate" in shown(drifted)
    assert "locked by ci" in shown(RELEASED, Holder("system:serviceaccount:delivery:ci/1a2b", NOW, 60))
    broken = replace(RELEASED, green=slot(GREEN, NEW, 2, 0, troubles=(Trouble("CrashLoopBackOff", "again"),)))
    assert "CrashLoopBackOff" in shown(broken)
    assert not ServiceStatus(broken, None).is_healthy
    failed = entry(BLUE, OLD, previous=NEW, outcome=Outcome.FAILED)
    text = shown(replace(RELEASED, blue=slot(BLUE, OLD, 0), history=(*RELEASED.history, failed)))
    _, note, green = text.splitlines()[-3:]
    assert note.strip() == "failed: `release history` says why"
    assert green.split()[0] == GREEN
    over = replace(RELEASED, now=NOW + timedelta(hours=1))
    assert "warm time is over" in shown(over)


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("system:serviceaccount:delivery:hello-release", "hello-release"),
        ("arn:aws:sts::123456789012:assumed-role/hello-deployer/jane@example.com", "jane@example.com"),
        ("kubernetes-admin", "kubernetes-admin"),
    ],
)
def test_who_released_is_told_in_a_word(user: str, name: str) -> None:
    history = (replace(RELEASED.history[0], by=user),)
    assert f"1m   {name}\n" in shown(replace(RELEASED, history=history))


def test_a_slot_has_the_version_of_its_image_and_the_whole_image_on_demand() -> None:
    known = replace(RELEASED, history=(replace(RELEASED.history[0], version="v2"),))
    digits = NEW.digest.removeprefix("sha256:")
    assert f"v2 ({digits[:12]})" in shown(known)
    assert NEW.image not in shown(known)
    console = Console(file=StringIO(), width=80)
    console.print(table("dev", [ServiceStatus(known, None)], full=True), crop=False)
    assert f"    {NEW.image}\n" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_machine_gets_the_same() -> None:
    status = ServiceStatus(RELEASED, None).to_json()
    assert (status["live"], status["healthy"], status["drift"], status["lock"]) == (GREEN, True, False, None)
    assert status["slots"][BLUE]["ready"] == 2
    assert status["lastRelease"]["image"] == NEW.image
