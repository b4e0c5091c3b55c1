"""Messages to the person, through the engine that started this provider."""

from __future__ import annotations

import contextlib
from typing import Any, cast

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """The engine's log; silent where there is no engine.

    Args:
        address: The engine's `host:port`, which it gives its plugins as their last argument.
    """

    def __init__(self, address: str | None) -> None:
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def warning(self, urn: str, message: str) -> None:
        """Shows a warning with the resource, and keeps it in the log."""
        self._log(engine_pb2.WARNING, urn, message, ephemeral=False)

    def status(self, urn: str, message: str) -> None:
        """Shows what a resource waits for, until the next status; empty to clear."""
        self._log(engine_pb2.INFO, urn, message, ephemeral=True)

    def _log(self, severity: engine_pb2.LogSeverity.ValueType, urn: str, message: str, *, ephemeral: bool) -> None:
        if self._engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        with contextlib.suppress(grpc.RpcError):  # an engine about to end no longer listens
            cast("Any", self._engine).Log(request)
