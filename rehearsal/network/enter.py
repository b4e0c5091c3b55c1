"""Commands that run in another process's network namespace."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def search_path() -> str:
    """PATH with the `sbin` folders, whose programs any user may run in a namespace of their own."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def tool(name: str) -> str:
    """The path of a program of this machine; its name if it is not found."""
    return shutil.which(name, path=search_path()) or name


def enter(holder: int) -> tuple[str, ...]:
    """The command prefix (`nsenter`) that runs a command in the network namespace of a process id, as the current user.

    Raises:
        OSError: The process does not run, or belongs to another user.
    """
    # A user namespace of the holder maps the current user to root, and no other id: credentials are preserved.
    same_user = _namespace("user", holder) == _namespace("user", os.getpid())
    user = () if same_user else ("--user", "--preserve-credentials")
    return (tool("nsenter"), "--target", str(holder), *user, "--net", "--")


def _namespace(kind: str, pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/{kind}").readlink())
