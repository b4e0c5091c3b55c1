"""API operations that create, change and delete resources of each kind in the account.

Pulumi's input names equal AWS's parameter names but for the case of the first letter. An operation's parameters are
taken from the inputs by botocore's service model; a kind's table lists only those with other names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from rehearsal import aws
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.properties import Properties, known_values
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

if TYPE_CHECKING:
    from rehearsal.emulators.aws.kind import Making

GONE = re.compile(r"NotFound|NoSuch|DoesNotExist|NotAttached")
"""AWS's error codes for a resource that does not exist."""


@dataclass(frozen=True)
class Call:
    """One operation.

    Attributes:
        operation: boto3's name, e.g. `create_vpc`.
        names: Parameter by input, where their names differ.
        given: Computes further parameters; None skips the operation.
        inputs: Whether parameters are taken from the inputs.
        into: A structure parameter whose members are taken from the inputs as well.
    """

    operation: str
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    given: Callable[[Making], Properties | None] = lambda _: {}
    inputs: bool = True
    into: str = ""


Step: TypeAlias = "Call | Callable[[Making], object]"
"""An operation, or a function for several."""


@dataclass(frozen=True)
class Api:
    """The operations of one kind.

    Attributes:
        service: boto3's name.
        create: Creates the resource; None where AWS has created it already.
        puts: Operations that follow `create`, and are repeated at each change.
        deletes: Delete the resource, in this order.
        key: The parameter for the resource's id in `puts` and `deletes`.
        tagged_as: EC2's resource type in tag specifications, e.g. `natgateway`.
    """

    service: str
    create: Call | None
    puts: tuple[Step, ...] = ()
    deletes: tuple[Step, ...] = ()
    key: str = ""
    tagged_as: str = ""


def when(path: str, **parameters: str) -> Callable[[Making], Properties | None]:
    """For `Call.given`: parameters as `Making.text` templates; skips the operation unless the input `path` is set."""
    return lambda making: (
        {name: making.text(value) for name, value in parameters.items()}
        if next(known_values(making.inputs, path), None) is not None
        else None
    )


def create(api: Api, making: Making) -> Properties:
    """Creates a resource.

    Returns:
        The API's response.

    Raises:
        AwsError: The API refuses the request.
        RehearsalError: The API does not respond.
    """
    return {} if api.create is None else _ask(api, api.create, making)


def put(api: Api, making: Making) -> None:
    """Updates an existing resource to its inputs, tags included.

    Raises:
        AwsError: The API refuses a request.
        RehearsalError: The API does not respond.
    """
    for step in api.puts:
        _take(api, step, making)
    had: dict[str, str] = making.previous.get("tagsAll") or {}
    wanted: dict[str, str] = making.inputs.get("tagsAll") or {}
    if (making.previous or api.create is None) and api.tagged_as and had != wanted:
        with answering(making.layout, api.service, making.region) as client:
            client.delete_tags(Resources=[making.id], Tags=[{"Key": key} for key in had.keys() - wanted.keys()])
            client.create_tags(Resources=[making.id], Tags=_pairs(wanted))


def exists(api: Api, making: Making) -> bool:
    """Whether a resource of EC2 still exists; resources of other services are assumed to.

    Raises:
        AwsError: The API refuses the request.
        RehearsalError: The API does not respond.
    """
    if api.service != "ec2" or not api.key or api.create is None or not api.create.operation.startswith("create_"):
        return True
    operation = f"describe_{api.create.operation.removeprefix('create_')}s"
    try:
        with answering(making.layout, api.service, making.region) as ec2:
            answer: dict[str, Any] = getattr(ec2, operation)(**{f"{api.key}s": [making.id]})
    except AwsError as error:
        if GONE.search(error.code):
            return False
        raise
    found = next(cast("list[dict[str, Any]]", value) for value in answer.values() if isinstance(value, list))
    return any(one.get("State") != "deleted" for one in found)


def delete(api: Api, making: Making) -> None:
    """Deletes a resource if it exists.

    Raises:
        AwsError: The API refuses a request.
        RehearsalError: The API does not respond.
    """
    for step in api.deletes:
        try:
            _take(api, step, making)
        except AwsError as error:
            if not GONE.search(error.code):
                raise


@contextmanager
def answering(layout: Layout, service: str, region: str) -> Generator[Any]:
    """A boto3 client of the account's API, with its errors translated.

    Raises:
        AwsError: The API refuses a request.
        RehearsalError: The API does not respond.
    """
    from botocore.exceptions import (  # noqa: PLC0415 - slow to import  # pyright: ignore[reportMissingTypeStubs]
        ClientError,
        HTTPClientError,
    )

    try:
        yield aws.client(layout, service, region=region)
    except ClientError as error:
        refusal = cast("dict[str, Any]", error.response)["Error"]
        raise AwsError(refusal["Code"], refusal["Message"]) from error
    except (HTTPClientError, FileNotFoundError) as error:
        raise RehearsalError(
            f"the rehearsal's AWS API did not answer: {error}",
            remedy="Run `make up`, which starts it where it does not run.",
        ) from error


def _take(api: Api, step: Step, making: Making) -> None:
    if isinstance(step, Call):
        _ask(api, step, making)
    else:
        step(making)


def _ask(api: Api, call: Call, making: Making) -> Properties:
    given = call.given(making)
    if given is None:
        return {}
    with answering(making.layout, api.service, making.region) as client:
        name = client.meta.method_to_api_mapping[call.operation]
        members: Mapping[str, Any] = client.meta.service_model.operation_model(name).input_shape.members
        inputs = making.inputs if call.inputs else {}
        asked = {**parameters(members, inputs, call, api.tagged_as), **given}
        if api.key in members and making.id:
            asked.setdefault(api.key, making.id)
        return getattr(client, call.operation)(**asked)


def parameters(members: Mapping[str, Any], inputs: Properties, call: Call, tagged_as: str) -> Properties:
    """An operation's parameters, from a resource's inputs.

    Args:
        members: botocore's shapes of the parameters.
        inputs: The resource's inputs.
        call: The operation.
        tagged_as: As in `Api`.
    """
    values = {call.names.get(name, name): value for name, value in inputs.items() if name != "tags"}
    tags: dict[str, str] = inputs.get("tagsAll") or {}
    # Pulumi's `tagSpecifications` of a launch template are for its instances, not for the template.
    found = _structure(members, {**values, "tags": tags or None, "tagSpecifications": None})
    if tags and tagged_as and "TagSpecifications" in members:
        found["TagSpecifications"] = [{"ResourceType": tagged_as, "Tags": _pairs(tags)}]
    return {**found, call.into: _structure(members[call.into].members, values)} if call.into else found


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
            return [{key: one, text: told} for one, told in cast("dict[str, str]", value).items()]
        items = cast("list[Any]", value if isinstance(value, list) else [value])
        return [_shaped(shape.member, item) for item in items]
    if shape.type_name in {"integer", "long"}:
        return int(value)
    if shape.type_name == "boolean":
        return value in (True, "true")
    return value


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
