"""A pod's network and a container's file system and privileges, as commands of this system.

A pod has a network namespace of its own, a container namespaces for all else. No root is needed where users may make
namespaces; users other than root are then not to be had, and containers run as who is root there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join, quote
from typing import Any

from rehearsal.kubelet.environment import part
from rehearsal.kubelet.files import maps
from rehearsal.kubelet.images import Image
from rehearsal.network.enter import find, search_path
from rehearsal.network.namespace import OWN_ADDRESS

GATEWAY = "169.254.1.1"
"""Where pods send everything, as the VPC CNI has it: the node's end of the pair answers for every address.

https://github.com/aws/amazon-vpc-cni-k8s/blob/v1.20.0/docs/cni-proposal.md
"""

_SHELL = "/bin/sh"
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_OF_THE_MACHINE = ("bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr/bin", "usr/lib", "usr/lib64", "usr/libexec")
_ALSO_OF_THE_MACHINE = ("usr/sbin", "usr/share")
"""What images have of a distribution. Neither its settings nor anybody's files."""


def tool(name: str) -> str:
    """The path of a program of this system."""
    return find(name) or name


def link_name(address: str) -> str:
    """The name of the node's end of a pod's pair."""
    third, fourth = address.split(".")[2:]
    return f"pod{int(third):02x}{int(fourth):02x}"


def make_network(file: Path, address: str) -> tuple[str, ...]:
    """The command that makes a pod's network namespace, and leads its address there.

    The route wins over the one that makes every address local, since it is longer.

    Args:
        file: Holds the namespace.
        address: The pod's.
    """
    link, at = link_name(address), quote(str(file))
    inside = (
        f"ip address add {address}/32 dev eth0 && ip link set eth0 up"
        f" && ip route add {GATEWAY} dev eth0 scope link && ip route add default via {GATEWAY}"
        # As containerd 2 has it: any user may listen on any port.
        # https://github.com/containerd/containerd/blob/v2.1.0/docs/cri/config.md
        " && echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start"
    )
    script = (
        f"ip link delete {link} 2>/dev/null; set -e; echo 1 > /proc/sys/net/ipv4/ip_forward; : > {at};"
        f" unshare --net={at} ip link set lo up; ip link add {link} type veth peer name eth0 netns {at};"
        f" ip link set {link} up; ip route add unicast {address}/32 dev {link} src {OWN_ADDRESS} table local;"
        f" nsenter --net={at} {_SHELL} -c {quote(inside)}"
    )
    return (_SHELL, "-c", script)


def end_network(file: Path, address: str) -> tuple[str, ...]:
    """The command that takes a pod's network away."""
    at = quote(str(file))
    return (_SHELL, "-c", f"ip link delete {link_name(address)}; umount {at}; rm -f {at}")


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine that a container has at a path.

    Attributes:
        source: Here.
        target: There.
        read_only: Whether it is kept from writing.
    """

    source: Path
    target: str
    read_only: bool


def become(spec: Mapping[str, Any], container: Mapping[str, Any], image: Image) -> tuple[str, ...]:
    """What comes before a command to run it as whom, and with what rights, the security contexts say.

    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/

    Args:
        spec: The pod's.
        container: The container.
        image: Its image.

    Raises:
        PermissionError: It must not run as root, and would.
    """
    said: Mapping[str, Any] = {**part(spec, "securityContext"), **part(container, "securityContext")}
    user = int(said.get("runAsUser", image.user))
    if said.get("runAsNonRoot") and user == 0:
        raise PermissionError("container has runAsNonRoot and image will run as root")
    flags = ["--pdeathsig", "KILL"]  # it ends with whoever started it
    if user and maps(user):
        group = said.get("runAsGroup", image.user if user == image.user else 0)
        groups = f"--groups={said['fsGroup']}" if "fsGroup" in said else "--clear-groups"
        flags += [f"--reuid={user}", f"--regid={group}", groups]
    if "ALL" in part(said, "capabilities", "drop"):
        flags += ["--inh-caps=-all", "--bounding-set=-all"]
    if said.get("allowPrivilegeEscalation") is False:
        flags.append("--no-new-privs")
    return (tool("setpriv"), *flags, "--")


def enter(network: Path) -> tuple[str, ...]:
    """What comes before a shell script to run it in namespaces of a container's own; they end with their starter.

    Args:
        network: Holds the pod's network namespace.
    """
    place = (tool("nsenter"), f"--net={network}", "--")
    own = ("--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=KILL", "--propagation=private", "--")
    return (tool("setpriv"), "--pdeathsig", "KILL", "--", *place, tool("unshare"), *own)


def script(
    root: Path,
    etc: Path,
    image: Image,
    mounts: Sequence[Mount],
    *,
    host_name: str,
    working_directory: str,
    read_only: bool,
    command: Sequence[str],
) -> str:
    """The script that makes a container's file system and becomes its program.

    Args:
        root: An empty folder, on which its file system is mounted.
        etc: What is copied to its `/etc`.
        image: Its image.
        mounts: Its volumes.
        host_name: What it takes for its name.
        working_directory: Where its program runs; made if it is not there.
        read_only: Whether its own file system, without volumes, is kept from writing.
        command: Its program, with what comes before it.
    """
    lines = [
        f"PATH={quote(search_path())}",
        f"mount -t tmpfs -o mode=755 tmpfs {quote(str(root))}",
        f"cd {quote(str(root))}",
        "mkdir -p dev/shm etc home proc root run tmp usr/local/bin var/tmp",
        "chmod 1777 dev/shm tmp var/tmp",
        *_machine(),
        "mount -t proc proc proc || mount --rbind /proc proc",
        *(f": > dev/{one}; mount --bind /dev/{one} dev/{one}" for one in _DEVICES),
        "ln -s /proc/self/fd dev/fd; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr",
        f"cp -R {quote(str(etc))}/. etc/; cp /etc/ld.so.cache etc/ || :",
        *(line for target, source in image.binds.items() for line in _bind(Mount(source, target, read_only=True))),
        *(
            f"mkdir -p {quote(_inside(Path(at).parent))}; ln -sfn {quote(to)} {quote(_inside(at))}"
            for at, to in image.links.items()
        ),
        *(line for one in sorted(mounts, key=lambda one: one.target) for line in _bind(one)),
        *(
            line
            for trusts in image.trusts
            for line in _bind(Mount(etc / "ssl/certs/ca-certificates.crt", trusts, read_only=True))
        ),
        f"mkdir -p {quote(_inside(working_directory))}",
        f"echo {quote(host_name)} > /proc/sys/kernel/hostname",
        *(["mount -o remount,ro ."] if read_only else []),
    ]
    body = "\n".join(f"  {line}" for line in lines)
    chroot = (tool("chroot"), str(root), "/usr/bin/env", f"--chdir={working_directory}", *command)
    return f"set -e\n(\n{body}\n)\nunset OLDPWD PWD\nexec {join(chroot)}\n"


def _machine() -> Iterator[str]:
    """The distribution's programs and libraries, as this machine has them."""
    for name in (*_OF_THE_MACHINE, *_ALSO_OF_THE_MACHINE):
        here = Path("/", name)
        if here.is_symlink():
            yield f"ln -s {quote(str(here.readlink()))} {name}"
        elif here.is_dir():
            yield f"mkdir -p {name}; mount --rbind -o ro /{name} {name}"


def _bind(mount: Mount) -> Iterator[str]:
    source, target = quote(str(mount.source)), quote(_inside(mount.target))
    if mount.source.is_dir():
        yield f"mkdir -p {target}"
    else:
        yield f"mkdir -p {quote(_inside(Path(mount.target).parent))}; [ -e {target} ] || : > {target}"
    yield f"mount --bind {'-o ro ' if mount.read_only else ''}{source} {target}"


def _inside(path: str | Path) -> str:
    return f"./{str(path).lstrip('/')}"
