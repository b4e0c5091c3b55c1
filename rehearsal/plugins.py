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

STALLED_AFTER = 20.0
"""Seconds without progress after which a download is given up."""

WHOLE_DOWNLOAD = 600.0
"""Seconds after which a download (tens of megabytes) is given up."""

RETRY_AFTER = 12 * 3600.0
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
        (number, program)
        for plugins in folders
        for program in plugins.glob(f"*/{_PROGRAM}")
        if (match := _FOLDER.fullmatch(program.parent.name))
        and (number := tuple(map(int, match.groups())))[0] == major
        and number[1] >= minor
    ]
    return max(fitting)[1] if fitting else None


def install(pulumi: Path, cache: Path, report: Callable[[str], None]) -> Path | None:
    """Installs the plugin of the SDK's version into a Pulumi home in the cache, by `pulumi plugin install`.

    Returns:
        The plugin's path. None if it cannot be installed; the failure is reported, and remembered in the cache for
        `RETRY_AFTER`.
    """
    cache.mkdir(parents=True, exist_ok=True)
    refusal = cache / f"kubernetes-plugin-{wanted()}.refused"
    if refusal.exists() and time.time() - refusal.stat().st_mtime < RETRY_AFTER:
        return None
    report(f"Installing the plugin kubernetes {wanted()}")
    try:
        problem = _install(pulumi, cache)
    except TimeoutError as error:
        problem = str(error)
    plugin = newest_fitting((_home(cache) / "plugins",), wanted())
    if plugin is None:
        refusal.write_text(f"{problem}\n")
        report(
            f"The plugin kubernetes {wanted()} cannot be installed here ({problem}): the provider is built from its Go "
            f"module. The next attempt is after {RETRY_AFTER / 3600:g} h, or once {refusal} is deleted"
        )
        return None
    refusal.unlink(missing_ok=True)
    return plugin


def _home(cache: Path) -> Path:
    """Pulumi home in the cache."""
    return cache / "pulumi-home"


def _install(pulumi: Path, cache: Path) -> str:
    """Runs `pulumi plugin install`; returns the reason of a failure: the first warning, which has the URL, or the end.

    Raises:
        TimeoutError: The download stalls, or takes too long.
    """
    with tempfile.TemporaryDirectory(dir=cache) as folder, tempfile.TemporaryFile("w+b") as output:
        # Pulumi downloads to TMPDIR, where progress can be seen (sdk/go/common/workspace/plugins.go, os.CreateTemp).
        variables = {"PULUMI_HOME": str(_home(cache)), "PULUMI_SKIP_UPDATE_CHECK": "true", "TMPDIR": folder}
        command = [str(pulumi), "plugin", "install", "resource", "kubernetes", wanted()]
        began = progressed = time.monotonic()
        size = 0

        def check_progress() -> None:
            nonlocal progressed, size
            now, before = time.monotonic(), size
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
            progressed = now if size > before else progressed
            if now - progressed > STALLED_AFTER:
                raise TimeoutError(f"no data arrived for {STALLED_AFTER:g} s")
            if now - began > WHOLE_DOWNLOAD:
                raise TimeoutError(f"the download was not complete after {WHOLE_DOWNLOAD:g} s")

        run_watched(command, check_progress, seconds=0.5, output=output, env={**os.environ, **variables})
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines() or ["it printed nothing"]
    warnings = [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")]
    return (warnings or [lines[-1].removeprefix("error: ")])[0]
