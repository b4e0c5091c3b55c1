"""Kubernetes quantities as numbers. https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/."""

from __future__ import annotations

import re
from fractions import Fraction

UNITS = {"M": 1000**2, "G": 1000**3, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4}
"""Bytes per unit."""


def cpu_millis(quantity: str) -> int:
    """Millicores of `250m`, `0.5` or `2`."""
    return int(quantity[:-1]) if quantity.endswith("m") else int(Fraction(quantity) * 1000)


def memory_bytes(quantity: str) -> int:
    """Bytes of `512Mi` or `2G`."""
    number, unit = re.fullmatch(r"(\d+)(\w+)", quantity, re.ASCII).groups()  # pyright: ignore[reportOptionalMemberAccess] - the models validate it
    return int(number) * UNITS[unit]
