"""Images of programs that no registry provides here: this machine's programs, laid out as in the images."""

from __future__ import annotations

import os
import shutil
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.delivery.runtime import Image
from tests.unit.program import CHECKOUT

TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
"""The authorities that Go's and Python's programs trust, in Alpine and in Debian: https://go.dev/src/crypto/x509/root_linux.go"""

SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
UNIX = {name: f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")}
USER = 1000

CAPABILITIES = {"newgidmap": 6, "newuidmap": 7}
"""CAP_SETGID and CAP_SETUID, as capabilities of the files: Alpine's, in the image, are setuid programs that keep by
libcap to just this one. Debian's are built without it, and as setuid programs need more than the pod has.

https://github.com/moby/buildkit/issues/2038, https://github.com/shadow-maint/shadow/pull/138
"""

FILE_CAPABILITIES = 0x02000001
"""Revision 2, effective: https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/capability.h"""


def buildkit(root: Path, programs: Mapping[str, Path], *, hosts: Mapping[str, str], authorities: str) -> Image:
    """`moby/buildkit:rootless`, as its Dockerfile makes it.

    https://github.com/moby/buildkit/blob/v0.34.2/Dockerfile

    Args:
        root: Where its files are made.
        programs: `buildkitd`, `buildctl` and `rootlesskit`; Debian has the others: runc, and newuidmap of `uidmap`.
        hosts: Addresses by host name: a cluster's DNS would tell them.
        authorities: Whom it trusts, as PEM, beside those of the real one.
    """
    home = Path("home/user")
    own = [home / ".local/tmp", home / ".local/share/buildkit", Path("run/user") / str(USER)]
    _system(root, "user", own, hosts)
    for file in ("subuid", "subgid"):
        (root / "etc" / file).write_text("user:100000:65536\n", encoding="utf-8")
    _write(root / TRUSTED[1:], authorities)
    for name, capability in CAPABILITIES.items():
        copy = root / "opt/buildkit" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shutil.which(name) or "", copy)
        copy.chmod(0o755)
        os.setxattr(copy, "security.capability", struct.pack("<5I", FILE_CAPABILITIES, 1 << capability, 0, 0, 0))
    return Image(
        root=root,
        entrypoint=["rootlesskit", "buildkitd"],
        environment={
            "PATH": f"/opt/buildkit:{SYSTEM}",
            "HOME": f"/{home}",
            "USER": "user",
            "XDG_RUNTIME_DIR": f"/run/user/{USER}",
            "TMPDIR": f"/{home}/.local/tmp",
            "BUILDKIT_HOST": f"unix:///run/user/{USER}/buildkit/buildkitd.sock",
        },
        files={"/usr": Path("/usr"), **{f"/opt/buildkit/{name}": path for name, path in programs.items()}},
    )


def agent(root: Path, buildctl: Path, *, hosts: Mapping[str, str]) -> Image:
    """The agents' image, as `pipelines/agent.Dockerfile` makes it; it waits for orders.

    Args:
        root: Where its files are made.
        buildctl: The program.
        hosts: Addresses by host name: a cluster's DNS would tell them.
    """
    _system(root, "jenkins", [Path("home/jenkins")], hosts)
    # A virtual environment holds paths: it and its interpreter are where they are on this machine.
    python = {sys.prefix: Path(sys.prefix).resolve(), sys.base_prefix: Path(sys.base_prefix).resolve()}
    parts = ("contract", "kube", "release", "pipelines")
    return Image(
        root=root,
        command=["sleep", "infinity"],
        environment={
            "PATH": os.pathsep.join(["/opt/buildkit", f"{sys.prefix}/bin", SYSTEM]),
            "HOME": "/home/jenkins",
            "PIPELINES": "/opt/hello/pipelines",
            "PYTHONPATH": "/opt/hello",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        directory="/home/jenkins",
        files={
            "/usr": Path("/usr"),
            "/opt/buildkit/buildctl": buildctl,
            **{f"/opt/hello/{part}": CHECKOUT / part for part in parts},
            **{path: source for path, source in python.items() if not source.is_relative_to("/usr")},
        },
    )


def _system(root: Path, user: str, own: list[Path], hosts: Mapping[str, str]) -> None:
    """What every image of Unix programs has, and folders that its user owns."""
    (root / "tmp").mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for name, target in UNIX.items():
        (root / name).symlink_to(target)
    _write(root / "etc/passwd", f"root:x:0:0::/:/bin/sh\n{user}:x:{USER}:{USER}::/home/{user}:/bin/sh\n")
    _write(root / "etc/group", f"root:x:0:\n{user}:x:{USER}:\n")
    _write(
        root / "etc/hosts",
        "".join(f"{address} {name}\n" for name, address in {"localhost": "127.0.0.1", **hosts}.items()),
    )
    _write(root / "etc/resolv.conf", "")
    for folder in own:
        (root / folder).mkdir(parents=True)
    for path in (root / "home" / user, *(root / "home" / user).rglob("*"), *(root / one for one in own)):
        os.chown(path, USER, USER)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
