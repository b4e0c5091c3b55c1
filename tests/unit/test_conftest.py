"""Which tests run on the same worker; and no unit test depends on the stack files of the checkout."""

from __future__ import annotations

import pytest

from tests.conftest import rank, scope
from tests.unit.program import SHIPPED


@pytest.mark.parametrize(
    ("nodeid", "wanted"),
    [
        ("tests/rehearsal/test_platform.py::test_it[stack-dev]", "stack-dev"),
        ("tests/rehearsal/test_logs.py::test_it[stack-prod-more]", "stack-prod"),
        ("tests/traffic/test_restarts.py::test_it[aws]", "tests/traffic"),
        ("tests/rehearsal/kubernetes_provider/test_waiting.py::test_it", "tests/rehearsal/kubernetes_provider"),
        ("tests/rehearsal/one_service/test_upgrade.py::test_it", "tests/rehearsal/one_service"),
        ("tests/rehearsal/test_changes.py::test_it[a row-stack-dev]", "stack-dev"),
        ("tests/rehearsal/test_nodes.py::test_it[a stack-dev]", "tests/rehearsal/test_nodes.py"),
    ],
)
def test_tests_that_share_a_stack_or_a_folders_platform_run_on_one_worker(nodeid: str, wanted: str) -> None:
    assert scope(nodeid) == wanted


def test_what_takes_longest_begins_then_what_waits_and_the_rest_keeps_its_order() -> None:
    wanted = [
        "tests/a.py::test[stack-dev]",
        "tests/a.py::test[stack-prod]",
        "tests/traffic/test_a.py::test_a",
        "tests/release/test_z.py::test_a",
        "tests/delivery/test_a.py::test_a",
        "tests/rehearsal/one_service/test_a.py::test_a",
        "tests/unit/test_z.py::test_b",
        "tests/unit/test_a.py::test_a",
    ]
    nodeids = [*wanted[3:4], *wanted[6:], *wanted[4:6], *reversed(wanted[:3])]
    assert sorted(nodeids, key=rank) == wanted


def test_a_test_that_reads_a_shipped_stack_file_fails() -> None:
    for path in SHIPPED.values():
        with pytest.raises(AssertionError, match=f"{path.name} belongs to who adopts the project"):
            path.read_text(encoding="utf-8")
