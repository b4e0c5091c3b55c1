"""How busy services are, as a rehearsal is told: no container of a service runs that could be."""

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
"""Per cent of its CPU request that each live pod of a service uses (>= 0), by `ENVIRONMENT/SERVICE`."""


def read(layout: Layout) -> Load:
    """The load of a rehearsal; nothing where it was told nothing.

    Raises:
        RehearsalError: The file is not what it has to be.
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
    """Tells a rehearsal how busy services are; what is not named has nothing to do."""
    handle, draft = tempfile.mkstemp(dir=layout.directory, prefix="load-")
    with os.fdopen(handle, "w") as stream:
        json.dump(dict(load), stream, indent=2)
    Path(draft).replace(layout.load)


def _no_load(layout: Layout, why: str) -> RehearsalError:
    return RehearsalError(
        f"{layout.load} is no table of loads: {why}",
        remedy='write {"ENVIRONMENT/SERVICE": PER_CENT} into it, or delete it.',
    )
