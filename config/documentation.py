"""Writes docs/configuration.md from the models: `python -m config.documentation`."""

from __future__ import annotations

import dataclasses
import inspect
import json
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, SecretStr
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from config.annotations import bare, is_union
from config.checks import CHECKS
from config.models.base import PROJECT, Model, SecretScope
from config.settings import Settings
from config.values import Check, EachOnce, PersonName, ServiceName, VariableName

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"

EXAMPLE = """\
  hello-platform:services:
    search:
      port: 8080
      healthPath: /health
      paths: [/search]                # left out: inside the cluster only
      variables:
        LOG_LEVEL: info               # on both environments
        INDEX: {dev: hello-dev, prod: hello-prod}
      secrets: [API_KEY]              # the next preview says how to set it
      egress: {services: [api], https: true}
      resources:
        requests: {cpu: 250m, memory: 512Mi}
        limits: {cpu: "1", memory: 512Mi}
      replicas:
        dev: {min: 1, max: 2}
        prod: {min: 2, max: 6}
      smokeTest: {path: /search/status, contains: ready}
      longestRequestSeconds: 60       # not less than api's, for which it waits
"""
"""A service that uses most of the keys."""

HEADER = f"""\
# Configuration

<!-- Written by `python -m config.documentation` from the models in config/. Change those. -->

All keys of a stack's file, `Pulumi.STACK.yaml`, under `{PROJECT}:`. `NAME` is a service, `VARIABLE` an environment
variable, `PERSON` who logs in to Kibana. An invalid configuration is refused before anything is changed, with all its
problems at once.

A service is a few lines; only `port` and `healthPath` are required:

```yaml
{EXAMPLE}```
"""

CROSS_FIELD_CHECKS = """\
## Checks across keys

A configuration is also refused for:
"""

PLACEHOLDERS: tuple[tuple[Any, str], ...] = (
    (ServiceName, "NAME"),
    (PersonName, "PERSON"),
    (VariableName, "VARIABLE"),
    (SecretScope, "ENVIRONMENT"),
)
"""The placeholder for a key that the user chooses, by the key's type."""


def page() -> str:
    """The page as Markdown."""
    fields = {to_camel(name): field for name, field in Settings.model_fields.items()}
    plain = {key: field for key, field in fields.items() if _is_plain(field)}
    sections = [
        ("The stack", [row for key, field in plain.items() for row in _rows((key,), field)]),
        *((f"`{key}`", [*_rows((key,), field)]) for key, field in fields.items() if key not in plain),
    ]
    tables = (f"## {title}\n\n{_table(rows)}" for title, rows in sections)
    return "\n".join([HEADER, *tables, CROSS_FIELD_CHECKS, *(f"- {_summary(check)}" for check, _ in CHECKS)]) + "\n"


def _is_plain(field: FieldInfo) -> bool:
    """Whether the value is a text or a boolean."""
    return bare(field.annotation) in (str, bool)


def _summary(check: Callable[..., Any]) -> str:
    """A check's docstring without its sources."""
    lines = str(inspect.getdoc(check)).splitlines()
    return " ".join(line for line in lines if line and not line.startswith("https://"))


def _table(rows: Iterable[tuple[str, str, str, str]]) -> str:
    head = ("key", "type", "default", "meaning")
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ("---",) * 4, *rows])


def _rows(path: Sequence[str], field: FieldInfo) -> Iterator[tuple[str, str, str, str]]:
    """The row of a field, and those of the fields below it."""
    words = _words(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
    yield f"`{'.'.join(path)}`", words, _default(field), str(field.description)
    yield from _rows_below(path, bare(field.annotation))


def _rows_below(path: Sequence[str], kind: Any) -> Iterator[tuple[str, str, str, str]]:
    if typing.get_origin(kind) is dict:
        key, value = typing.get_args(kind)
        yield from _rows_below((*path, _placeholder(key)), bare(value))
    elif typing.get_origin(kind) is list:
        yield from _rows_below((*path[:-1], f"{path[-1]}[]"), bare(typing.get_args(kind)[0]))
    elif isinstance(kind, type) and issubclass(kind, Model):
        for name, field in kind.model_fields.items():
            yield from _rows((*path, to_camel(name)), field)


def _placeholder(key: Any) -> str:
    return next(name for kind, name in PLACEHOLDERS if kind == key)


def _words(annotation: Any) -> str:
    """A type in plain words, with its limits."""
    kind, metadata = bare(annotation), _metadata(annotation)
    checks = [
        validator.func.words
        for validator in metadata
        if isinstance(validator, AfterValidator) and isinstance(validator.func, Check)
    ]
    match typing.get_origin(kind) or kind:
        case origin if origin is Literal:
            words = "one of " + ", ".join(f"`{choice}`" for choice in typing.get_args(kind))
        case origin if origin is list:
            once = ["each once"] if EachOnce in metadata else []
            words = "; ".join(
                ["a list", *_limits(metadata, "of them"), *once, f"each {_words(typing.get_args(kind)[0])}"]
            )
        case origin if origin is dict:
            words = "; ".join(
                [f"an object, {_placeholder(typing.get_args(kind)[0])} by name", *_limits(metadata, "of them")]
            )
        case origin if origin is bool:
            words = "`true` or `false`"
        case origin if origin is int:
            words = ", ".join(["a whole number", *_limits(metadata, "")])
        case origin if origin in (str, SecretStr):
            words = "; ".join([*(checks or ["a text"]), *_limits(metadata, "characters")])
        case _:
            words = "an object"
    return words.strip()


def _metadata(annotation: Any) -> list[Any]:
    """The metadata of an `Annotated` type, that of a `Field` in a type alias included."""
    if typing.get_origin(annotation) is Annotated:
        inner, *metadata = typing.get_args(annotation)
        flat = [item for part in metadata for item in (part.metadata if isinstance(part, FieldInfo) else [part])]
        return [*_metadata(inner), *flat]
    if is_union(annotation):
        return [item for choice in typing.get_args(annotation) for item in _metadata(choice)]
    return []


def _limits(metadata: Sequence[Any], unit: str) -> list[str]:
    limits = [item for item in metadata if isinstance(item, Ge | Le | MinLen | MaxLen)]
    bounds: dict[type, Any] = {type(limit): dataclasses.astuple(limit)[0] for limit in limits}
    low, high = bounds.get(Ge, bounds.get(MinLen)), bounds.get(Le, bounds.get(MaxLen))
    match low, high:
        case None, None:
            return []
        case _, None:
            words = f"{low} or more"
        case None, _:
            words = f"at most {high}"
        case _:
            words = f"{low} to {high}"
    return [f"{words} {unit}".strip()]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    if isinstance(value, Model):
        given = value.model_dump(by_alias=True, exclude_unset=True)
        return f"`{json.dumps(given)}`" if given else "as below"
    return f"`{json.dumps(value)}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
