"""The types of fields without their validators."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any


def is_union(annotation: Any) -> bool:
    """Whether an annotation is a union, such as `str | None`."""
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def bare(annotation: Any) -> Any:
    """A field's type without its validators (`Annotated`) and without `None`."""
    if typing.get_origin(annotation) is Annotated:
        return bare(typing.get_args(annotation)[0])
    if is_union(annotation):
        (member,) = (choice for choice in typing.get_args(annotation) if choice is not type(None))
        return bare(member)
    return annotation
