"""The dev stack with Jenkins: the tests' stacks have none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from config import PROJECT
from pipelines import certificates
from tests.unit.program import configured, stack_config, with_services
from tools.program.graph import Graph

PASSWORD = "made-up-admin-password"  # noqa: S105 - made up
TOKEN = "made-up-git-token"  # noqa: S105 - likewise
SECRET = "made-up-hook-secret"  # noqa: S105 - likewise
SLACK = "https://hooks.example.com/made-up-slack-path"
HOOK: dict[str, Any] = {
    "cidrs": ["192.30.252.0/22", "185.199.108.0/22", "140.82.112.0/20", "143.55.64.0/20"],
    "secret": SECRET,
}
"""GitHub's ranges: one more than the condition of one load balancer rule can have."""

DELIVERY: dict[str, Any] = {
    "adminPassword": PASSWORD,
    "certificates": certificates.new_certificates(datetime(2026, 1, 1, tzinfo=UTC)),
    "agentDigest": "sha256:" + 64 * "a",
    "sources": {
        "api": {"repository": "https://git.example.com/hello/api.git"},
        "ai": {"repository": "https://git.example.com/hello/ai.git", "branch": "release/next"},
    },
    "platform": {"repository": "https://git.example.com/hello/platform.git"},
    "git": {"username": "reader", "token": TOKEN},
    "notify": {"slackUrl": SLACK, "webhookUrl": f"{SLACK}/plain"},
}


def configuration(**changes: Any) -> dict[str, str]:
    """The dev stack's configuration, with Jenkins."""
    return {**stack_config("dev"), f"{PROJECT}:delivery": json.dumps({**DELIVERY, **changes})}


def of_its_sources(**changes: Any) -> Graph:
    """Jenkins with other settings, in a stack of the services that it builds and the one at the host's root."""
    return configured(with_services(configuration(**changes), "frontend", *DELIVERY["sources"]))


@cache
def with_jenkins(*, preview: bool = False) -> Graph:
    """The resources of the dev stack with Jenkins."""
    return configured(configuration(), preview=preview)


@cache
def with_hook(*, preview: bool = False) -> Graph:
    """The resources of the dev stack with Jenkins and a webhook."""
    return configured(configuration(hook=HOOK), preview=preview)
