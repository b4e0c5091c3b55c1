"""Kubeconfigs that need no other file: the authority and the client's certificate are inside."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import yaml

from rehearsal.certificates import KeyPair


def kubeconfig(*, name: str, server: str, authority: Path, client: KeyPair) -> dict[str, Any]:
    """A kubeconfig of one context.

    Args:
        name: Of its cluster and context.
        server: The API server's URL.
        authority: Certificate (PEM) that the API server's is checked against.
        client: Whom the API server shall take the caller for.
    """
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": _inline(authority)}}],
        "users": [
            {
                "name": client.certificate.stem,
                "user": {
                    "client-certificate-data": _inline(client.certificate),
                    "client-key-data": _inline(client.key),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": client.certificate.stem}}],
        "current-context": name,
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Writes a kubeconfig that only its owner can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(yaml.safe_dump(content, sort_keys=False))
    draft.replace(path)


def _inline(file: Path) -> str:
    return b64encode(file.read_bytes()).decode()
