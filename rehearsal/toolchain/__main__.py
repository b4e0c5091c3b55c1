"""`python -m rehearsal.toolchain [--for-tests]`: builds missing programs of the toolchain, prints their paths."""

from __future__ import annotations

import sys
from pathlib import Path

from rehearsal import toolchain
from rehearsal.errors import RehearsalError


def _report(sentence: str) -> None:
    print(sentence, flush=True)


try:
    tools = toolchain.ensure(_report)
    more = toolchain.ensure_for_tests(_report) if sys.argv[1:] == ["--for-tests"] else []
except RehearsalError as error:
    sys.exit(str(error))
for path in (*vars(tools).values(), *more):
    if isinstance(path, Path):
        print(path)
