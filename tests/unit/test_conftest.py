"""No unit test depends on the stack files of the checkout."""

from __future__ import annotations

import pytest

from tests.unit.program import SHIPPED


def test_a_test_that_reads_a_shipped_stack_file_fails() -> None:
    for path in SHIPPED.values():
        with pytest.raises(AssertionError, match=f"{path.name} belongs to who adopts the project"):
            path.read_text(encoding="utf-8")
