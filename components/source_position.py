"""The source position that the engine keeps of each resource."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pulumi.runtime.resource as sdk
from pulumi.runtime.proto import source_pb2

_FUNCTION = "_get_stack_trace"
"""The SDK's function for the stack trace of a resource that is being constructed. It has no setting."""

_CONSTRUCTORS = 3
"""Constructors between the SDK's function and the line that creates a resource: `Resource`, `CustomResource` or
`ComponentResource`, and the resource's own class."""


def keep_only() -> None:
    """Registers each resource with the line that creates it, in place of the whole call stack.

    The call stack, with every frame of Python's and Pulumi's own code, was 38 % of the state, which self-managed
    backends write whole before and after each step. No command reads it.
    """
    if hasattr(sdk, _FUNCTION):
        setattr(sdk, _FUNCTION, stack_trace)


def stack_trace() -> source_pb2.StackTrace:
    """The first frame of the SDK's stack trace; empty if the line is in no file."""
    frame, constructors = sys._getframe(1), 0  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    while constructors < _CONSTRUCTORS:
        constructors += frame.f_code.co_name == "__init__"
        if frame.f_back is None:
            return source_pb2.StackTrace()
        frame = frame.f_back
    uri = _uri(frame.f_code.co_filename)
    if uri is None:
        return source_pb2.StackTrace()
    position = source_pb2.SourcePosition(uri=uri, line=frame.f_lineno)
    return source_pb2.StackTrace(frames=[source_pb2.StackFrame(pc=position)])


@cache
def _uri(file: str) -> str | None:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else None
