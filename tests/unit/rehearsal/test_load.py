"""The load file is read, and its errors are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import load
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout


def test_what_was_told_is_read_and_nothing_where_nothing_was_told(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert load.read(layout) == {}
    layout.load.write_text('{"prod/api": 90, "dev/ai": 2.5}')
    assert load.read(layout) == {"prod/api": 90, "dev/ai": 2.5}


@pytest.mark.parametrize(
    "text", ["{", "[90]", '{"prod/api": "much"}', '{"prod/api": null}', '{"prod/api": -1}', '{"prod/api": NaN}']
)
def test_a_file_that_is_no_table_of_loads_is_refused_with_its_path_and_a_remedy(tmp_path: Path, text: str) -> None:
    layout = Layout(tmp_path)
    layout.load.write_text(text)
    with pytest.raises(RehearsalError, match=r"load\.json is no table of loads.*\n.*or delete it"):
        load.read(layout)
