"""What a kubelet puts into a container's file system: volumes of small files, and who answers to which name.

https://kubernetes.io/docs/concepts/storage/projected-volumes/
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from rehearsal.kubelet.environment import MissingError, Objects, content, field, part, resource
from release.kubernetes_api import KubernetesObject

Token: TypeAlias = tuple[str, int]
"""Audience (empty for the API server) and lifetime in seconds of a service account's token."""

Files: TypeAlias = Mapping[str, tuple[bytes, int]]
"""Content and mode by relative path."""

DEFAULT_MODE = 0o644
CLUSTER_DOMAIN = "cluster.local"
VPC_RESOLVER = "169.254.169.253"
"""The VPC's DNS server under the address that it has in every VPC.

https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
"""

KINDS = ("secret", "configMap", "downwardAPI", "projected")
"""The volumes that are files of ours."""


def token_requests(pod: KubernetesObject) -> set[Token]:
    """The tokens that the pod's volumes ask for."""
    return {_token(source["serviceAccountToken"]) for source in _sources(pod) if "serviceAccountToken" in source}


def _token(source: Mapping[str, Any]) -> Token:
    return source.get("audience") or "", int(source.get("expirationSeconds") or 3600)


def _sources(pod: KubernetesObject) -> Iterator[Mapping[str, Any]]:
    for volume in pod["spec"].get("volumes") or ():
        yield from part(volume, "projected", "sources")


def files(
    volume: Mapping[str, Any], pod: KubernetesObject, objects: Objects, tokens: Mapping[Token, str]
) -> dict[str, tuple[bytes, int]]:
    """The files of a volume of `KINDS`.

    Args:
        volume: The volume.
        pod: Its pod, with addresses in its status.
        objects: What its references lead to.
        tokens: What `token_requests` asks for.

    Raises:
        MissingError: It refers to what is not there.
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
        return {item["path"]: (_downward(item, pod).encode(), int(item.get("mode") or default)) for item in items}
    raise MissingError(f"a projection of {', '.join(source)} is not to be had in a rehearsal")


def _keys(source: Mapping[str, Any], kind: str, objects: Objects, default: int) -> dict[str, tuple[bytes, int]]:
    optional = bool(source.get("optional"))
    found = content(objects, kind, source.get("secretName") or source["name"], optional=optional)
    items: list[Mapping[str, Any]] = source.get("items") or [{"key": key, "path": key} for key in found]
    missing = [item["key"] for item in items if item["key"] not in found]
    if missing and not optional:
        raise MissingError(f"references non-existent {kind.lower()} key: {missing[0]}")
    there = [item for item in items if item["key"] in found]
    return {item["path"]: (found[item["key"]], int(item.get("mode") or default)) for item in there}


def _downward(item: Mapping[str, Any], pod: KubernetesObject) -> str:
    if "fieldRef" in item:
        return field(pod, item["fieldRef"]["fieldPath"])
    named = item["resourceFieldRef"]
    (container,) = (one for one in pod["spec"]["containers"] if one["name"] == named["containerName"])
    return resource(named, container)


@dataclass(frozen=True)
class Owner:
    """Whose files are, where this system lets us give any away.

    Attributes:
        group: The pod's `fsGroup`, or None.
    """

    group: int | None

    def take(self, path: Path, mode: int) -> None:
        """Sets mode and group as a kubelet does: the group may read what it is given.

        https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
        """
        if self.group is None or not maps(self.group):
            path.chmod(mode)
            return
        os.chown(path, -1, self.group)
        path.chmod(mode | (0o2770 if path.is_dir() else 0o440))


def maps(user: int) -> bool:
    """Whether this system has a user of this id: in a user namespace of ours there is only root."""
    ranges = (line.split() for line in Path("/proc/self/uid_map").read_text().splitlines())
    return any(int(first) <= user < int(first) + int(count) for first, _, count in ranges)


def write(folder: Path, wanted: Files, owner: Owner) -> bool:
    """Makes the folder's files exactly these, all at once: who reads one sees the old ones or the new ones.

    https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter

    Returns:
        Whether something was changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "..data"
    current = (
        {
            str(file.relative_to(link.resolve())): file.read_bytes()
            for file in link.resolve().rglob("*")
            if file.is_file()
        }
        if link.exists()
        else None
    )
    if current == {path: data for path, (data, _) in wanted.items()}:
        return False
    fresh, before = Path(tempfile.mkdtemp(prefix="..", dir=folder)), link.resolve() if current is not None else None
    owner.take(fresh, 0o755)
    for path, (data, mode) in wanted.items():
        (fresh / path).parent.mkdir(parents=True, exist_ok=True)
        (fresh / path).write_bytes(data)
        owner.take(fresh / path, mode)
    draft = folder / "..data_tmp"
    draft.symlink_to(fresh.name)
    draft.replace(link)
    tops = {path.split("/")[0] for path in wanted}
    for stale in (one for one in folder.iterdir() if not one.name.startswith("..") and one.name not in tops):
        stale.unlink()
    for top in tops:
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(f"..data/{top}")
    if before is not None:
        shutil.rmtree(before)
    return True


def resolv_conf(pod: KubernetesObject, *, cluster_dns: str, node_domain: str) -> str:
    """`/etc/resolv.conf` by the pod's `dnsPolicy` and `dnsConfig`.

    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy

    Args:
        pod: The pod.
        cluster_dns: The address that EKS tells its kubelets: the Service `kube-dns`.
        node_domain: The domain of the node's own name, which is what the VPC's DHCP options search.
    """
    spec = pod["spec"]
    policy: str = spec.get("dnsPolicy") or "ClusterFirst"
    if policy == "ClusterFirst" and spec.get("hostNetwork"):
        policy = "Default"
    nameservers, search, options = [VPC_RESOLVER], [node_domain], dict[str, str | None]()
    if policy.startswith("ClusterFirst"):
        domain, namespace = CLUSTER_DOMAIN, pod["metadata"]["namespace"]
        nameservers, options = [cluster_dns], {"ndots": "5"}
        search = [f"{namespace}.svc.{domain}", f"svc.{domain}", domain, node_domain]
    elif policy == "None":
        nameservers, search = [], []
    more: Mapping[str, Any] = spec.get("dnsConfig") or {}
    nameservers = list(dict.fromkeys([*nameservers, *(more.get("nameservers") or ())]))
    search = list(dict.fromkeys([*search, *(more.get("searches") or ())]))
    options |= {one["name"]: one.get("value") for one in more.get("options") or ()}
    lines = [
        f"search {' '.join(search)}" if search else "",
        *(f"nameserver {one}" for one in nameservers),
        f"options {' '.join(name if value is None else f'{name}:{value}' for name, value in options.items())}"
        if options
        else "",
    ]
    return "".join(f"{line}\n" for line in lines if line)


def hosts(pod: KubernetesObject, address: str) -> str:
    """`/etc/hosts` of a pod.

    https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/
    """
    aliases: Sequence[Mapping[str, Any]] = pod["spec"].get("hostAliases") or ()
    lines = [
        "# Kubernetes-managed hosts file.",
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        f"{address}\t{host_name(pod)}",
        *("\t".join((alias["ip"], *alias["hostnames"])) for alias in aliases),
    ]
    return "\n".join(lines) + "\n"


def host_name(pod: KubernetesObject) -> str:
    """What a pod takes for its own name."""
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63]
