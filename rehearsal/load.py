"""CPU load of services, set by hand or by a test: no container of a service runs, so none can be measured."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from annotated_types import Ge
from pydantic import FiniteFloat, TypeAdapter, ValidationError

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

Load: TypeAlias = dict[str, Annotated[FiniteFloat, Ge(0)]]
"""CPU use of each live pod of a service, in percent of its request (>= 0), by `ENVIRONMENT/SERVICE`."""

_LOAD = TypeAdapter[Load](Load)


def read(layout: Layout) -> Load:
    """The load that is set; empty without a file.

    Raises:
        RehearsalError: The file is not valid.
    """
    try:
        return _LOAD.validate_json(layout.load.read_text(), strict=True)
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        problem = error.errors()[0]
        raise RehearsalError(
            f"{layout.load} is no table of loads: {'.'.join(map(str, problem['loc']))}: {problem['msg']}",
            remedy='write {"ENVIRONMENT/SERVICE": PERCENT} into it, or delete it.',
        ) from error
