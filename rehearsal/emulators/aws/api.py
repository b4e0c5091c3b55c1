"""API operations that create, update and delete resources of each kind in the account.

Pulumi's input names equal AWS's parameter names but for the case of the first letter. An operation's parameters are
taken from the inputs by botocore's service model; a kind's table lists only those with other names.

All functions raise `AwsError` if the API refuses a request, and `RehearsalError` if it does not respond.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from rehearsal import aws
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.properties import Properties
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

if TYPE_CHECKING:
    from rehearsal.emulators.aws.kind import Resource

GONE = re.compile(r"NotFound|NoSuch|DoesNotExist|NotAttached")
"""AWS's error codes for a resource that does not exist."""


@dataclass(frozen=True)
class Call:
    """One operation.

    Attributes:
        operation: boto3's name, e.g. `create_vpc`.
        names: Parameter by input, where their names differ.
        constants: Parameters that are the same for all resources.
        into: A structure parameter whose members are taken from the inputs as well.
    """

    operation: str
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    constants: Mapping[str, Any] = field(default_factory=dict[str, Any])
    into: str = ""


Step: TypeAlias = "Call | Callable[[Resource], Any]"
"""An operation, or a function for several."""


@dataclass(frozen=True)
class Api:
    """The operations of one kind.

    A `Call` of `update` or `delete` is skipped while a required parameter is not among the inputs.

    Attributes:
        service: boto3's name.
        create: Creates the resource, and returns the API's response; None where AWS has created it already.
        configure: Follow `create`, and are repeated at each update.
        update: Update the resource.
        delete: Delete the resource.
        key: The parameter for the resource's id in all steps but `create`.
        tagged_as: EC2's resource type in tag specifications, e.g. `natgateway`.
    """

    service: str = ""
    create: Step | None = None
    configure: tuple[Step, ...] = ()
    update: tuple[Step, ...] = ()
    delete: tuple[Step, ...] = ()
    key: str = ""
    tagged_as: str = ""


def create(api: Api, resource: Resource) -> Properties:
    """Creates a resource, and returns the API's response."""
    return {} if api.create is None else _run(api, api.create, resource) or {}


def configure(api: Api, resource: Resource) -> None:
    """Makes an existing resource match its inputs, tags included."""
    for step in (*(api.update if resource.previous else ()), *api.configure):
        _run(api, step, resource)
    old: dict[str, str] = resource.previous.get("tagsAll") or {}
    new: dict[str, str] = resource.inputs.get("tagsAll") or {}
    if (resource.previous or api.create is None) and api.tagged_as and old != new:
        with resource.client(api.service) as ec2:
            ec2.delete_tags(Resources=[resource.id], Tags=[{"Key": key} for key in old.keys() - new.keys()])
            ec2.create_tags(Resources=[resource.id], Tags=tag_list(new))


def exists(api: Api, resource: Resource) -> bool:
    """Whether a resource of EC2 still exists; resources of other services are assumed to."""
    operation = api.create.operation if isinstance(api.create, Call) else ""
    if api.service != "ec2" or not operation.startswith("create_") or not api.key.endswith("Id"):
        return True
    try:
        with resource.client("ec2") as ec2:
            describe = getattr(ec2, f"describe_{operation.removeprefix('create_')}s")
            response: dict[str, Any] = describe(**{f"{api.key}s": [resource.id]})
    except AwsError as error:
        if GONE.search(error.code):
            return False
        raise
    described = next(cast("list[dict[str, Any]]", value) for value in response.values() if isinstance(value, list))
    return any(one.get("State") != "deleted" for one in described)


def delete(api: Api, resource: Resource) -> None:
    """Deletes a resource if it exists."""
    for step in api.delete:
        try:
            _run(api, step, resource)
        except AwsError as error:
            if not GONE.search(error.code):
                raise


@contextmanager
def aws_client(layout: Layout, service: str, region: str) -> Generator[Any]:
    """A boto3 client of the account's API, with its errors translated."""
    from botocore.exceptions import (  # noqa: PLC0415 - slow to import  # pyright: ignore[reportMissingTypeStubs]
        ClientError,
        HTTPClientError,
    )

    try:
        yield aws.client(layout, service, region=region)
    except ClientError as error:
        details = cast("dict[str, Any]", error.response)["Error"]
        raise AwsError(details["Code"], details["Message"]) from error
    except (HTTPClientError, FileNotFoundError) as error:
        raise RehearsalError(
            f"the rehearsal's AWS API did not respond: {error}",
            remedy="Run `make up`, which starts it if it does not run.",
        ) from error


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in the form of most of AWS's APIs."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _run(api: Api, step: Step, resource: Resource) -> Any:
    if not isinstance(step, Call):
        return step(resource)
    with resource.client(api.service) as client:
        name = client.meta.method_to_api_mapping[step.operation]
        shape = client.meta.service_model.operation_model(name).input_shape
        arguments = parameters(shape.members, resource.inputs, step, api.tagged_as)
        if api.key in shape.members and resource.id:
            arguments.setdefault(api.key, _shaped(shape.members[api.key], resource.id))
        if step is not api.create and not arguments.keys() >= set(shape.required_members):
            return None
        return getattr(client, step.operation)(**arguments)


def parameters(members: Mapping[str, Any], inputs: Properties, call: Call, tagged_as: str) -> Properties:
    """An operation's parameters, from a resource's inputs; `members` are botocore's shapes of the parameters."""
    values = {call.names.get(name, name): value for name, value in inputs.items() if name != "tags"}
    tags: dict[str, str] = inputs.get("tagsAll") or {}
    # Pulumi's `tagSpecifications` of a launch template are for its instances, not for the template.
    arguments = _structure(members, {**values, "tags": tags or None, "tagSpecifications": None}) | dict(call.constants)
    if tags and tagged_as and "TagSpecifications" in members:
        arguments["TagSpecifications"] = [{"ResourceType": tagged_as, "Tags": tag_list(tags)}]
    if call.into:
        arguments[call.into] = _structure(members[call.into].members, values)
    return arguments


def _structure(members: Mapping[str, Any], values: Properties) -> Properties:
    by_name = {name.lower(): name for name in members}
    return {
        by_name[name.lower()]: _shaped(members[by_name[name.lower()]], value)
        for name, value in values.items()
        if name.lower() in by_name and value is not None
    }


def _shaped(shape: Any, value: Any) -> Any:
    """A Pulumi value in AWS's shape: Pulumi may have a list for a structure, and a string for a number or boolean."""
    if shape.type_name == "structure":
        return _structure(shape.members, cast("list[Any]", value)[0] if isinstance(value, list) else value)
    if shape.type_name == "list":
        if isinstance(value, dict):  # tags
            key, text = sorted(shape.member.members)
            return [{key: name, text: content} for name, content in cast("dict[str, str]", value).items()]
        items = cast("list[Any]", value if isinstance(value, list) else [value])
        return [_shaped(shape.member, item) for item in items]
    if shape.type_name in {"integer", "long"}:
        return int(value)
    if shape.type_name == "boolean":
        return value in (True, "true")
    return value
