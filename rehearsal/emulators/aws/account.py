"""The emulator's records of the account's resources, in one JSON file."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from filelock import FileLock

from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

LOCK_TIMEOUT_SECONDS = 60

ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
"""Type of the records that kubelet and Pod Identity agent read, who need nothing else of the emulator."""


@dataclass(frozen=True)
class Record:
    """One resource of the account.

    Attributes:
        type: Pulumi's type token, e.g. `aws:ec2/vpc:Vpc`.
        urn: URN in the stack; two records share one while the engine replaces a resource.
        id: Unique among the records of the type.
        inputs: Checked inputs.
        outputs: Outputs as returned to the engine, inputs included.
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
    """The account's records in memory; `put` and `remove` are saved only within `changing`."""

    def __init__(self, records: list[Record]) -> None:
        self._records = {(record.type, record.id): record for record in records}

    @classmethod
    def load(cls, layout: Layout) -> Account:
        """Reads the account; empty where nothing was ever created.

        Raises:
            RehearsalError: The account's file is malformed.
        """
        try:
            entries: list[Any] = json.loads(layout.aws_account.read_text())
            return cls([Record(**entry) for entry in entries])
        except FileNotFoundError:
            return cls([])
        except (ValueError, TypeError) as error:
            raise RehearsalError(
                f"{layout.aws_account} is not an account of the aws emulator: {error}",
                remedy="Run `make down`, or delete the rehearsal's directory, and start again.",
            ) from error

    def records(self, type_token: str | None = None) -> tuple[Record, ...]:
        """The records of all types or of one, in the order of their creation."""
        return tuple(record for record in self._records.values() if type_token in (None, record.type))

    def find(self, type_token: str, identifier: str) -> Record | None:
        """The record with a type and an id."""
        return self._records.get((type_token, identifier))

    def find_by_urn(self, urn: str) -> list[Record]:
        """The records with a URN: more than one only during a replacement."""
        return [record for record in self._records.values() if record.urn == urn]

    def put(self, record: Record) -> None:
        """Adds or overwrites a record."""
        self._records[(record.type, record.id)] = record

    def remove(self, record: Record) -> None:
        """Removes a record if it exists."""
        self._records.pop((record.type, record.id), None)


@contextmanager
def changing(layout: Layout) -> Generator[Account]:
    """The account, locked against other processes and threads, and saved unless the block raises an error.

    Raises:
        filelock.Timeout: The lock was not free within `LOCK_TIMEOUT_SECONDS`.
    """
    layout.directory.mkdir(parents=True, exist_ok=True)
    path = layout.aws_account
    with FileLock(path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_SECONDS):
        account = Account.load(layout)
        yield account
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)  # inputs may hold secrets
        # One line for each record, for readability.
        draft.write_text("[\n" + ",\n".join(json.dumps(vars(record)) for record in account.records()) + "\n]\n")
        draft.replace(path)  # a reader sees the old file or the new one, never half of one
