"""A rehearsal's faults strike the type they are told to, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.emulators import faults
from rehearsal.emulators.faults import Fault, Faults, FaultStruckError
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

VPC = "aws:ec2/vpc:Vpc"
URN = "urn:pulumi:test::stand-ins::aws:ec2/vpc:Vpc::vpc"


def test_without_a_file_nothing_is_struck(tmp_path: Path) -> None:
    Faults(Layout(tmp_path)).strike(VPC, URN)


def test_a_fault_strikes_its_type_with_its_message_and_says_which_resource(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    faults.write(layout, {VPC: Fault(fail="no capacity")})
    with pytest.raises(FaultStruckError, match=rf"no capacity.*{URN}"):
        Faults(layout).strike(VPC, URN)
    Faults(layout).strike("aws:ec2/subnet:Subnet", URN)


def test_a_fault_lets_the_first_operations_pass_and_strikes_all_later_ones(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    faults.write(layout, {VPC: Fault(fail="no capacity", after=2)})
    struck = Faults(layout)
    struck.strike(VPC, URN)
    struck.strike(VPC, URN)
    for _ in range(2):
        with pytest.raises(FaultStruckError):
            struck.strike(VPC, URN)


def test_a_delay_lets_the_operation_pass_later(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    faults.write(layout, {VPC: Fault(delay=2.5)})
    slept: list[float] = []
    Faults(layout, sleep=slept.append).strike(VPC, URN)
    assert slept == [2.5]


def test_a_running_process_follows_a_change_of_the_faults(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    struck = Faults(layout)
    faults.write(layout, {VPC: Fault(fail="no capacity")})
    with pytest.raises(FaultStruckError):
        struck.strike(VPC, URN)
    faults.write(layout, {})
    struck.strike(VPC, URN)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"aws:ec2/vpc:Vpc": {"fails": "x"}}', '{"aws:ec2/vpc:Vpc": {"delay": -1}}']
)
def test_a_file_that_is_no_table_of_faults_is_named(tmp_path: Path, text: str) -> None:
    layout = Layout(tmp_path)
    layout.faults.write_text(text)
    with pytest.raises(RehearsalError, match=r"faults\.json"):
        Faults(layout).strike(VPC, URN)
