"""Certificates of a local control plane: a CA of its own, and the certificates of its servers and clients.

https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import urllib3
import yaml

from rehearsal.errors import RehearsalError

LIFETIME = timedelta(days=3650)
"""Validity of a certificate. Certificates are never renewed, and a rehearsal may be restarted after a long time."""

_LOOPBACK = ("127.0.0.1", "localhost")

_API_SERVER = (
    *_LOOPBACK,
    # Addresses and names by which pods call it: the Service `kubernetes`, and the endpoint behind it.
    "172.20.0.1",
    "198.18.0.1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)

_GROUPS: dict[str, str] = dict.fromkeys(("kubernetes-admin", "kwok", "kubelet", "eks:node-manager"), "system:masters")
"""Kubernetes groups by user. kwok and the kubelet each act for all nodes, which the node authorizer cannot allow; what
EKS may do is EKS' own affair."""

_USERS = {
    "server": "kube-apiserver",
    "etcd": "etcd",
    "admin": "kubernetes-admin",
    "controller-manager": "system:kube-controller-manager",
    "scheduler": "system:kube-scheduler",
    "aws": "amazonaws.com",
    "kwok": "kwok",
    "kubelet": "kubelet",
    "node-manager": "eks:node-manager",  # https://docs.aws.amazon.com/eks/latest/userguide/default-roles-users.html
    "front-proxy": "front-proxy-client",
    "kube-proxy": "system:kube-proxy",
    "service-account": "nobody",  # not a user: its key signs service account tokens
}

NAMES = tuple(_USERS)
"""Names of the certificates."""


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """The certificate files of a control plane, all in one folder."""

    directory: Path

    @property
    def authority(self) -> Path:
        """The CA certificate."""
        return self.directory / "ca.crt"

    def of(self, name: str) -> KeyPair:
        """The key pair of one of `NAMES`."""
        return KeyPair(self.directory / f"{name}.crt", self.directory / f"{name}.key")

    def caller(self, name: str) -> urllib3.PoolManager:
        """An HTTPS client that authenticates as one of `NAMES`."""
        pair = self.of(name)
        return urllib3.PoolManager(
            ca_certs=str(self.authority), cert_file=str(pair.certificate), key_file=str(pair.key)
        )

    def write_kubeconfig(self, file: Path, *, client: str, cluster: str, server: str) -> None:
        """Writes a self-contained kubeconfig for one of `NAMES`, atomically, with mode 0600."""
        pair = self.of(client)
        user = {"client-certificate-data": _inline(pair.certificate), "client-key-data": _inline(pair.key)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": cluster, "cluster": {"server": server, "certificate-authority-data": _inline(self.authority)}}
            ],
            "users": [{"name": client, "user": user}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": client}}],
            "current-context": cluster,
        }
        draft = file.with_name(f"{file.name}.draft")
        draft.unlink(missing_ok=True)
        _write_secret(draft, yaml.safe_dump(content, sort_keys=False).encode())
        draft.replace(file)


def ensure(directory: Path) -> Certificates:
    """The certificates in a folder, created by the first call, atomically. Keys have mode 0600.

    Raises:
        RehearsalError: An older version made them, and some are missing; the CA's key, which could sign them, is not
            kept.
    """
    if not directory.exists():
        draft = directory.with_name(f"{directory.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        _make(Certificates(draft))
        draft.rename(directory)
    certificates = Certificates(directory)
    missing = [name for name in NAMES if not certificates.of(name).key.exists()]
    if missing:
        raise RehearsalError(
            f"The certificates in {directory} were made by an older version: there is none for {', '.join(missing)}.",
            remedy="take the rehearsal down with that version of the project, then bring it up with this one.",
        )
    return certificates


def _make(files: Certificates) -> None:
    import trustme  # noqa: PLC0415 - slow to import, and rarely needed

    authority = trustme.CA(organization_name="rehearsal")
    files.authority.write_bytes(authority.cert_pem.bytes())
    # etcd's gRPC gateway and the API server call etcd with etcd's own certificate.
    hosts: dict[str, Sequence[str]] = {"server": _API_SERVER, "etcd": _LOOPBACK, "aws": _aws_hosts()}
    for name, user in _USERS.items():
        issued = authority.issue_cert(
            # Go refuses a certificate without a DNS name: a client gets a reserved one (RFC 2606).
            *hosts.get(name, (f"{name}.invalid",)),
            common_name=user,
            organization_name=_GROUPS.get(user, "rehearsal"),
            not_after=datetime.now(UTC) + LIFETIME,
        )
        pair = files.of(name)
        pair.certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        _write_secret(pair.key, issued.private_key_pem.bytes())


def _aws_hosts() -> Sequence[str]:
    """DNS names of the AWS services in all regions, with wildcards."""
    # Slow to import, and rarely needed.
    import botocore.session  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    regions: list[str] = cast("Any", botocore.session.Session()).get_available_regions("ec2")
    everywhere = [f"*.{place}amazonaws.com" for place in ("", *(f"{one}." for one in regions))]
    return [*everywhere, *(f"*.s3.{one}.amazonaws.com" for one in regions)]


def _inline(file: Path) -> str:
    return b64encode(file.read_bytes()).decode()


def _write_secret(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
