"""Files that a kubelet writes for containers: projected volumes, `/etc/resolv.conf`, `/etc/hosts`.

https://kubernetes.io/docs/concepts/storage/projected-volumes/
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from kube.client import KubernetesObject
from rehearsal.kubelet.environment import MissingError, Objects, content, field
from rehearsal.kubelet.sandbox import maps

Tokens: TypeAlias = Callable[[str, int], str]
"""Gets a service account token by audience (empty for the API server) and lifetime in seconds."""

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
"""Types of the volumes that have `files`."""


def files(
    volume: Mapping[str, Any], pod: KubernetesObject, objects: Objects, tokens: Tokens
) -> dict[str, tuple[bytes, int]]:
    """The files of a volume, which is one of `KINDS`. The pod has its address in the status.

    Raises:
        MissingError: It refers to something that does not exist.
    """
    kind = next(kind for kind in KINDS if kind in volume)
    source: Mapping[str, Any] = volume[kind]
    default = int(source.get("defaultMode") or DEFAULT_MODE)
    parts = source.get("sources") or () if kind == "projected" else [{kind: source}]
    return {
        path: file for source in parts for path, file in _source_files(source, pod, objects, tokens, default).items()
    }


def _source_files(
    source: Mapping[str, Any], pod: KubernetesObject, objects: Objects, tokens: Tokens, default: int
) -> dict[str, tuple[bytes, int]]:
    for key, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
        if key in source:
            return _keys(source[key], kind, objects, default)
    if "serviceAccountToken" in source:
        request: Mapping[str, Any] = source["serviceAccountToken"]
        token = tokens(request.get("audience") or "", int(request.get("expirationSeconds") or 3600))
        return {request["path"]: (token.encode(), default)}
    if "downwardAPI" in source:
        items: list[Mapping[str, Any]] = source["downwardAPI"].get("items") or []
        fields = ((item, field(pod, item["fieldRef"]["fieldPath"])) for item in items)
        return {item["path"]: (value.encode(), int(item.get("mode") or default)) for item, value in fields}
    return {}


def _keys(source: Mapping[str, Any], kind: str, objects: Objects, default: int) -> dict[str, tuple[bytes, int]]:
    optional = bool(source.get("optional"))
    data = content(objects, kind, source.get("secretName") or source["name"], optional=optional)
    items: list[Mapping[str, Any]] = source.get("items") or [{"key": key, "path": key} for key in data]
    missing = [item["key"] for item in items if item["key"] not in data]
    if missing and not optional:
        raise MissingError(f"references non-existent {kind.lower()} key: {missing[0]}")
    return {
        item["path"]: (data[item["key"]], int(item.get("mode") or default)) for item in items if item["key"] in data
    }


def give(path: Path, mode: int, group: int | None) -> None:
    """Sets mode and group as a kubelet does for a pod's `fsGroup`; the mode only, where the group cannot be set.

    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
    """
    if group is None or not maps(group):
        path.chmod(mode)
        return
    os.chown(path, -1, group)
    path.chmod(mode | (0o2770 if path.is_dir() else 0o440))


def write(folder: Path, files: Files, group: int | None) -> None:
    """Replaces the folder's files by these, atomically; does nothing if none has changed.

    https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
    """
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "..data"
    old = link.resolve() if link.exists() else None
    if old is not None:
        written = {str(file.relative_to(old)): file.read_bytes() for file in old.rglob("*") if file.is_file()}
        if written == {path: data for path, (data, _) in files.items()}:
            return
    new = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    give(new, 0o755, group)
    for path, (data, mode) in files.items():
        (new / path).parent.mkdir(parents=True, exist_ok=True)
        (new / path).write_bytes(data)
        give(new / path, mode, group)
    new_link = folder / "..data_tmp"
    new_link.symlink_to(new.name)
    new_link.replace(link)
    names = {path.split("/")[0] for path in files}
    existing = {file.name for file in folder.iterdir() if not file.name.startswith("..")}
    for name in existing - names:
        (folder / name).unlink()
    for name in names - existing:
        (folder / name).symlink_to(f"..data/{name}")
    if old is not None:
        shutil.rmtree(old)


def resolv_conf(pod: KubernetesObject, node_domain: str) -> str:
    """`/etc/resolv.conf` by the pod's `dnsPolicy`; the node's domain is that of the VPC's DHCP options.

    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
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
