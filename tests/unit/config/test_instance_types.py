"""The table of instance types is EC2's data; a misspelt name gets a suggestion."""

from __future__ import annotations

import pytest

from config.instance_types import TABLE, instance_types, nearest
from config.instance_types_table import from_moto


def test_the_table_has_motos_data_of_ec2() -> None:
    assert list(instance_types().values()) == list(from_moto()), "run: python -m config.instance_types_table"


def test_the_table_is_small() -> None:
    assert TABLE.stat().st_size < 60_000


def test_a_type_that_runs_no_linux_is_not_in_the_table() -> None:
    assert not any(name.startswith("mac") for name in instance_types())
    assert {kind.architecture for kind in instance_types().values()} == {"amd64", "arm64"}


@pytest.mark.parametrize(
    ("name", "meant"), [("t3.lrge", "t3.large"), ("m7i-large", "m7i.large"), ("m7g.large", "m7i.large"), ("?", None)]
)
def test_the_nearest_name_is_of_the_architecture(name: str, meant: str | None) -> None:
    assert nearest(name, "amd64") == meant
