"""The command that runs another one in a network namespace."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def search_path() -> str:
    """PATH with the folders of what only administrators use elsewhere: in a namespace of ours, everybody is one."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def find(tool: str) -> str | None:
    """Where a program is."""
    return shutil.which(tool, path=search_path())


def enter(holder: int) -> tuple[str, ...]:
    """What comes before a command so that it runs in the network namespace of a process, as the user that we are.

    Args:
        holder: Id of the process; it runs.

    Raises:
        OSError: It does not run, or is not ours.
    """
    # Where the holder has a user namespace, that one maps us to root and knows nobody else: the ids stay as they are.
    same_user = _namespace("user", holder) == _namespace("user", os.getpid())
    user = () if same_user else ("--user", "--preserve-credentials")
    return (find("nsenter") or "nsenter", "--target", str(holder), *user, "--net", "--")


def _namespace(kind: str, pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/{kind}").readlink())
