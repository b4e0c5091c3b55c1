"""Paths, links, modules and tests named in documents exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.program import CHECKOUT
from tools.program.graph import every

DOCUMENTS = every(
    # The changelog names what was there once.
    [*sorted({*CHECKOUT.glob("*.md")} - {CHECKOUT / "CHANGELOG.md"}), *sorted((CHECKOUT / "docs").rglob("*.md"))],
    "document",
)
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


PLACEHOLDER = re.compile(r"[A-Z]{3,}")
"""A placeholder in a path, such as STACK or NAME."""

FILES = {
    path.relative_to(CHECKOUT).as_posix()
    for top in CHECKOUT.iterdir()
    if not top.name.startswith(".") or top.name in {".github", ".ci"}
    for path in ([top, *top.rglob("*")] if top.is_dir() else [top])
}
"""The files and folders of the checkout, without those that `make` creates, such as `.venv/` and `.rehearsal/`."""

SOURCE = r"(?!\.rehearsal/)[\w./-]+\.(py|sh|yaml|yml|toml|csv|svg|Dockerfile)"
FOLDER = r"(?!\.rehearsal/|hello-platform/)(\.?[\w-]+/)+"
"""Not checked: the folders of a rehearsal and of the user's cache, which are created when they are needed."""


def is_there(token: str) -> bool:
    """Whether a path is in the checkout: a file from its root, a bare name or a folder anywhere."""
    pattern = PLACEHOLDER.sub("[^/]+", re.escape(token.rstrip("/")))
    anywhere = token.endswith("/") or "/" not in token
    return any(re.fullmatch(rf"(.+/)?{pattern}" if anywhere else pattern, file) for file in FILES)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_path_in_a_document_is_there(document: Path) -> None:
    tokens = re.findall(r"`([^`\s]+)`", document.read_text(encoding="utf-8"))
    paths = {token for token in tokens if re.fullmatch(SOURCE, token) or re.fullmatch(FOLDER, token)}
    assert {path for path in paths if not is_there(path)} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_module_that_a_document_runs_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    modules = {name.replace(".", "/") for name in re.findall(r"python -m ([\w.]+\w)", text)} - {"pytest"}
    assert {module for module in modules if not {f"{module}.py", f"{module}/__main__.py"} & FILES} == set()
