"""Data sources that the emulator lacks are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.emulators.aws import invokes
from rehearsal.errors import RehearsalError
from tests.unit.rehearsal.emulators.aws.examples import World


def test_what_a_rehearsal_cannot_answer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match=r"aws:ec2/getAmi:getAmi[\s\S]*invokes\.py"):
        invokes.invoke("aws:ec2/getAmi:getAmi", World(tmp_path).caller, {})
