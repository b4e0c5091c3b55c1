"""`python -m rehearsal.toolchain [--for-tests]`: builds what is missing of the toolchain, and says where it is."""

from __future__ import annotations

import sys

from rehearsal import toolchain
from rehearsal.errors import RehearsalError


def _report(sentence: str) -> None:
    print(sentence, flush=True)


try:
    tools = toolchain.ensure(_report)
    more = toolchain.ensure_for_tests(_report) if sys.argv[1:] == ["--for-tests"] else []
except RehearsalError as error:
    sys.exit(str(error))
for path in (
    tools.pulumi,
    tools.kubernetes_provider,
    tools.kubernetes,
    tools.kwok,
    tools.eck_operator,
    tools.load_balancer_controller,
    tools.coredns,
    *more,
):
    print(path)
