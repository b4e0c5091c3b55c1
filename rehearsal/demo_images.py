"""Images that no registry holds: the digest tells a rehearsal which version it is, and what is wrong with it.

No container runs in a rehearsal, so that nothing has to be pulled. A digest of 64 hexadecimal digits is a prefix, a
mark, the version's name, and zeros.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self

from rehearsal.errors import RehearsalError

FIRST_VERSION = "v1"
"""Of the images that the rehearsal's first release brings."""

PREFIX = "de30"
"""How the digests of all demo images begin. One in 4 thousand million other images has this and the mark of a fault."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,27}")
_DIGITS = 64
_SOUND = "600d"


class Fault(StrEnum):
    """What is wrong with an image: its name on the command line, and the digits behind the prefix."""

    CANNOT_BE_PULLED = "cannot-be-pulled", "bad0"
    CRASH_LOOP = "crash-loop", "c4a5"
    NEVER_READY = "never-ready", "dead"
    SLOW_START = "slow-start", "510a"
    SMOKE_TEST = "smoke-test", "fa11"
    ERRORS = "errors", "e500"
    BREAKS_UNDER_TRAFFIC = "breaks-under-traffic", "b4ea"
    SLOW = "slow", "1a66"
    HOLDS_CONNECTIONS = "holds-connections", "401d"

    mark: str

    def __new__(cls, name: str, mark: str) -> Self:
        """A fault by its name."""
        one = str.__new__(cls, name)
        one._value_, one.mark = name, mark
        return one


MARK_DIGITS = len(PREFIX) + len(_SOUND)
"""How many digits say that it is a demo image, and what is wrong with it."""


def digest(version: str, fault: Fault | None = None) -> str:
    """The digest of a demo image: `sha256:` and 64 hexadecimal digits.

    Args:
        version: Its name: at most 28 letters, digits, `.`, `_` and `-`, a letter or digit first.
        fault: What is wrong with it.

    Raises:
        RehearsalError: The name is none.
    """
    if not _NAME.fullmatch(version):
        raise RehearsalError(
            f"{version!r} cannot be a demo image's version.",
            remedy="name it with at most 28 letters, digits, dots, dashes and underscores, such as v2.",
        )
    digits = f"{PREFIX}{fault.mark if fault else _SOUND}{version.encode().hex()}"
    return f"sha256:{digits:0<{_DIGITS}}"


def version(image: str) -> str:
    """The name of an image's version; of an image that is none of ours the first digits of its digest, or its tag."""
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
    """What is wrong with an image, if it is one of ours."""
    _, _, digits = image.partition("@sha256:")
    return next((one for one in Fault if digits.startswith(f"{PREFIX}{one.mark}")), None)
