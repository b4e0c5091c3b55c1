"""A service's variables: immutable, under a name of their own, so that a slot keeps what it was released with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from components.contract import HASH_DIGITS


def immutable_name(service: str, data: Mapping[str, str]) -> str:
    """A name that changes with the content, and only with it."""
    content = json.dumps(data, sort_keys=True).encode()
    return f"{service}-{hashlib.sha256(content).hexdigest()[:HASH_DIGITS]}"
