"""What a field of a model is annotated with, bare."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any


def is_union(annotation: Any) -> bool:
    """Whether it is one type or another, `None` included."""
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def bare(annotation: Any) -> Any:
    """A field's type without its checks (`Annotated`) and without `None`: what a person would call its type."""
    if typing.get_origin(annotation) is Annotated:
        return bare(typing.get_args(annotation)[0])
    if is_union(annotation):
        (one,) = (choice for choice in typing.get_args(annotation) if choice is not type(None))
        return bare(one)
    return annotation
