"""How answers and errors reach the engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import any_pb2
from google.rpc import status_pb2  # pyright: ignore[reportMissingTypeStubs]
from pulumi.runtime.proto import provider_pb2

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.faults import FaultStruckError
from rehearsal.stand_ins.kubernetes.api_server import ApiError
from rehearsal.stand_ins.kubernetes.checkpoints import Checkpoint
from rehearsal.stand_ins.kubernetes.comparing import Comparison
from rehearsal.stand_ins.kubernetes.differences import Kind
from rehearsal.stand_ins.kubernetes.identity import object_id
from rehearsal.stand_ins.kubernetes.paths import render
from rehearsal.stand_ins.kubernetes.properties import PropertyBag, encode
from rehearsal.stand_ins.kubernetes.waiting import NotReadyError
from release.kubernetes_api import KubernetesApiError

Method = TypeVar("Method", bound=Callable[..., Any])

_DETAIL = {
    (Kind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Kind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Kind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Kind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Kind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Kind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


class PartlyDoneError(Exception):
    """An operation changed the cluster but did not come to its end: the engine has to keep what there is now.

    Attributes:
        state: What there is.
        origin: The inputs that say what in it is secret.
        reasons: What is missing.
        inputs: Inputs to keep instead of those the engine has; None to keep those.
    """

    def __init__(
        self,
        message: str,
        *,
        state: Checkpoint,
        origin: PropertyBag,
        reasons: Sequence[str],
        inputs: PropertyBag | None = None,
    ) -> None:
        super().__init__(message)
        self.state = state
        self.origin = origin
        self.reasons = reasons
        self.inputs = inputs


class _Status(grpc.Status):
    """A gRPC status with details, as the engine reads them of a resource that was made but not ready."""

    def __init__(self, error: PartlyDoneError) -> None:
        metadata = error.state.live["metadata"]
        detail = provider_pb2.ErrorResourceInitFailed(
            id=object_id(metadata.get("namespace"), metadata["name"]),
            properties=encode(error.state.state(error.origin)),
            reasons=[str(error), *error.reasons],
            inputs=encode(error.inputs) if error.inputs is not None else None,
        )
        packed = any_pb2.Any()
        packed.Pack(detail)
        self.code = grpc.StatusCode.UNKNOWN
        self.details = str(error)
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[packed])
        self.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)


def telling(method: Method) -> Method:
    """Turns what can go wrong in a method into the error that the engine shows with the resource."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except PartlyDoneError as error:
            context.abort_with_status(_Status(error))
        except (ApiError, FaultStruckError, KubernetesApiError, NotReadyError, RehearsalError, ValueError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return cast("Method", answer)


def changes(*, any_change: bool) -> provider_pb2.DiffResponse.DiffChanges.ValueType:
    """Whether there are changes, in the protocol's words."""
    return provider_pb2.DiffResponse.DIFF_SOME if any_change else provider_pb2.DiffResponse.DIFF_NONE


def diff_response(comparison: Comparison) -> provider_pb2.DiffResponse:
    """A comparison in the protocol's words."""
    return provider_pb2.DiffResponse(
        changes=changes(any_change=bool(comparison.changes)),
        replaces=[render(change.path) for change in comparison.replacing],
        deleteBeforeReplace=comparison.delete_first,
        detailedDiff={
            render(change.path): provider_pb2.PropertyDiff(
                kind=_DETAIL[change.kind, change.replaces], inputDiff=change.kind is Kind.DELETE
            )
            for change in comparison.changes
        },
        hasDetailedDiff=True,
    )


def only_in_the_real_one(what: str) -> RehearsalError:
    """The error of a type or function that is not here."""
    return RehearsalError(
        f"the stand-in for the kubernetes provider has no {what}",
        remedy="Install the real plugin, which a rehearsal uses when it is there: "
        "pulumi plugin install resource kubernetes",
    )
