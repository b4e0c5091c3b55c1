"""Files that a kubelet writes for containers: projected volumes, `/etc/resolv.conf`, `/etc/hosts`.

https://kubernetes.io/docs/concepts/storage/projected-volumes/
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from kube.client import KubernetesObject
from rehearsal.kubelet.environment import MissingError, Objects, content, field, part

Token: TypeAlias = tuple[str, int]
"""Audience (empty for the API server) and lifetime in seconds of a service account token."""

Files: TypeAlias = Mapping[str, tuple[bytes, int]]
"""Content and mode by relative path."""

DEFAULT_MODE = 0o644
CLUSTER_DOMAIN, CLUSTER_DNS = "cluster.local", "172.20.0.10"
"""Kubelet settings on EKS; the DNS server is the tenth address of the Service CIDR."""

VPC_RESOLVER = "169.254.169.253"
"""Address of the DNS server in every VPC.

https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
"""

KINDS = ("secret", "configMap", "projected")
"""Types of the volumes that `files` writes."""


def token_requests(pod: KubernetesObject) -> set[Token]:
    """The service account tokens that the pod's volumes request."""
    return {_token(source["serviceAccountToken"]) for source in _sources(pod) if "serviceAccountToken" in source}


def _token(source: Mapping[str, Any]) -> Token:
    return source.get("audience") or "", int(source.get("expirationSeconds") or 3600)


def _sources(pod: KubernetesObject) -> Iterator[Mapping[str, Any]]:
    for volume in pod["spec"].get("volumes") or ():
        yield from part(volume, "projected", "sources")


def files(
    volume: Mapping[str, Any], pod: KubernetesObject, objects: Objects, tokens: Mapping[Token, str]
) -> dict[str, tuple[bytes, int]]:
    """The files of a volume, which is one of `KINDS`.

    Args:
        volume: The volume.
        pod: Its pod, with its address in the status.
        objects: The objects that it refers to.
        tokens: The tokens of `token_requests`.

    Raises:
        MissingError: It refers to something that does not exist.
    """
    kind = next(kind for kind in KINDS if kind in volume)
    source: Mapping[str, Any] = volume[kind]
    default = int(source.get("defaultMode") or DEFAULT_MODE)
    parts = source.get("sources") or () if kind == "projected" else [{kind: source}]
    made: dict[str, tuple[bytes, int]] = {}
    for one in parts:
        made |= _part(one, pod, objects, tokens, default)
    return made


def _part(
    source: Mapping[str, Any], pod: KubernetesObject, objects: Objects, tokens: Mapping[Token, str], default: int
) -> dict[str, tuple[bytes, int]]:
    for key, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
        if key in source:
            return _keys(source[key], kind, objects, default)
    if "serviceAccountToken" in source:
        asked: Mapping[str, Any] = source["serviceAccountToken"]
        return {asked["path"]: (tokens[_token(asked)].encode(), default)}
    if "downwardAPI" in source:
        items: list[Mapping[str, Any]] = source["downwardAPI"].get("items") or []
        fields = ((item, field(pod, item["fieldRef"]["fieldPath"])) for item in items)
        return {item["path"]: (value.encode(), int(item.get("mode") or default)) for item, value in fields}
    return {}


def _keys(source: Mapping[str, Any], kind: str, objects: Objects, default: int) -> dict[str, tuple[bytes, int]]:
    optional = bool(source.get("optional"))
    found = content(objects, kind, source.get("secretName") or source["name"], optional=optional)
    items: list[Mapping[str, Any]] = source.get("items") or [{"key": key, "path": key} for key in found]
    missing = [item["key"] for item in items if item["key"] not in found]
    if missing and not optional:
        raise MissingError(f"references non-existent {kind.lower()} key: {missing[0]}")
    there = [item for item in items if item["key"] in found]
    return {item["path"]: (found[item["key"]], int(item.get("mode") or default)) for item in there}


def give(path: Path, mode: int, group: int | None) -> None:
    """Sets mode and group as a kubelet does for a pod's `fsGroup`; the mode only, where the group cannot be set.

    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
    """
    if group is None or not maps(group):
        path.chmod(mode)
        return
    os.chown(path, -1, group)
    path.chmod(mode | (0o2770 if path.is_dir() else 0o440))


def maps(user: int) -> bool:
    """Whether this user id is mapped in the user namespace; without root, it has the id of root only."""
    ranges = (line.split() for line in Path("/proc/self/uid_map").read_text().splitlines())
    return any(int(first) <= user < int(first) + int(count) for first, _, count in ranges)


def write(folder: Path, wanted: Files, group: int | None) -> bool:
    """Replaces the folder's files by these, atomically.

    https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter

    Returns:
        Whether a file has changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "..data"
    old = link.resolve() if link.exists() else None
    found = {str(file.relative_to(old)): file for file in old.rglob("*") if file.is_file()} if old else {}
    same = {path: file.read_bytes() for path, file in found.items()} == {path: wanted[path][0] for path in wanted}
    if old is not None and same:
        return False
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    give(fresh, 0o755, group)
    for path, (data, mode) in wanted.items():
        (fresh / path).parent.mkdir(parents=True, exist_ok=True)
        (fresh / path).write_bytes(data)
        give(fresh / path, mode, group)
    draft = folder / "..data_tmp"
    draft.symlink_to(fresh.name)
    draft.replace(link)
    tops = {path.split("/")[0] for path in wanted}
    for stale in (one for one in folder.iterdir() if not one.name.startswith("..") and one.name not in tops):
        stale.unlink()
    for top in tops:
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(f"..data/{top}")
    if old is not None:
        shutil.rmtree(old)
    return True


def resolv_conf(pod: KubernetesObject, node_domain: str) -> str:
    """`/etc/resolv.conf` by the pod's `dnsPolicy`.

    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy

    Args:
        pod: The pod.
        node_domain: Domain of the node's name: the search domain of the VPC's DHCP options.
    """
    if pod["spec"].get("dnsPolicy") == "Default":
        return f"search {node_domain}\nnameserver {VPC_RESOLVER}\n"
    domains = (f"{pod['metadata']['namespace']}.svc.{CLUSTER_DOMAIN}", f"svc.{CLUSTER_DOMAIN}", CLUSTER_DOMAIN)
    return f"search {' '.join((*domains, node_domain))}\nnameserver {CLUSTER_DNS}\noptions ndots:5\n"


def hosts(pod: KubernetesObject, address: str) -> str:
    """`/etc/hosts` of a pod; one with a `subdomain`, as a StatefulSet's pods have, has its full name, too.

    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-hostname-and-subdomain-fields
    https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/
    """
    name, subdomain = host_name(pod), pod["spec"].get("subdomain")
    full = f"{name}.{subdomain}.{pod['metadata']['namespace']}.svc.{CLUSTER_DOMAIN}\t" if subdomain else ""
    aliases = ["\t".join((alias["ip"], *alias["hostnames"])) for alias in pod["spec"].get("hostAliases") or ()]
    own = f"{address}\t{full}{name}"
    return "\n".join(("127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", own, *aliases)) + "\n"


def host_name(pod: KubernetesObject) -> str:
    """The host name that a pod's containers see: `spec.hostname`, else the pod's name."""
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63]
