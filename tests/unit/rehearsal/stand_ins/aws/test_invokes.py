"""Data sources that the stand-in has not are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.aws import invokes
from tests.unit.rehearsal.stand_ins.aws.examples import World


def test_what_a_rehearsal_cannot_answer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match=r"aws:ec2/getAmi:getAmi[\s\S]*invokes\.py"):
        invokes.answer("aws:ec2/getAmi:getAmi", World(tmp_path).caller, {})
