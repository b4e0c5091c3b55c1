"""The plugin of the kubernetes provider: named by the user, found, or installed.

https://www.pulumi.com/docs/iac/concepts/plugins/
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.processes import run_watched

PLUGIN_VARIABLE = "HELLO_KUBERNETES_PLUGIN"
"""Environment variable that names a `pulumi-resource-kubernetes` to use."""

NOTHING_CAME = 20.0
"""Seconds without progress after which a download is given up."""

WHOLE_DOWNLOAD = 600.0
"""Seconds after which a download (tens of megabytes) is given up."""

ASKED_AGAIN_AFTER = 12 * 3600.0
"""Seconds after a failed installation in which no other is tried."""

_PROGRAM = "pulumi-resource-kubernetes"
_FOLDER = re.compile(r"resource-kubernetes-v(\d+)\.(\d+)\.(\d+)")


def wanted() -> str:
    """The plugin version to install: that of the installed SDK."""
    return version("pulumi-kubernetes")


def find_kubernetes_plugin(cache: Path, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The plugin that `PLUGIN_VARIABLE` names, else the newest installed one that fits the SDK, else None.

    A plugin fits if it has the SDK's major version and at least its minor version.

    Raises:
        RehearsalError: `PLUGIN_VARIABLE` names no executable file.
    """
    if named := environment.get(PLUGIN_VARIABLE):
        path = Path(named).expanduser()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise RehearsalError(
                f"{PLUGIN_VARIABLE} names {named}, which is no executable file",
                remedy=f"name a {_PROGRAM} program, or leave the variable unset.",
            )
        return path.resolve()
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return newest_fitting((home / "plugins", _home(cache) / "plugins"), wanted())


def newest_fitting(folders: Iterable[Path], sdk: str) -> Path | None:
    """The newest kubernetes plugin in these `plugins` folders that fits an SDK version, or None."""
    major, minor = (int(part) for part in sdk.split(".")[:2])
    fitting = [
        (tuple(int(part) for part in match.groups()), folder / _PROGRAM)
        for plugins in folders
        for folder in (plugins.iterdir() if plugins.is_dir() else ())
        if (match := _FOLDER.fullmatch(folder.name)) and (folder / _PROGRAM).is_file()
    ]
    found = [(number, path) for number, path in fitting if number[0] == major and number[1] >= minor]
    return max(found)[1] if found else None


def install(pulumi: Path, cache: Path, report: Callable[[str], None]) -> Path | None:
    """Installs the plugin of the SDK's version into a Pulumi home in the cache, by `pulumi plugin install`.

    Returns:
        The plugin's path. None if it cannot be installed; the failure is reported, and remembered in the cache for
        `ASKED_AGAIN_AFTER`.
    """
    cache.mkdir(parents=True, exist_ok=True)
    refusal = cache / f"kubernetes-plugin-{wanted()}.refused"
    if refusal.exists() and time.time() - refusal.stat().st_mtime < ASKED_AGAIN_AFTER:
        return None
    report(f"Installing the plugin kubernetes {wanted()}")
    problem = _install(pulumi, cache)
    found = newest_fitting((_home(cache) / "plugins",), wanted())
    if found is None:
        problem = problem or "nothing was installed"
        refusal.write_text(f"{problem}\n")
        report(
            f"The plugin kubernetes {wanted()} cannot be installed here ({problem}): the provider is built from its Go "
            f"module. It is asked for again after {ASKED_AGAIN_AFTER / 3600:g} h, or once {refusal} is deleted"
        )
        return None
    refusal.unlink(missing_ok=True)
    return found


def _home(cache: Path) -> Path:
    """Pulumi home in the cache."""
    return cache / "pulumi-home"


def _install(pulumi: Path, cache: Path) -> str | None:
    """Runs `pulumi plugin install`; returns why it failed, or None."""
    with tempfile.TemporaryDirectory(dir=cache) as folder, tempfile.TemporaryFile() as output:
        # Pulumi downloads to TMPDIR, where progress can be seen (sdk/go/common/workspace/plugins.go, os.CreateTemp).
        variables = {"PULUMI_HOME": str(_home(cache)), "PULUMI_SKIP_UPDATE_CHECK": "true", "TMPDIR": folder}
        command = [str(pulumi), "plugin", "install", "resource", "kubernetes", wanted()]
        began = moved = time.monotonic()
        size = 0

        def look() -> None:
            nonlocal moved, size
            now, before = time.monotonic(), size
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
            moved = now if size > before else moved
            if now - moved > NOTHING_CAME:
                raise TimeoutError(f"nothing came for {NOTHING_CAME:g} s")
            if now - began > WHOLE_DOWNLOAD:
                raise TimeoutError(f"it had not come whole after {WHOLE_DOWNLOAD:g} s")

        try:
            code = run_watched(command, look, seconds=0.5, output=output, env={**os.environ, **variables})
        except TimeoutError as error:
            return str(error)
        output.seek(0)
        said = output.read().decode(errors="replace").strip().splitlines()
    return None if code == 0 else _reason(said)


def _reason(said: list[str]) -> str:
    """The reason of a failed download: the engine's first warning, which has the URL, or else its last line."""
    for line in said:
        if line.startswith("warning: "):
            return line.removeprefix("warning: ")
    return said[-1].removeprefix("error: ") if said else "it ended without a word"
