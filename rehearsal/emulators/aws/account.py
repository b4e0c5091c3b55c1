"""The account that a rehearsal has instead of one at AWS: its resources, in one JSON file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from filelock import FileLock

from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

SECONDS_TO_WAIT_FOR_THE_LOCK = 60


@dataclass(frozen=True)
class Record:
    """One resource of the account.

    Attributes:
        type: Pulumi's type token, e.g. `aws:ec2/vpc:Vpc`.
        urn: The resource in the stack's state that asked for it. While the engine replaces a resource, two records
            carry the same URN.
        id: Unique among the records of its type.
        inputs: What was asked for.
        outputs: What the engine was told, inputs included.
    """

    type: str
    urn: str
    id: str
    inputs: Properties
    outputs: Properties

    def with_outputs(self, **outputs: Any) -> Record:
        """The same record with some outputs changed."""
        return replace(self, outputs={**self.outputs, **outputs})


class Account:
    """The resources at one moment. Only within `changing` do `put` and `remove` reach the file."""

    def __init__(self, records: list[Record]) -> None:
        self._records = {(record.type, record.id): record for record in records}

    @classmethod
    def load(cls, layout: Layout) -> Account:
        """The account as it stands; empty where nothing was ever created.

        Raises:
            RehearsalError: The account's file is not what the stand-in wrote.
        """
        try:
            entries: list[Any] = json.loads(layout.aws_account.read_text())
            return cls([Record(**entry) for entry in entries])
        except FileNotFoundError:
            return cls([])
        except (ValueError, TypeError) as error:
            raise RehearsalError(
                f"{layout.aws_account} is not the aws stand-in's account: {error}",
                remedy="Run `make down`, or delete the rehearsal's directory, and begin anew.",
            ) from error

    def records(self, type_token: str | None = None) -> tuple[Record, ...]:
        """All resources, or those of one type, in the order they were made."""
        return tuple(record for record in self._records.values() if type_token in (None, record.type))

    def find(self, type_token: str, identifier: str) -> Record | None:
        """The resource of this type and id."""
        return self._records.get((type_token, identifier))

    def find_by_urn(self, urn: str) -> list[Record]:
        """What was made for a resource of the stack: more than one only within a replacement."""
        return [record for record in self._records.values() if record.urn == urn]

    def put(self, record: Record) -> None:
        """Adds a resource, or puts its new version in place of the old."""
        self._records[(record.type, record.id)] = record

    def remove(self, record: Record) -> None:
        """Takes a resource away; one that is already gone is no error."""
        self._records.pop((record.type, record.id), None)


@contextmanager
def changing(layout: Layout) -> Generator[Account]:
    """The account, locked against every other process and thread, and written back unless an error leaves the block.

    Raises:
        filelock.Timeout: Someone else held the lock for too long.
    """
    layout.directory.mkdir(parents=True, exist_ok=True)
    path = layout.aws_account
    with FileLock(path.with_suffix(".lock"), timeout=SECONDS_TO_WAIT_FOR_THE_LOCK):
        account = Account.load(layout)
        yield account
        # mkstemp makes a file of its owner's alone: inputs may hold secrets.
        handle, draft = tempfile.mkstemp(dir=layout.directory, prefix="aws-")
        with os.fdopen(handle, "w") as stream:
            # One line a resource: a person can read it, and its size matters little to Python's encoder.
            lines = (json.dumps(vars(record)) for record in account.records())
            stream.write("[\n" + ",\n".join(lines) + "\n]\n")
        os.replace(draft, path)  # noqa: PTH105 - a reader sees the old file or the new one, never half of one
