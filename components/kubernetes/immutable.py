"""A service's variables: immutable, under a name of their own, so that a slot keeps what it was released with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from contract.blue_green import HASH_DIGITS


def immutable_name(service: str, variables: Mapping[str, str], secrets: Mapping[str, str] | None = None) -> str:
    """A name that changes with the content, and only with it: the ConfigMap's and the Secret's."""
    content = json.dumps([variables, secrets or {}], sort_keys=True).encode()
    return f"{service}-{hashlib.sha256(content).hexdigest()[:HASH_DIGITS]}"
