"""The emulator of the provider aws, with operations that fail or wait as a file beside the rehearsal says."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from rehearsal.emulators.aws.account import changing
from rehearsal.emulators.aws.provider import AwsProvider, type_of
from rehearsal.layout import Layout
from rehearsal.plugin import serve

MODULE = "tests.rehearsal.faulty_provider"


@dataclass(frozen=True)
class Fault:
    """The fault of one resource type's creates, updates and deletes.

    Attributes:
        fail: The failure's message; None for no failure.
        after: Number of operations of an engine run that succeed before the first failure.
        delay: Seconds that each operation waits first.
    """

    fail: str | None = None
    after: int = 0
    delay: float = 0.0


def write(layout: Layout, faults: dict[str, Fault]) -> None:
    """Sets the faults by Pulumi type; an empty table removes all."""
    file = file_of(layout)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps({type_token: asdict(fault) for type_token, fault in faults.items()}))
    draft.replace(file)


def file_of(layout: Layout) -> Path:
    """The file with the faults of a rehearsal, which it keeps when it begins anew."""
    return layout.directory.with_name(f"{layout.directory.name}.faults.json")


class FaultyProvider(AwsProvider):
    """The provider `aws` with the faults of a rehearsal; the engine starts one process a run."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._faults = file_of(layout)
        self._passed = Counter[str]()

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Creates a resource, unless its type has a fault."""
        if not request.preview:
            self._apply_fault(type_of(request.urn), context)
        return super().Create(request, context)

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Updates a resource, unless its type has a fault."""
        if not request.preview:
            self._apply_fault(type_of(request.urn), context)
        return super().Update(request, context)

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Deletes a resource, unless its type has a fault."""
        self._apply_fault(type_of(request.urn), context)
        return super().Delete(request, context)

    def _apply_fault(self, type_token: str, context: grpc.ServicerContext) -> None:
        faults: dict[str, Any] = json.loads(self._faults.read_text()) if self._faults.exists() else {}
        fault = Fault(**faults.get(type_token, {}))
        time.sleep(fault.delay)
        if fault.fail is not None and self._passed[type_token] >= fault.after:
            context.abort(grpc.StatusCode.UNKNOWN, fault.fail)
        self._passed[type_token] += 1


if __name__ == "__main__":
    rehearsed = Layout.of_environment()
    serve(FaultyProvider(rehearsed).add_to, uncut=partial(changing, rehearsed))
