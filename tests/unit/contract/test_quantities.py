"""Quantities are parsed as Kubernetes parses them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import (  # pyright: ignore[reportMissingTypeStubs]
    parse_quantity,  # pyright: ignore[reportUnknownVariableType]
)
from pydantic import TypeAdapter

from config.values import Cpu, Memory
from contract.quantities import cpu_millis, memory_bytes


@pytest.mark.parametrize(("text", "millis"), [("250m", 250), ("2", 2000), ("0.5", 500), ("1.25", 1250), ("0.001", 1)])
def test_cpu_is_read_in_thousandths(text: str, millis: int) -> None:
    assert cpu_millis(text) == millis


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1Mi", 2**20), ("3Gi", 3 * 2**30), ("2Ti", 2 * 2**40), ("5M", 5_000_000), ("7G", 7_000_000_000)],
)
def test_memory_is_read_in_bytes(text: str, amount: int) -> None:
    assert memory_bytes(text) == amount


@given(st.from_regex(r"[0-9]{1,5}(\.[0-9]{1,4})?m?", fullmatch=True))
def test_every_cpu_that_is_allowed_is_read_as_kubernetes_reads_it(text: str) -> None:
    if allowed(Cpu, text):
        assert cpu_millis(text) == parse_quantity(text) * 1000 > 0


@given(st.from_regex(r"[0-9]{1,6}(Ki|Mi|Gi|Ti|k|K|M|G|T|m|i)?", fullmatch=True))
def test_every_memory_that_is_allowed_is_read_as_kubernetes_reads_it(text: str) -> None:
    if allowed(Memory, text):
        assert memory_bytes(text) == parse_quantity(text) > 0


def allowed(kind: Any, text: str) -> bool:
    """Whether a type of the configuration accepts a text."""
    try:
        TypeAdapter(kind).validate_python(text)  # pyright: ignore[reportUnknownMemberType]
    except ValueError:
        return False
    return True
