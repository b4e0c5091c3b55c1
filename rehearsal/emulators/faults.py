"""Failures and delays that a rehearsal is told to have: what the program does when a create goes wrong."""

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
    """An operation failed because the rehearsal was told that it shall."""


@dataclass(frozen=True)
class Fault:
    """What happens to the operations on one resource type.

    Attributes:
        fail: The failure's message; None to let the operation pass.
        after: How many operations pass before the first one fails (>= 0).
        delay: Seconds each operation waits before anything else (>= 0).
    """

    fail: str | None = None
    after: int = 0
    delay: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what cannot be meant.

        Raises:
            ValueError: A negative number.
        """
        if self.after < 0 or self.delay < 0:
            raise ValueError(f"after and delay are at least 0, not {self.after} and {self.delay}")


def write(layout: Layout, faults: dict[str, Fault]) -> None:
    """Tells the stand-ins of a rehearsal which types fail or are slow; an empty table ends all of it."""
    table = {token: {"fail": fault.fail, "after": fault.after, "delay": fault.delay} for token, fault in faults.items()}
    layout.directory.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=layout.directory, prefix="faults-")
    with os.fdopen(handle, "w") as stream:
        json.dump(table, stream, indent=2)
    Path(draft).replace(layout.faults)


@dataclass
class Faults:
    """The faults of a rehearsal as one stand-in process meets them.

    The file is read at every strike, so that a running process follows a change of it. How many operations of a type
    have passed is counted in this process alone, hence per engine run.
    """

    layout: Layout
    sleep: Callable[[float], None] = time.sleep
    _passed: dict[str, int] = field(default_factory=dict[str, int])

    def strike(self, type_token: str, urn: str) -> None:
        """Sleeps and fails as told for this type; to be called before an operation changes anything.

        Args:
            type_token: Pulumi's type, e.g. `aws:ec2/subnet:Subnet`.
            urn: The resource that is about to be made, changed or deleted.

        Raises:
            FaultStruckError: The operation shall fail.
            RehearsalError: The faults file is not what it has to be.
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
