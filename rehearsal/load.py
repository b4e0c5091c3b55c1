"""CPU load of services, set by hand or by a test: no container of a service runs, so none can be measured."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

Load: TypeAlias = Mapping[str, float]
"""CPU use of each live pod of a service, in percent of its request (>= 0), by `ENVIRONMENT/SERVICE`."""


def read(layout: Layout) -> Load:
    """The load that is set; empty without a file.

    Raises:
        RehearsalError: The file is not valid.
    """
    try:
        table = json.loads(layout.load.read_text())
        load = {str(service): float(percent) for service, percent in table.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise _no_load(layout, str(error)) from error
    wrong = [service for service, percent in load.items() if not 0 <= percent < float("inf")]
    if wrong:
        raise _no_load(layout, f"{', '.join(wrong)}: a load is 0 or more")
    return load


def write(layout: Layout, load: Load) -> None:
    """Sets the load of all services, atomically; services that are not named are idle."""
    handle, draft = tempfile.mkstemp(dir=layout.directory, prefix="load-")
    with os.fdopen(handle, "w") as stream:
        json.dump(dict(load), stream, indent=2)
    Path(draft).replace(layout.load)


def _no_load(layout: Layout, why: str) -> RehearsalError:
    return RehearsalError(
        f"{layout.load} is no table of loads: {why}",
        remedy='write {"ENVIRONMENT/SERVICE": PER_CENT} into it, or delete it.',
    )
