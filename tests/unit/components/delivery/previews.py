"""The stacks with Jenkins and a role for previews: the tests' stacks have neither."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from config import PROJECT
from tests.unit.components.delivery.jenkins import configuration as jenkins_config
from tests.unit.program import configured
from tools.program.graph import Graph

KEY = "arn:aws:kms:ap-northeast-2:123456789012:key/5a1d8c1e-0000-4000-8000-000000000000"
STATE_KEY = KEY.replace("5a1d8c1e", "7b3e2f90")
PREVIEWS: dict[str, Any] = {
    "repository": "hello/platform",
    "environment": "preview-dev",
    "stateBucket": "hello-pulumi-state",
    "keyArn": KEY,
    "stateKeyArn": STATE_KEY,
}


def config(**changes: Any) -> dict[str, str]:
    """The dev stack's configuration, with Jenkins and previews."""
    return {**jenkins_config(), f"{PROJECT}:previews": json.dumps({**PREVIEWS, **changes})}


@cache
def with_previews(*, preview: bool = False) -> Graph:
    """The resources of the dev stack with Jenkins and previews."""
    return configured(config(), preview=preview)
