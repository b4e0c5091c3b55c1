"""The cluster that a provider's configuration names."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from rehearsal.errors import RehearsalError


@dataclass(frozen=True)
class Connection:
    """How to reach an API server.

    Attributes:
        server: URL.
        authority: Certificates to trust, PEM; None for those of the system.
        certificate: Client certificate, PEM; None without.
        key: Its private key, PEM.
        token: Bearer token; None without.
        verify: Whether to check the server's certificate.
        namespace: Namespace of the context.
    """

    server: str
    authority: bytes | None
    certificate: bytes | None
    key: bytes | None
    token: str | None
    verify: bool
    namespace: str | None


def load(path_or_text: str) -> dict[str, Any]:
    """A kubeconfig, from its text or from the file that a path names.

    Raises:
        RehearsalError: It cannot be read, or is none.
    """
    text = path_or_text
    if "\n" not in text and not text.lstrip().startswith("{"):
        try:
            text = Path(text).expanduser().read_text()
        except OSError as error:
            raise RehearsalError(
                f"the kubeconfig {path_or_text} cannot be read: {error.strerror}",
                remedy="Give the provider a kubeconfig's text, or the path of one.",
            ) from None
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _unusable(f"it is no YAML: {error}") from None
    if not isinstance(parsed, dict):
        raise _unusable("it is no mapping")
    return cast("dict[str, Any]", parsed)


def connection(kubeconfig: Mapping[str, Any], *, context: str | None = None, cluster: str | None = None) -> Connection:
    """The connection that a kubeconfig's context means.

    Args:
        kubeconfig: As loaded.
        context: Context to use instead of the current one.
        cluster: Cluster to use instead of the context's.

    Raises:
        RehearsalError: The kubeconfig has no such context, cluster or user, or a way to log in that is not known here.
    """
    name = context or kubeconfig.get("current-context")
    chosen = _entry(kubeconfig, "context", name)
    target = _entry(kubeconfig, "cluster", cluster or chosen.get("cluster"))
    user = _entry(kubeconfig, "user", chosen["user"]) if chosen.get("user") else {}
    if "exec" in user or "auth-provider" in user:
        raise RehearsalError(
            f"user {chosen['user']} of the kubeconfig logs in with a command, which the stand-in does not run",
            remedy="Use the rehearsal's own kubeconfig, or install the real kubernetes plugin: "
            "pulumi plugin install resource kubernetes",
        )
    if not target.get("server"):
        raise _unusable(f"cluster {chosen.get('cluster')} has no server")
    return Connection(
        server=str(target["server"]).rstrip("/"),
        authority=_pem(target, "certificate-authority"),
        certificate=_pem(user, "client-certificate"),
        key=_pem(user, "client-key"),
        token=user.get("token"),
        verify=not target.get("insecure-skip-tls-verify", False),
        namespace=chosen.get("namespace"),
    )


def active_cluster(kubeconfig: Mapping[str, Any], *, context: str | None, cluster: str | None) -> Any:
    """The cluster entry in use, to compare with another configuration's; None where none can be found."""
    try:
        chosen = _entry(kubeconfig, "context", context or kubeconfig.get("current-context"))
        return _entry(kubeconfig, "cluster", cluster or chosen.get("cluster"))
    except RehearsalError:
        return None


def _entry(kubeconfig: Mapping[str, Any], kind: str, name: Any) -> dict[str, Any]:
    if not name:
        raise _unusable(f"it names no {kind}")
    for entry in kubeconfig.get(f"{kind}s") or ():
        if entry.get("name") == name:
            return entry.get(kind) or {}
    raise _unusable(f"it has no {kind} {name}")


def _pem(entry: Mapping[str, Any], field: str) -> bytes | None:
    if data := entry.get(f"{field}-data"):
        try:
            return base64.b64decode(str(data), validate=True)
        except binascii.Error:
            raise _unusable(f"{field}-data is no base64") from None
    if path := entry.get(field):
        try:
            return Path(str(path)).read_bytes()
        except OSError as error:
            raise _unusable(f"{field} {path} cannot be read: {error.strerror}") from None
    return None


def _unusable(problem: str) -> RehearsalError:
    return RehearsalError(
        f"the kubernetes provider's kubeconfig cannot be used: {problem}",
        remedy="Give the provider the kubeconfig of a cluster that runs; a rehearsal's is .rehearsal/STACK/kubeconfig.",
    )
