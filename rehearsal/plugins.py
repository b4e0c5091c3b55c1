"""Finds an installed Pulumi kubernetes plugin, to be used instead of the stand-in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from rehearsal.errors import RehearsalError

PLUGIN_VARIABLE = "HELLO_KUBERNETES_PLUGIN"
"""Environment variable that names a `pulumi-resource-kubernetes` to use."""

_PROGRAM = "pulumi-resource-kubernetes"
_FOLDER = re.compile(r"resource-kubernetes-v(\d+)\.(\d+)\.(\d+)")


def find_kubernetes_plugin(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The plugin that the environment names, else an installed one that fits the pinned SDK, else None.

    One fits that has the SDK's major version and at least its minor; the newest of them is taken.

    Raises:
        RehearsalError: The named one is no executable file.
    """
    if named := environment.get(PLUGIN_VARIABLE):
        path = Path(named).expanduser()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise RehearsalError(
                f"{PLUGIN_VARIABLE} names {named}, which is no executable file",
                remedy=f"Name a {_PROGRAM} program, or leave the variable unset: the stand-in is used then.",
            )
        return path.resolve()
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return newest_fitting(home / "plugins", version("pulumi-kubernetes"))


def newest_fitting(plugins: Path, sdk: str) -> Path | None:
    """The newest kubernetes plugin in a Pulumi home's `plugins` folder that fits an SDK's version, if any."""
    major, minor = (int(part) for part in sdk.split(".")[:2])
    fitting = [
        (tuple(int(part) for part in match.groups()), folder / _PROGRAM)
        for folder in (plugins.iterdir() if plugins.is_dir() else ())
        if (match := _FOLDER.fullmatch(folder.name)) and (folder / _PROGRAM).is_file()
    ]
    found = [(number, path) for number, path in fitting if number[0] == major and number[1] >= minor]
    return max(found)[1] if found else None
