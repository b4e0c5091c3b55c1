"""The dev stack with other settings of what stands in front of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from config import PROJECT
from tests.unit.graph import Graph
from tests.unit.program import CHECKOUT, run, stack_config

WITHOUT_A_ZONE = json.dumps({"zone": "example.com"})
AT_THE_APEX = "example.com"


@cache
def with_certificates(*answers: tuple[str, str], preview: bool = False) -> Graph:
    """Without a zone: the graph where ACM has certificates, each by its status and its tag `Name`."""
    return changed(
        {"dns": WITHOUT_A_ZONE},
        certificates=[{"status": status, "tags": {"Name": name}} for status, name in answers],
        preview=preview,
    )


def changed(
    changes: Mapping[str, str], *, certificates: Sequence[Mapping[str, Any]] = (), preview: bool = False
) -> Graph:
    """The graph with other values, as Pulumi hands them to the program, by key."""
    config = {**stack_config("dev"), **{f"{PROJECT}:{key}": value for key, value in changes.items()}}
    return run(CHECKOUT / "__main__.py", stack="dev", settings=config, preview=preview, certificates=certificates)
