"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.graph import every
from tests.unit.program import CHECKOUT

DOCUMENTS = every([CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))], "document")
TESTS = {
    name
    for path in (CHECKOUT / "tests").rglob("test_*.py")
    for name in re.findall(r"^ *def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and "`" in line
]


@pytest.mark.parametrize(("control", "place", "test"), ROWS, ids=[row[0] for row in ROWS])
def test_every_control_has_a_place_in_the_code_and_a_test(control: str, place: str, test: str) -> None:
    assert control
    for path in every(re.findall(r"`([^`]+)`", place), "place"):
        assert (CHECKOUT / path).is_file(), f"{path} does not exist"
    for name in every(re.findall(r"`([^`]+)`", test), "test"):
        assert name in TESTS, f"there is no {name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if not target.startswith(("https://", "http://")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
