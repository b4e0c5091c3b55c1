"""Pulumi's resource provider protocol.

https://github.com/pulumi/pulumi/blob/v3.260.0/proto/pulumi/provider.proto
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from rehearsal.aws import ACCOUNT_ID
from rehearsal.emulators.aws import invokes, lifecycle
from rehearsal.emulators.aws.api import aws_client
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kinds import kind_of
from rehearsal.emulators.aws.lifecycle import Caller
from rehearsal.emulators.aws.properties import from_struct, to_struct
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

VERSION = "7.51.1"
"""The emulated version of pulumi-aws."""

SECONDS_IN_USE = 30

MISSING_REGION = provider_pb2.CheckFailure(
    property="region",
    reason="Missing region information. Make sure you have set your AWS region, e.g. "
    "`pulumi config set aws:region us-west-2`.",
)


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """The provider `aws` on the account of a rehearsal.

    Each of the engine's providers (the program's, and the same with its configuration of before) has a connection of
    its own, by which they are told apart.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._callers: dict[str, Caller] = {}

    def caller(self, context: grpc.ServicerContext) -> Caller:
        """The configuration of the provider that asks; its region is empty before `Configure`."""
        return self._callers.get(str(context.peer()), Caller(layout=self._layout, region="", default_tags={}))

    def add_to(self, server: grpc.Server) -> None:
        """Registers the provider in a server."""
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self, server)  # pyright: ignore[reportUnknownMemberType]

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Declares no optional capabilities: the engine then sends secrets and resource references as plain values."""
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Accepts an engine that did not start this process."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The emulated version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        """An empty schema: programs use their SDK's."""
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Accepts any configuration with a region."""
        failures = [] if _configured_region(from_struct(request.news)) else [MISSING_REGION]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Compares configurations; a change never replaces the provider."""
        same = request.old_inputs == request.news
        changes = provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=changes)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Sets region, default tags and account id."""
        configuration = from_struct(request.args)
        default_tags: Any = _nested(configuration.get("defaultTags", {}))
        allowed: Any = _nested(configuration.get("allowedAccountIds", []))
        region = _configured_region(configuration)
        with _aborting(context, "configuring the provider aws"):
            account_id = self._account_id(region, allowed)
        self._callers[str(context.peer())] = Caller(self._layout, region, default_tags.get("tags", {}), account_id)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def _account_id(self, region: str, allowed: Sequence[str]) -> str:
        """The account's id; before the account exists, as in a preview, the first allowed one."""
        if not (self._layout.control_plane / "ports.json").exists():
            return next(iter(allowed), ACCOUNT_ID)
        with aws_client(self._layout, "sts", region) as sts:
            account_id = str(sts.get_caller_identity()["Account"])
        if allowed and account_id not in allowed:
            raise RehearsalError(
                f"AWS account ID not allowed: {account_id}",
                remedy="It is the one in the stack's file when the rehearsal came up: `make down`, then `make up`.",
            )
        return account_id

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Validates known inputs and fills in defaults, in previews too."""
        with _aborting(context, f"checking {request.urn}"):
            inputs, wrong = lifecycle.check(
                kind_of(type_of(request.urn)),
                request.urn,
                from_struct(request.olds),
                from_struct(request.news),
                seed=request.randomSeed,
                default_tags=self.caller(context).default_tags,
            )
        failures = [provider_pb2.CheckFailure(property=path, reason=reason) for path, reason in wrong.items()]
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Compares inputs; the engine has already applied `ignore_changes`."""
        with _aborting(context, f"comparing {request.urn}"):
            kind = kind_of(type_of(request.urn))
            old = lifecycle.in_state(kind, from_struct(request.old_inputs), from_struct(request.olds))
        difference = lifecycle.difference(kind, old, from_struct(request.news))
        property_diff, response = provider_pb2.PropertyDiff, provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if difference.paths else response.DIFF_NONE,
            replaces=[_top(path) for path, replaces in difference.paths.items() if replaces],
            diffs=[_top(path) for path in difference.paths],
            detailedDiff={
                path: property_diff(
                    kind=property_diff.UPDATE_REPLACE if replaces else property_diff.UPDATE, inputDiff=True
                )
                for path, replaces in difference.paths.items()
            },
            hasDetailedDiff=True,
            deleteBeforeReplace=any(difference.paths.values()) and difference.delete_first,
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Creates a resource, or previews it."""
        with _aborting(context, f"creating {_label(request.urn)}"):
            kind, inputs = kind_of(type_of(request.urn)), from_struct(request.properties)
            if request.preview:
                outputs = lifecycle.foreseen(kind, self.caller(context), inputs, {})
                return provider_pb2.CreateResponse(properties=to_struct(outputs))
            record = lifecycle.create(kind, self.caller(context), request.urn, inputs)
        return provider_pb2.CreateResponse(id=record.id, properties=to_struct(record.outputs))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Reads a resource by its id; an empty response if it does not exist."""
        with _aborting(context, f"reading {_label(request.urn)}"):
            kind = kind_of(type_of(request.urn))
            record = lifecycle.find(kind, self._layout, request.id)
            if record is None:
                return provider_pb2.ReadResponse()
            if record.outputs.get("status") == "CREATING":
                # AWS completes a creation after its client has exited.
                record = lifecycle.settle(kind, self._layout, record)
        return provider_pb2.ReadResponse(
            id=record.id, properties=to_struct(record.outputs), inputs=to_struct(record.inputs)
        )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Updates a resource in place, or previews the update."""
        with _aborting(context, f"updating {_label(request.urn)}"):
            kind, inputs = kind_of(type_of(request.urn)), from_struct(request.news)
            if request.preview:
                outputs = lifecycle.foreseen(kind, self.caller(context), inputs, from_struct(request.olds))
            else:
                old = lifecycle.in_state(kind, from_struct(request.old_inputs), from_struct(request.olds))
                outputs = lifecycle.change(kind, self.caller(context), request.id, inputs, old).outputs
        return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Deletes a resource; what a controller still uses, once that lets go of it.

        https://github.com/hashicorp/terraform-provider-aws/blob/v6.0.0/internal/service/ec2/vpc_subnet.go (20 minutes)
        """
        end = time.monotonic() + SECONDS_IN_USE
        with _aborting(context, f"deleting {_label(request.urn)}"):
            while True:
                try:
                    lifecycle.delete(kind_of(type_of(request.urn)), self._layout, request.id)
                    return empty_pb2.Empty()
                except AwsError as error:
                    if error.code not in {"DependencyViolation", "ResourceInUseException"} or time.monotonic() > end:
                        raise
                time.sleep(1)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Reads a data source."""
        with _aborting(context, f"invoking {request.tok}"):
            result = invokes.invoke(request.tok, self.caller(context), from_struct(request.args))
        response = provider_pb2.InvokeResponse()
        # `return` is a keyword of Python.
        getattr(response, "return").CopyFrom(to_struct(result))
        return response

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Does nothing: operations are short, or end with the process."""
        return empty_pb2.Empty()


def type_of(urn: str) -> str:
    """The type in `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _label(urn: str) -> str:
    return f"{type_of(urn)} {urn.rsplit('::', 1)[-1]}"


def _configured_region(configuration: dict[str, Any]) -> str:
    environment = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return str(configuration.get("region") or environment or "")


def _nested(value: Any) -> Any:
    """A structured configuration value, which the engine may pass as JSON."""
    return json.loads(value) if isinstance(value, str) else value


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]


@contextmanager
def _aborting(context: grpc.ServicerContext, operation: str) -> Generator[None]:
    """Aborts the request with the error's message, without property values."""
    try:
        yield
    except AwsError as error:
        context.abort(grpc.StatusCode.UNKNOWN, f"{operation}: api error {error.code}: {error.message}")
    except RehearsalError as error:
        context.abort(grpc.StatusCode.UNKNOWN, f"{operation}: {error}")
