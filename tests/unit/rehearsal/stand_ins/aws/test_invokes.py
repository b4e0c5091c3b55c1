"""Data sources answer what AWS and its provider would."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.aws import invokes
from tests.unit.rehearsal.stand_ins.aws.examples import World


def test_who_and_where_the_caller_is(tmp_path: Path) -> None:
    caller = World(tmp_path).caller
    assert invokes.answer("aws:index/getPartition:getPartition", caller, {})["partition"] == "aws"
    assert invokes.answer("aws:index/getCallerIdentity:getCallerIdentity", caller, {})["accountId"] == "123456789012"


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("aws:ec2/getAmi:getAmi", "invokes.py"),
        ("aws:eks/getAddonVersion:getAddonVersion", "Give the add-on's version"),
    ],
)
def test_what_a_rehearsal_cannot_answer_is_refused(tmp_path: Path, token: str, message: str) -> None:
    with pytest.raises(RehearsalError, match=message):
        invokes.answer(token, World(tmp_path).caller, {})
