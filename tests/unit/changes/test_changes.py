"""This change, this effect: each row of docs/changes.md against what the program would change."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

import pytest

import config
from components.cluster import live
from config import SettingsError
from tests.unit.changes import table
from tests.unit.changes.differences import operations
from tests.unit.changes.table import ROWS, Row
from tests.unit.components.cluster.live import LIVE
from tests.unit.config.configurations import changed, refusal
from tests.unit.program import CHECKOUT, platform, run
from tools.program.graph import every


def batches(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows in as few runs of the program as possible: changes of other settings that touch other resources."""
    found: list[list[Row]] = []
    for row in rows:
        free = (batch for batch in found if not any(_collide(row, other) for other in batch))
        batch = next(free, None)
        if batch is None:
            found.append([row])
        else:
            batch.append(row)
    return found


def _collide(row: Row, other: Row) -> bool:
    """Whether two rows change the same setting or the same resource."""
    settings = any(
        f"{one}.".startswith(f"{two}.") or f"{two}.".startswith(f"{one}.") for one in row.set for two in other.set
    )
    resources = any(
        fnmatch.fnmatch(one, two) or fnmatch.fnmatch(two, one) for one in row.resources for two in other.resources
    )
    return row.alone or other.alone or settings or resources


BATCHES = batches([row for row in ROWS if not row.refused])


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch[0].change)
def test_a_change_does_to_each_resource_what_its_row_says_and_nothing_to_others(batch: list[Row]) -> None:
    settings = {path: value for row in batch for path, value in row.set.items()}
    after = run(CHECKOUT / "__main__.py", stack="dev", settings=changed(settings), preview=False, live=LIVE)
    found = operations(platform("dev", preview=False), after)
    for row in batch:
        for pattern in row.resources:
            done = {name: found[name] for name in fnmatch.filter(found, pattern)}
            expected = {operation for operation, patterns in row.touches.items() if pattern in patterns}
            assert set(done.values()) == expected, f"{row.change}: {pattern} {done}"
    claimed = [pattern for row in batch for pattern in row.resources]
    assert [name for name in found if not any(fnmatch.fnmatch(name, one) for one in claimed)] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.refused], ids=lambda row: row.change)
def test_what_is_refused_is_refused_before_anything_is_changed(row: Row) -> None:
    assert row.refused in str(refused(changed(row.set)))
    assert refused(changed({})) is None, "the values before are accepted again"


def refused(settings: dict[str, str]) -> SettingsError | None:
    """The error of settings that are refused of the live stack; None if they are accepted."""
    if error := refusal(settings):
        return error
    loaded = config.load(settings)
    found = list(live.problems(LIVE, network=loaded.network, access=loaded.cluster))
    return SettingsError(found) if found else None


def test_there_is_a_row_for_what_people_change() -> None:
    assert len(every(ROWS)) >= 50
    assert len(BATCHES) <= 15, "each run of the program takes two seconds"


def test_no_change_of_a_setting_replaces_nodes_at_once_or_what_holds_data_unless_its_row_says_so() -> None:
    precious = ("eks:index:*", "aws:kms/*", "aws:ecr/*", "*:Elasticsearch::*", "aws:s3/bucket:*", "*:Namespace::*")
    for row in ROWS:
        for operation in ("replace", "delete"):
            names = [
                name for name in row.touches.get(operation, ()) if any(fnmatch.fnmatch(name, one) for one in precious)
            ]
            assert not names or row.effect in {"replaced", "removed", "refused"}, row.change


def test_the_table_in_the_docs_is_current() -> None:
    assert table.FILE.read_text(encoding="utf-8") == table.render(), f"make it anew: {table.COMMAND}"
