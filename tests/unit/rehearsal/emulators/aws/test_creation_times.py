"""The stand-in waits as long as AWS takes, scaled, and only when it is told to."""

from __future__ import annotations

import pytest

from rehearsal.emulators.aws import creation_times
from rehearsal.emulators.aws.kinds import KINDS
from rehearsal.errors import RehearsalError

CLUSTER = "aws:eks/cluster:Cluster"


def slept(scale: str | None, type_token: str = CLUSTER) -> list[float]:
    naps: list[float] = []
    environment = {} if scale is None else {creation_times.SCALE_VARIABLE: scale}
    creation_times.wait(type_token, environment=environment, sleep=naps.append)
    return naps


@pytest.mark.parametrize("scale", [None, "0"])
def test_nothing_waits_unless_it_is_told_to(scale: str | None) -> None:
    assert slept(scale) == []


def test_a_creation_takes_its_share_of_what_it_takes_in_aws() -> None:
    assert slept("0.01") == [pytest.approx(5.4)]
    assert slept("2", "aws:ecr/repository:Repository") == [2.0]


@pytest.mark.parametrize("scale", ["fast", "-1", "inf", "nan", ""])
def test_a_scale_that_is_none_is_refused_by_name(scale: str) -> None:
    with pytest.raises(RehearsalError, match="HELLO_CREATION_TIME_SCALE"):
        slept(scale)


def test_every_type_in_the_table_is_one_that_the_stand_in_has() -> None:
    assert creation_times.SECONDS.keys() <= KINDS.keys()
