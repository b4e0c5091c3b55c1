"""EC2 instance types; an unknown one is an error."""

from __future__ import annotations

from config.instance_types import InstanceType, instance_types
from rehearsal.errors import RehearsalError

__all__ = ["InstanceType", "instance_type"]


def instance_type(name: str) -> InstanceType:
    """An EC2 instance type by its name.

    Raises:
        RehearsalError: The table of `config.instance_types` has no such type.
    """
    known = instance_types().get(name)
    if known is None:
        raise RehearsalError(
            f"There is no EC2 instance type {name!r}.",
            remedy="correct the instance type in the stack's configuration, e.g. `t3.large`; or, where AWS has one of "
            "that name since lately, bring moto in requirements-dev.txt up to date and say "
            "`python -m config.instance_types_table`.",
        )
    return known
