"""Commands that make a pod's network and a container's namespaces, file system and privileges.

Each pod has a network namespace, each container mount, UTS, IPC and PID namespaces. Without root all of them are in a
user namespace, in which only the id of root is mapped: all containers run as it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join, quote
from typing import Any

from rehearsal.kubelet.environment import part
from rehearsal.kubelet.images import Image
from rehearsal.network.enter import search_path, tool
from rehearsal.network.namespace import OWN_ADDRESS

GATEWAY = "169.254.1.1"
"""Default gateway of pods, as with the VPC CNI; the node's end of the veth pair answers ARP requests for it.

https://github.com/aws/amazon-vpc-cni-k8s/blob/v1.20.0/docs/cni-proposal.md
"""

_SHELL = "/bin/sh"
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_OF_THE_MACHINE = ("bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr/bin", "usr/lib", "usr/lib64", "usr/libexec")
_ALSO_OF_THE_MACHINE = ("usr/sbin", "usr/share")
"""Folders of this machine that containers see, as the distribution of their image: no configuration, no data."""


def link_name(address: str) -> str:
    """Name of the node's end of a pod's veth pair."""
    third, fourth = address.split(".")[2:]
    return f"pod{int(third):02x}{int(fourth):02x}"


def make_network(file: Path, address: str) -> tuple[str, ...]:
    """The command that makes a pod's network namespace, mounted on a file, and the route to it.

    The route has a longer prefix than the one that makes every address local, and so takes precedence.
    """
    link, at = link_name(address), quote(str(file))
    inside = (
        f"ip address add {address}/32 dev eth0 && ip link set eth0 up"
        f" && ip route add {GATEWAY} dev eth0 scope link && ip route add default via {GATEWAY}"
        # As in containerd 2, any user may listen on any port.
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
    """The command that removes a pod's network namespace."""
    at = quote(str(file))
    return (_SHELL, "-c", f"ip link delete {link_name(address)}; umount {at}; rm -f {at}")


@dataclass(frozen=True)
class Mount:
    """A bind mount of a file or folder of this machine into a container."""

    source: Path
    target: str
    read_only: bool


def become(spec: Mapping[str, Any], container: Mapping[str, Any], image: Image) -> tuple[str, ...]:
    """The command prefix that applies the security contexts: user, groups, capabilities.

    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/

    Raises:
        PermissionError: It would run as root in spite of `runAsNonRoot`.
    """
    context: Mapping[str, Any] = {**part(spec, "securityContext"), **part(container, "securityContext")}
    user = int(context.get("runAsUser", image.user))
    if context.get("runAsNonRoot") and user == 0:
        raise PermissionError("container has runAsNonRoot and image will run as root")
    flags = ["--pdeathsig", "KILL"]  # ends with its parent process
    if user and maps(user):
        group = context.get("runAsGroup", image.user if user == image.user else 0)
        groups = f"--groups={context['fsGroup']}" if "fsGroup" in context else "--clear-groups"
        flags += [f"--reuid={user}", f"--regid={group}", groups]
    if "ALL" in part(context, "capabilities", "drop"):
        flags += ["--inh-caps=-all", "--bounding-set=-all"]
    if context.get("allowPrivilegeEscalation") is False:
        flags.append("--no-new-privs")
    return (tool("setpriv"), *flags, "--")


def maps(user: int) -> bool:
    """Whether this user id is mapped in the user namespace; without root, it has the id of root only."""
    ranges = (line.split() for line in Path("/proc/self/uid_map").read_text().splitlines())
    return any(int(first) <= user < int(first) + int(count) for first, _, count in ranges)


def enter(network: Path) -> tuple[str, ...]:
    """The command prefix that runs a shell script in a container's namespaces; it ends with its parent process."""
    place = (tool("nsenter"), f"--net={network}", "--")
    own = ("--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=KILL", "--propagation=private", "--")
    return (tool("setpriv"), "--pdeathsig", "KILL", "--", *place, tool("unshare"), *own)


def script(
    root: Path,
    etc: Path,
    image: Image,
    container: Mapping[str, Any],
    *,
    mounts: Sequence[Mount],
    host_name: str,
    command: Sequence[str],
) -> str:
    """The shell script that makes a container's file system and then executes its command.

    The file system is mounted on the empty folder `root`; `etc` is copied to its `/etc`. A read-only root file system
    does not affect `mounts`, its volumes. `command` has the prefix of `become`.
    """
    working_directory = container.get("workingDir") or image.working_directory
    image_mounts = [Mount(source, target, read_only=True) for target, source in image.binds.items()]
    ca_bundles = [Mount(etc / "ssl/certs/ca-certificates.crt", path, read_only=True) for path in image.trusts]
    lines = [
        f"PATH={quote(search_path())}",
        f"mount -t tmpfs -o mode=755 tmpfs {quote(str(root))}",
        f"cd {quote(str(root))}",
        "mkdir -p dev/shm etc home proc root run tmp usr/local/bin var/tmp",
        "chmod 1777 dev/shm tmp var/tmp",
        *_machine(),
        "mount -t proc proc proc || mount --rbind /proc proc",
        *(f": > dev/{device}; mount --bind /dev/{device} dev/{device}" for device in _DEVICES),
        "ln -s /proc/self/fd dev/fd; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr",
        f"cp -R {quote(str(etc))}/. etc/; cp /etc/ld.so.cache etc/ || :",
        *map(_bind, image_mounts),
        *(
            f"mkdir -p {quote(_inside(Path(link).parent))}; ln -sfn {quote(target)} {quote(_inside(link))}"
            for link, target in image.links.items()
        ),
        *map(_bind, sorted(mounts, key=lambda mount: mount.target)),
        *map(_bind, ca_bundles),
        f"mkdir -p {quote(_inside(working_directory))}",
        f"echo {quote(host_name)} > /proc/sys/kernel/hostname",
    ]
    if part(container, "securityContext").get("readOnlyRootFilesystem"):
        lines.append("mount -o remount,ro .")
    body = "\n".join(f"  {line}" for line in lines)
    chroot = (tool("chroot"), str(root), "/usr/bin/env", f"--chdir={working_directory}", *command)
    return f"set -e\n(\n{body}\n)\nunset OLDPWD PWD\nexec {join(chroot)}\n"


def _machine() -> Iterator[str]:
    """Lines that mount this machine's programs and libraries."""
    for name in (*_OF_THE_MACHINE, *_ALSO_OF_THE_MACHINE):
        here = Path("/", name)
        if here.is_symlink():
            yield f"ln -s {quote(str(here.readlink()))} {name}"
        elif here.is_dir():
            yield f"mkdir -p {name}; mount --rbind -o ro /{name} {name}"


def _bind(mount: Mount) -> str:
    source, target = quote(str(mount.source)), quote(_inside(mount.target))
    create = f"mkdir -p {target}"
    if not mount.source.is_dir():
        create = f"mkdir -p {quote(_inside(Path(mount.target).parent))}; [ -e {target} ] || : > {target}"
    return f"{create}; mount --bind {'-o ro ' if mount.read_only else ''}{source} {target}"


def _inside(path: str | Path) -> str:
    return f"./{str(path).lstrip('/')}"
