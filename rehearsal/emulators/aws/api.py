"""How kinds of resources stand in the account's API: which operations make, change and delete one.

Pulumi names inputs as AWS names parameters, but for their first letter: what an operation takes is found among the
inputs by botocore's own description of it, and a kind's table says only what is named otherwise.
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
"""How AWS's codes say that there is no such thing."""


@dataclass(frozen=True)
class Call:
    """One operation.

    Attributes:
        operation: As boto3 names it, e.g. `create_vpc`.
        names: Parameters by the inputs that they are, where AWS names them otherwise than Pulumi.
        given: Parameters that no input has alone; None where there is nothing to ask for.
        inputs: Whether parameters are found among the inputs.
        into: A parameter whose own members are found there as well.
    """

    operation: str
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    given: Callable[[Making], Properties | None] = lambda _: {}
    inputs: bool = True
    into: str = ""


Step: TypeAlias = "Call | Callable[[Making], object]"
"""An operation, or what takes several."""


@dataclass(frozen=True)
class Api:
    """The operations of one kind.

    Attributes:
        service: As boto3 names it.
        create: Makes one; None where it is there already, and taken over.
        puts: Follow it, and are made again at each change: they say what shall be.
        deletes: Delete it, in this order.
        key: The parameter that names it by its id in `puts` and `deletes`.
        tagged_as: EC2's name of its type, for its tags.
    """

    service: str
    create: Call | None
    puts: tuple[Step, ...] = ()
    deletes: tuple[Step, ...] = ()
    key: str = ""
    tagged_as: str = ""


def when(path: str, **parameters: str) -> Callable[[Making], Properties | None]:
    """For `Call.given`: no operation where the input is not given; the parameters are texts of `Making.text`."""
    return lambda making: (
        {name: making.text(value) for name, value in parameters.items()}
        if next(known_values(making.inputs, path), None) is not None
        else None
    )


def create(api: Api, making: Making) -> Properties:
    """Makes a resource.

    Returns:
        The API's answer.

    Raises:
        AwsError: The account refuses it.
        RehearsalError: The API does not answer.
    """
    return {} if api.create is None else _ask(api, api.create, making)


def put(api: Api, making: Making) -> None:
    """Brings what can be changed to what the inputs say; the resource is there.

    Raises:
        AwsError: The account refuses it.
        RehearsalError: The API does not answer.
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
    """Whether the account still has what EC2's API made; of other services it is taken for granted.

    Raises:
        RehearsalError: The API does not answer.
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
    """Deletes a resource; one that is already gone is no error.

    Raises:
        AwsError: The account refuses it.
        RehearsalError: The API does not answer.
    """
    for step in api.deletes:
        try:
            _take(api, step, making)
        except AwsError as error:
            if not GONE.search(error.code):
                raise


@contextmanager
def answering(layout: Layout, service: str, region: str) -> Generator[Any]:
    """A client of the account's API, whose refusals are passed on.

    Raises:
        AwsError: The API refuses.
        RehearsalError: It does not answer.
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
    """The parameters of an operation that inputs have.

    Args:
        members: botocore's shapes of the operation's parameters.
        inputs: The resource's.
        call: The operation.
        tagged_as: See `Api`.
    """
    values = {call.names.get(name, name): value for name, value in inputs.items() if name != "tags"}
    tags: dict[str, str] = inputs.get("tagsAll") or {}
    # Only instances have tag specifications of others, in their template.
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
    """A value of Pulumi's as AWS's shape has it: Pulumi has a list for one structure, and texts for other scalars."""
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
