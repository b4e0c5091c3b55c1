"""Tags a version of the project: `python -m tools.tag`. Its message is that part of CHANGELOG.md."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from contract.version import VERSION

CHECKOUT = Path(__file__).parents[1]
CHANGELOG = CHECKOUT / "CHANGELOG.md"

UNRELEASED = "unreleased"
"""In place of a date, while changes are still added to a version."""

_HEADING = re.compile(r"^## \[(?P<number>\d+\.\d+\.\d+)\] - (?P<date>\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Version:
    """A version in the changelog.

    Attributes:
        number: `1.2.3`.
        date: Its day, or `unreleased`.
        text: What changed, and how to upgrade to it.
    """

    number: str
    date: str
    text: str

    @property
    def order(self) -> tuple[int, ...]:
        """By which versions are compared."""
        return tuple(map(int, self.number.split(".")))


def versions(changelog: str) -> list[Version]:
    """The versions of a changelog, newest first."""
    headings = list(_HEADING.finditer(changelog))
    ends = [heading.start() for heading in headings[1:]] + [len(changelog)]
    return [
        Version(heading["number"], heading["date"], changelog[heading.end() : end].strip())
        for heading, end in zip(headings, ends, strict=True)
    ]


def problem(newest: Version, *, status: str, tags: str) -> str | None:
    """Why a version cannot be tagged; None if it can.

    Args:
        newest: The newest version of the changelog.
        status: Output of `git status --porcelain`.
        tags: Output of `git tag --list`.
    """
    if newest.number != VERSION:
        return f"CHANGELOG.md begins with {newest.number}, and contract/version.py has {VERSION}: make them one"
    if newest.date == UNRELEASED:
        return f"{VERSION} has no date: put it in place of `{UNRELEASED}` in CHANGELOG.md, and commit"
    if status.strip():
        return "the checkout has changes that are not committed"
    if f"v{VERSION}" in tags.split():
        return f"v{VERSION} is tagged already: raise VERSION in contract/version.py, and begin a part of CHANGELOG.md"
    return None


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Tags the commit that is checked out, or says why not."""
    newest = versions(CHANGELOG.read_text(encoding="utf-8"))[0]
    refused = problem(newest, status=_git("status", "--porcelain"), tags=_git("tag", "--list"))
    if refused is not None:
        sys.exit(f"error: {refused}")
    name = f"v{newest.number}"
    _git("tag", "--annotate", name, "--cleanup=verbatim", "--message", f"{name}\n\n{newest.text}\n")
    print(f"{name} is tagged. Publish it: git push origin {name}")  # noqa: T201


if __name__ == "__main__":
    main()
