"""Names of immutable ConfigMaps and Secrets: a slot keeps the variables that it was released with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from contract.blue_green import HASH_DIGITS


def immutable_name(service: str, variables: Mapping[str, str], secrets: Mapping[str, str] | None = None) -> str:
    """Name of a service's ConfigMap and Secret, derived from a hash of their content."""
    content = json.dumps([variables, secrets or {}], sort_keys=True).encode()
    return f"{service}-{hashlib.sha256(content).hexdigest()[:HASH_DIGITS]}"
