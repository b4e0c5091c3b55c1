"""Fault injection: failures and delays of the emulators' operations, configured in a file."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout


class FaultStruckError(Exception):
    """An operation failed by an injected fault."""


@dataclass(frozen=True)
class Fault:
    """The fault of one resource type's operations.

    Attributes:
        fail: The failure's message; None for no failure.
        after: Number of operations that pass before the first failure (>= 0).
        delay: Seconds that each operation waits first (>= 0).
    """

    fail: str | None = None
    after: int = 0
    delay: float = 0.0

    def __post_init__(self) -> None:
        """Validates the numbers.

        Raises:
            ValueError: One is negative.
        """
        if self.after < 0 or self.delay < 0:
            raise ValueError(f"after and delay are at least 0, not {self.after} and {self.delay}")


def write(layout: Layout, faults: dict[str, Fault]) -> None:
    """Sets the faults of a rehearsal's emulators, by Pulumi type; an empty table removes all."""
    table = {token: {"fail": fault.fail, "after": fault.after, "delay": fault.delay} for token, fault in faults.items()}
    layout.directory.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=layout.directory, prefix="faults-")
    with os.fdopen(handle, "w") as stream:
        json.dump(table, stream, indent=2)
    Path(draft).replace(layout.faults)


@dataclass
class Faults:
    """The faults of a rehearsal, in one emulator process.

    The file is read before each operation, so changes apply at once. Operations are counted by process, hence by run of
    the engine.
    """

    layout: Layout
    sleep: Callable[[float], None] = time.sleep
    _passed: dict[str, int] = field(default_factory=dict[str, int])

    def strike(self, type_token: str, urn: str) -> None:
        """Applies the type's fault; to be called before an operation changes anything.

        Args:
            type_token: Pulumi's type, e.g. `aws:ec2/subnet:Subnet`.
            urn: URN of the operation's resource.

        Raises:
            FaultStruckError: The fault is a failure.
            RehearsalError: The faults file is malformed.
        """
        fault = self._read().get(type_token)
        if fault is None:
            return
        if fault.delay:
            self.sleep(fault.delay)
        passed = self._passed.get(type_token, 0)
        if fault.fail is not None and passed >= fault.after:
            raise FaultStruckError(f"{fault.fail} (told to fail by {self.layout.faults}: {type_token}, {urn})")
        self._passed[type_token] = passed + 1

    def _read(self) -> dict[str, Fault]:
        try:
            table: dict[str, Any] = json.loads(self.layout.faults.read_text())
            return {token: Fault(**entry) for token, entry in table.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError) as error:
            raise RehearsalError(
                f"{self.layout.faults} is not a table of faults: {error}",
                remedy='Write {"TYPE": {"fail": "message", "after": 0, "delay": 0.0}} into it, or delete it.',
            ) from error
