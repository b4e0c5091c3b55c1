"""Demo images: the digest encodes a version and a fault, which the KWOK stages and the pod simulator read.

They are in no registry: a service's containers do not run in a rehearsal, so nothing is pulled. The digest's 64
hexadecimal digits are a prefix, the mark of the fault, the version's name, and zeros.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self

from rehearsal.errors import RehearsalError

FIRST_VERSION = "v1"
"""Version of the images of a rehearsal's first release."""

PREFIX = "de30"
"""Prefix of all demo images' digests. Another image's digest has it and a given mark with a chance of 1 in 2^32."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,27}")
_DIGITS = 64
_SOUND = "600d"


class Fault(StrEnum):
    """A fault of a demo image: its name on the command line, and its mark, the digits after the prefix."""

    CANNOT_BE_PULLED = "cannot-be-pulled", "bad0"
    CRASH_LOOP = "crash-loop", "c4a5"
    NEVER_READY = "never-ready", "dead"
    SLOW_START = "slow-start", "510a"
    SMOKE_TEST = "smoke-test", "fa11"
    ERRORS = "errors", "e500"
    BREAKS_UNDER_TRAFFIC = "breaks-under-traffic", "b4ea"
    SLOW = "slow", "1a66"
    SLOW_FOR_USERS = "slow-for-users", "1a67"
    HOLDS_CONNECTIONS = "holds-connections", "401d"

    mark: str

    def __new__(cls, name: str, mark: str) -> Self:
        """A fault with its name and mark."""
        fault = str.__new__(cls, name)
        fault._value_, fault.mark = name, mark
        return fault


MARK_DIGITS = len(PREFIX) + len(_SOUND)
"""Number of digits of prefix and mark together."""


def digest(version: str, fault: Fault | None = None) -> str:
    """The digest of a demo image: `sha256:` and 64 hexadecimal digits; a healthy one without a fault.

    Raises:
        RehearsalError: The version is not valid.
    """
    if not _NAME.fullmatch(version):
        raise RehearsalError(
            f"{version!r} cannot be a demo image's version.",
            remedy="name it with at most 28 letters, digits, dots, dashes and underscores, such as v2.",
        )
    digits = f"{PREFIX}{fault.mark if fault else _SOUND}{version.encode().hex()}"
    return f"sha256:{digits:0<{_DIGITS}}"


def version(image: str) -> str:
    """The version of a demo image; of another image its tag, or the first 12 digits of its digest."""
    _, _, digits = image.partition("@sha256:")
    if not digits:
        return image.rpartition("/")[2].partition(":")[2] or "latest"
    if digits.startswith(PREFIX):
        try:
            name = bytes.fromhex(digits[MARK_DIGITS:]).rstrip(b"\0").decode("ascii")
        except ValueError:
            name = ""
        if _NAME.fullmatch(name):
            return name
    return digits[:12]


def fault(image: str) -> Fault | None:
    """The fault of a demo image; None for a healthy one, and for other images."""
    _, _, digits = image.partition("@sha256:")
    return next((fault for fault in Fault if digits.startswith(f"{PREFIX}{fault.mark}")), None)
