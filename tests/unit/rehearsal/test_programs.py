"""KWOK gets pod addresses that no pod has."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from rehearsal.programs import POD_CIDR, free_block


@given(st.lists(st.ip_addresses(network=POD_CIDR), max_size=15))
def test_a_block_is_within_the_range_and_has_no_address_that_is_used(used: list[IPv4Address]) -> None:
    block = IPv4Network(free_block(map(str, used)))
    assert block.subnet_of(IPv4Network(POD_CIDR))
    assert not [address for address in used if address in block]


def test_the_first_start_and_a_full_range_have_a_block_too() -> None:
    assert free_block(["10.10.0.4", "100.65.0.1"]) == "100.64.0.0/20"
    assert free_block(f"100.64.{third}.1" for third in range(256)) == "100.64.240.0/20"
