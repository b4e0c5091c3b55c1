"""Operations of the provider on a resource of any kind: check, diff, create, read, update, delete."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rehearsal.aws import ACCOUNT_ID
from rehearsal.emulators.aws import api, rules
from rehearsal.emulators.aws.account import Account, Record, changing
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Kind, Making
from rehearsal.emulators.aws.kinds import kind_of
from rehearsal.emulators.aws.properties import DEFAULTED, UNKNOWN, Properties, changed_paths, known_values
from rehearsal.layout import Layout

DIGITS_OF_A_MADE_UP_NAME = 7

ANY_REGION = "us-east-1"
"""Region of requests to global services."""


@dataclass(frozen=True)
class Caller:
    """The provider's configuration.

    Attributes:
        layout: The rehearsal.
        region: Region of resources without a `region` input.
        default_tags: Tags of all resources, besides their own.
        account_id: 12 digits.
    """

    layout: Layout
    region: str
    default_tags: Mapping[str, str]
    account_id: str = ACCOUNT_ID


def check(
    kind: Kind,
    urn: str,
    old: Properties,
    new: Properties,
    *,
    seed: bytes,
    default_tags: Mapping[str, str] | None = None,
) -> tuple[Properties, dict[str, str]]:
    """Validates inputs.

    The default tags become part of an input, `tagsAll`, as in the real provider: changing them updates each resource.
    https://github.com/pulumi/pulumi-aws/blob/v7.51.1/provider/tags.go

    Returns:
        The inputs with defaults, and failures by property path.
    """
    inputs = {name: value for name, value in new.items() if name != DEFAULTED}
    if kind.name is not None and inputs.get(kind.name.property) is None:
        kept = old.get(kind.name.property) if kind.name.property in old.get(DEFAULTED, []) else None
        inputs[kind.name.property] = kept or _made_up_name(kind, urn, inputs, seed)
        inputs[DEFAULTED] = [kind.name.property]
    if kind.tagged:
        own: Any = inputs.get("tags") or {}
        inputs["tagsAll"] = UNKNOWN if own == UNKNOWN or UNKNOWN in own.values() else {**(default_tags or {}), **own}
    wrong: dict[str, str] = {}
    for path, rule in (*kind.rules.items(), *((("tags", rules.tags),) if kind.tagged else ())):
        judged = list(known_values(old, path))
        for value in known_values(inputs, path):
            # Values that have passed before are not validated again: most runs change little.
            if value in judged:
                continue
            try:
                rule(value)
            except (AwsError, ValueError) as error:
                wrong[path] = str(error)
    return inputs, wrong


def _made_up_name(kind: Kind, urn: str, inputs: Properties, seed: bytes) -> str:
    assert kind.name is not None  # noqa: S101 - the only caller has just looked
    stem = inputs.get(f"{kind.name.property}Prefix")
    stem = f"{urn.rsplit('::', 1)[-1]}-" if stem in (None, UNKNOWN) else str(stem)
    digits = (hashlib.sha256(seed + urn.encode()).hexdigest() if seed else secrets.token_hex())[
        :DIGITS_OF_A_MADE_UP_NAME
    ]
    name = kind.name.prefix + stem[: kind.name.longest - len(kind.name.prefix) - len(digits)] + digits
    return name.lower() if kind.name.lower else name


@dataclass(frozen=True)
class Difference:
    """The result of a diff.

    Attributes:
        paths: Whether a change forces a replacement, by changed property path.
        delete_first: Whether a replacement deletes the old resource first, because the new one has the same name.
    """

    paths: dict[str, bool]
    delete_first: bool

    @property
    def replaces(self) -> bool:
        """Whether the resource is replaced."""
        return any(self.paths.values())


def difference(kind: Kind, old: Properties, new: Properties) -> Difference:
    """Compares two versions of checked inputs."""
    paths = {path: _forces_replacement(kind, path) for path in changed_paths(old, new)}
    named = kind.name is not None and all(
        kind.name.property in inputs and kind.name.property not in inputs.get(DEFAULTED, []) for inputs in (old, new)
    )
    same_name = kind.name is not None and old.get(kind.name.property) == new.get(kind.name.property)
    return Difference(paths=paths, delete_first=named and same_name)


def _forces_replacement(kind: Kind, path: str) -> bool:
    plain = re.sub(r"\[\d+\]", "", path)
    return any(
        plain == replaced or plain.startswith(f"{replaced}.") or replaced.startswith(f"{plain}.")
        for replaced in kind.replaces
    )


def create(kind: Kind, caller: Caller, urn: str, inputs: Properties) -> Record:
    """Creates a resource. If AWS refuses a step, or its local resources fail, it is deleted again.

    Raises:
        AwsError: AWS refuses it.
        RehearsalError: The API does not respond, or its local resources cannot be created.
    """
    with changing(caller.layout) as account:
        making = Making(caller.layout, account, _region(caller, inputs), inputs, account_id=caller.account_id)
        _judge(kind, making)
        if kind.api is not None:
            making = replace(making, answer=api.create(kind.api, making))
        making = replace(making, id=str(kind.make_id(making)))
        record = Record(kind.type, urn, making.id, inputs, {})
        try:
            record = replace(record, outputs=_outputs(kind, making, caller))
            if kind.api is not None:
                api.put(kind.api, making)
        except AwsError:
            _unmake(kind, caller.layout, record)
            raise
        account.put(record)
    try:
        return settle(kind, caller.layout, record)
    except BaseException:
        delete(kind, caller.layout, record.id)
        raise


def settle(kind: Kind, layout: Layout, record: Record) -> Record:
    """Brings a resource's local resources in line with its record; idempotent, to resume an interrupted operation."""
    if kind.converge is None:
        return record
    settled = record.with_outputs(**kind.converge(layout, record, Account.load(layout)))
    with changing(layout) as account:
        account.put(settled)
    return settled


def find(kind: Kind, layout: Layout, identifier: str) -> Record | None:
    """The resource with an id, or None; removes the record of one that was deleted through the API."""
    record = Account.load(layout).find(kind.type, identifier)
    if record is None or kind.api is None or api.exists(kind.api, _standing(layout, record)):
        return record
    with changing(layout) as account:
        account.remove(record)
    return None


def change(kind: Kind, caller: Caller, identifier: str, inputs: Properties) -> Record:
    """Updates a resource in place.

    Raises:
        AwsError: AWS refuses the change, or the resource does not exist.
        RehearsalError: The API does not respond, or its local resources cannot be changed.
    """
    with changing(caller.layout) as account:
        record = account.find(kind.type, identifier)
        if record is None:
            raise AwsError("NotFound", f"{kind.type} {identifier} is not in the account")
        making = Making(
            caller.layout,
            account,
            _region(caller, inputs),
            inputs,
            id=identifier,
            previous=record.outputs,
            account_id=caller.account_id,
        )
        _judge(kind, making)
        if kind.api is not None:
            api.put(kind.api, making)
        record = replace(record, inputs=inputs, outputs=_outputs(kind, making, caller))
        account.put(record)
    return settle(kind, caller.layout, record)


def delete(kind: Kind, layout: Layout, identifier: str) -> None:
    """Deletes a resource if it exists, and those that follow it (`Reference.follows`).

    Raises:
        AwsError: Other resources use it, or it is protected.
        RehearsalError: The API does not respond, or its local resources cannot be deleted.
    """
    record = Account.load(layout).find(kind.type, identifier)
    if record is None:
        return
    refuse_if_used(layout, Account.load(layout), record)
    if kind.dissolve is not None:
        kind.dissolve(layout, record)
    _unmake(kind, layout, record)
    with changing(layout) as account:
        _remove(account, record)


def _unmake(kind: Kind, layout: Layout, record: Record) -> None:
    if kind.api is not None:
        api.delete(kind.api, _standing(layout, record))


def _standing(layout: Layout, record: Record) -> Making:
    """An existing resource, for operations that do not change its inputs."""
    region = str(record.outputs.get("region") or record.inputs.get("region") or ANY_REGION)
    return Making(layout, Account.load(layout), region, record.inputs, id=record.id, previous=record.outputs)


def refuse_if_used(layout: Layout, account: Account, record: Record) -> None:
    """Refuses to delete a resource that is in use or protected.

    Raises:
        AwsError: `DependencyViolation`, `ResourceInUseException` and the like.
    """
    for judge in kind_of(record.type).deletion_refusals:
        judge(_standing(layout, record))
    for other in account.records():
        if other == record:
            continue
        for reference in kind_of(other.type).references:
            if reference.blocks is not None and reference.names(other.inputs, record):
                raise reference.blocks.error(**{**record.outputs, "id": record.id, "by": other.id})


def _remove(account: Account, record: Record) -> None:
    account.remove(record)
    for other in account.records():
        for reference in kind_of(other.type).references:
            if reference.follows and reference.names(other.inputs, record):
                _remove(account, other)


def _judge(kind: Kind, making: Making) -> None:
    for reference in kind.references:
        if reference.missing is None:
            continue
        there = {reference.key(record) for record in making.account.records(reference.to)}
        for value in known_values(making.inputs, reference.path):
            if value not in there and not (reference.by == "arn" and _is_anothers(value, making.account_id)):
                raise reference.missing.error(value=value, account=making.account_id)
    for refusal in kind.refusals:
        refusal(making)


def _is_anothers(arn: str, account_id: str) -> bool:
    """Whether an ARN belongs to AWS or another account, so that its existence cannot be checked."""
    return f":{account_id}:" not in arn


def _region(caller: Caller, inputs: Properties) -> str:
    return str(inputs.get("region") or caller.region)


def _outputs(kind: Kind, making: Making, caller: Caller) -> Properties:
    decided = {**kind.attributes, **kind.revised}
    kept = {name: making.previous[name] for name in kind.attributes if name in making.previous}
    return {
        **_settled_by_inputs(kind, making.inputs, caller),
        **({kind.arn_output: making.text(kind.arn)} if kind.arn is not None else {}),
        **{name: kept[name] if name in kept else decide(making) for name, decide in decided.items()},
    }


def foreseen(kind: Kind, caller: Caller, inputs: Properties, previous: Properties) -> Properties:
    """The outputs of a previewed create or update; those that AWS will set are unknown.

    The previous outputs are empty for a create.
    """
    known = _settled_by_inputs(kind, inputs, caller)
    return {**known, **dict(_undecided(kind, inputs, previous))}


def _undecided(kind: Kind, inputs: Properties, previous: Properties) -> Iterator[tuple[str, Any]]:
    arn = () if kind.arn is None else (kind.arn_output,)
    for name in (*arn, *kind.attributes):
        if name in previous:
            yield name, previous[name]
        elif not isinstance(inputs.get(name), str | int | list):
            yield name, UNKNOWN
    for name in kind.revised:
        yield name, UNKNOWN


def _settled_by_inputs(kind: Kind, inputs: Properties, caller: Caller) -> Properties:
    return {
        **{name: value for name, value in inputs.items() if name != DEFAULTED},
        **({"region": _region(caller, inputs)} if kind.regional else {}),
    }
