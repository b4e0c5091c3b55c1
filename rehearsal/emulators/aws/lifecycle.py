"""Operations of the provider on a resource of any kind: check, diff, create, read, update, delete.

They raise `AwsError` if AWS refuses an operation, and `RehearsalError` if its API does not respond or local resources
(e.g. Kubernetes nodes) cannot be changed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rehearsal.aws import ACCOUNT_ID
from rehearsal.emulators.aws import api
from rehearsal.emulators.aws.account import Account, Record, changing
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.inputs import check_tags, table
from rehearsal.emulators.aws.kind import AutoName, Kind, Resource
from rehearsal.emulators.aws.properties import DEFAULTED, UNKNOWN, Properties, changed_paths, known_values
from rehearsal.layout import Layout

DIGITS_OF_AUTO_NAME = 7

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
        inputs[kind.name.property] = kept or _auto_name(kind.name, urn, inputs, seed)
        inputs[DEFAULTED] = [kind.name.property]
    if kind.tagged:
        own: Any = inputs.get("tags") or {}
        inputs["tagsAll"] = UNKNOWN if own == UNKNOWN or UNKNOWN in own.values() else {**(default_tags or {}), **own}
    failures: dict[str, str] = {}
    for path, rule in (*table()[kind.type].rules.items(), *((("tags", check_tags),) if kind.tagged else ())):
        validated = list(known_values(old, path))
        for value in known_values(inputs, path):
            # Values that have passed before are not validated again: most runs change little.
            if value in validated:
                continue
            try:
                rule(value)
            except (AwsError, ValueError) as error:
                failures[path] = str(error)
    return inputs, failures


def _auto_name(name: AutoName, urn: str, inputs: Properties, seed: bytes) -> str:
    stem = inputs.get(f"{name.property}Prefix")
    stem = f"{urn.rsplit('::', 1)[-1]}-" if stem in (None, UNKNOWN) else str(stem)
    digits = hashlib.sha256(seed + urn.encode()).hexdigest() if seed else secrets.token_hex()
    longest_stem = name.longest - len(name.prefix) - DIGITS_OF_AUTO_NAME
    generated = name.prefix + stem[:longest_stem] + digits[:DIGITS_OF_AUTO_NAME]
    return generated.lower() if name.lower else generated


@dataclass(frozen=True)
class Difference:
    """The result of a diff.

    Attributes:
        paths: Whether a change forces a replacement, by changed property path.
        delete_first: Whether a replacement deletes the old resource first, because the new one has the same name.
    """

    paths: dict[str, bool]
    delete_first: bool


def difference(kind: Kind, old: Properties, new: Properties) -> Difference:
    """Compares two versions of checked inputs."""
    paths = {path: _forces_replacement(kind, path) for path in changed_paths(old, new)}
    if kind.name is None:
        return Difference(paths, delete_first=False)
    name = kind.name.property
    is_explicit = all(name in inputs and name not in inputs.get(DEFAULTED, []) for inputs in (old, new))
    return Difference(paths, delete_first=is_explicit and old[name] == new[name])


def in_state(kind: Kind, inputs: Properties, outputs: Properties) -> Properties:
    """The old inputs as the provider has them in its state: those that AWS changes too, as it has read them."""
    return {name: outputs.get(name, value) if name in kind.read_back else value for name, value in inputs.items()}


def _forces_replacement(kind: Kind, path: str) -> bool:
    plain = re.sub(r"\[\d+\]", "", path)
    return any(
        plain == replaced or plain.startswith(f"{replaced}.") or replaced.startswith(f"{plain}.")
        for replaced in table()[kind.type].replaces
    )


def create(kind: Kind, caller: Caller, urn: str, inputs: Properties) -> Record:
    """Creates a resource. If AWS refuses a step, or its local resources fail, it is deleted again."""
    with changing(caller.layout) as account:
        resource = _resource(caller, account, inputs)
        _validate(kind, resource)
        resource = replace(resource, response=api.create(kind.api, resource))
        resource = replace(resource, id=str(kind.make_id(resource)))
        record = Record(kind.type, urn, resource.id, inputs, {})
        try:
            record = replace(record, outputs=_outputs(kind, resource, caller))
            api.configure(kind.api, resource)
        except AwsError:
            api.delete(kind.api, replace(resource, previous=record.outputs))
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
    if record is None or api.exists(kind.api, _existing(layout, record)):
        return record
    with changing(layout) as account:
        account.remove(record)
    return None


def change(kind: Kind, caller: Caller, identifier: str, inputs: Properties, old: Properties | None = None) -> Record:
    """Updates a resource in place.

    The provider sends those inputs that differ from its state's, the old ones, and each of these as a whole. AWS keeps
    what else has changed since, such as a node group's size while its limits stay the same.
    https://github.com/hashicorp/terraform-provider-aws/blob/v6.0.0/internal/service/eks/node_group.go (`HasChange`)
    """
    with changing(caller.layout) as account:
        record = account.find(kind.type, identifier)
        if record is None:
            raise AwsError("NotFound", f"{kind.type} {identifier} is not in the account")
        unchanged = {name for name, value in inputs.items() if old is not None and old.get(name) == value}
        inputs = {**inputs, **{name: value for name, value in record.inputs.items() if name in unchanged}}
        if kind.amend is not None:
            inputs = kind.amend(record.inputs, inputs)
        resource = replace(_resource(caller, account, inputs), id=identifier, previous=record.outputs)
        _validate(kind, resource)
        api.configure(kind.api, resource)
        record = replace(record, inputs=inputs, outputs=_outputs(kind, resource, caller))
        account.put(record)
    return settle(kind, caller.layout, record)


def delete(kind: Kind, layout: Layout, identifier: str) -> None:
    """Deletes a resource if it exists, and those that follow it (`Reference.follows`).

    Raises:
        AwsError: Other resources use it, or it is protected.
    """
    record = Account.load(layout).find(kind.type, identifier)
    if record is None:
        return
    resource = _existing(layout, record)
    for deletion_check in kind.deletion_checks:
        deletion_check(resource)
    for other in resource.account.records():
        for reference in table()[other.type].references_to(record, other.inputs):
            if other != record and reference.blocks is not None:
                raise reference.blocks.format({**record.outputs, "id": record.id})
    if kind.dissolve is not None:
        kind.dissolve(layout, record)
    api.delete(kind.api, resource)
    with changing(layout) as account:
        _remove(account, record)


def _resource(caller: Caller, account: Account, inputs: Properties) -> Resource:
    region = _region(caller, inputs)
    return Resource(layout=caller.layout, account=account, account_id=caller.account_id, region=region, inputs=inputs)


def _existing(layout: Layout, record: Record) -> Resource:
    """An existing resource, for operations that do not change its inputs."""
    caller = Caller(layout, str(record.outputs.get("region") or ANY_REGION), {})
    return replace(_resource(caller, Account.load(layout), record.inputs), id=record.id, previous=record.outputs)


def _remove(account: Account, record: Record) -> None:
    account.remove(record)
    for other in account.records():
        if any(reference.follows for reference in table()[other.type].references_to(record, other.inputs)):
            _remove(account, other)


def _validate(kind: Kind, resource: Resource) -> None:
    for path, reference in table()[kind.type].references.items():
        if reference.missing is None:
            continue
        existing = {reference.key(record) for record in resource.account.records(reference.to)}
        for value in known_values(resource.inputs, path):
            # Whether something of AWS or of another account exists cannot be checked.
            is_foreign = reference.by == "arn" and f":{resource.account_id}:" not in value
            if value not in existing and not is_foreign:
                raise reference.missing.format({"value": value, "account": resource.account_id})
    if unique := table()[kind.type].unique:
        values = unique.values(resource.inputs)
        others = [other for other in resource.account.records(kind.type) if other.id != resource.id]
        if any(values) and any(unique.values(other.inputs) == values for other in others):
            raise unique.error.format(resource.inputs)
    for account_check in kind.checks:
        account_check(resource)


def _region(caller: Caller, inputs: Properties) -> str:
    return str(inputs.get("region") or caller.region)


def _outputs(kind: Kind, resource: Resource, caller: Caller) -> Properties:
    attributes = {
        name: resource.previous[name] if name in resource.previous else compute(resource)
        for name, compute in kind.attributes.items()
    }
    revised = {name: compute(resource) for name, compute in kind.revised.items()}
    return {**_outputs_of_inputs(kind, resource.inputs, caller), **attributes, **revised}


def foreseen(kind: Kind, caller: Caller, inputs: Properties, previous: Properties) -> Properties:
    """The outputs of a previewed create or update; those that AWS will set are unknown.

    The previous outputs are empty for a create.
    """
    attributes = {
        name: previous.get(name, UNKNOWN)
        for name in kind.attributes
        if name in previous or not isinstance(inputs.get(name), str | int | list)
    }
    return {**_outputs_of_inputs(kind, inputs, caller), **attributes, **dict.fromkeys(kind.revised, UNKNOWN)}


def _outputs_of_inputs(kind: Kind, inputs: Properties, caller: Caller) -> Properties:
    return {
        **{name: value for name, value in inputs.items() if name != DEFAULTED},
        **({"region": _region(caller, inputs)} if kind.regional else {}),
    }
