"""Graphs of the dev stack with other configuration of ingress."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from config import PROJECT
from tests.unit.program import PROGRAM, run, stack_config, with_services
from tools.program.graph import Graph

WITHOUT_A_ZONE = json.dumps({"zone": "example.com"})
AT_THE_APEX = "example.com"


@cache
def with_certificates(*answers: tuple[str, str], preview: bool = False) -> Graph:
    """Graph without a Route 53 zone, where ACM has certificates with these statuses and `Name` tags."""
    return changed(
        {"dns": WITHOUT_A_ZONE},
        certificates=[{"status": status, "tags": {"Name": name}} for status, name in answers],
        preview=preview,
    )


def changed(
    changes: Mapping[str, str], *, certificates: Sequence[Mapping[str, Any]] = (), preview: bool = False
) -> Graph:
    """Graph of one service with other configuration values, by key, in the form in which Pulumi passes them."""
    config = with_services(stack_config("dev"), "frontend")
    config |= {f"{PROJECT}:{key}": value for key, value in changes.items()}
    return run(PROGRAM, stack="dev", settings=config, preview=preview, certificates=certificates)
