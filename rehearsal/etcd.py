"""Client of a rehearsal's etcd, through its JSON gateway.

https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, cast

import urllib3

from rehearsal import certificates, ports
from rehearsal.layout import Layout
from rehearsal.ports import LOOPBACK

KEYS_AT_ONCE = 100
"""Deletes in one transaction; etcd's default `--max-txn-ops` is 128."""

SECONDS_TO_ANSWER = 30.0


class Etcd:
    """The keys in the etcd of a control plane, whose ports and certificates exist.

    The methods raise `urllib3.exceptions.HTTPError` if etcd does not answer, or answers with an error.
    """

    def __init__(self, layout: Layout) -> None:
        self._url = f"https://{LOOPBACK}:{ports.ensure(layout.control_plane / 'ports.json').etcd}/v3/kv"
        self._pool = certificates.ensure(layout.control_plane / "pki").caller("etcd")

    def keys(self, prefix: str) -> list[str]:
        """All keys with a prefix, which must not be empty."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        found = self._call("range", {"key": _encoded(prefix), "range_end": _encoded(end), "keys_only": True})
        return [base64.b64decode(entry["key"]).decode() for entry in found.get("kvs", [])]

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes keys; a missing one is no error."""
        requests = [{"requestDeleteRange": {"key": _encoded(key)}} for key in keys]
        for start in range(0, len(requests), KEYS_AT_ONCE):
            self._call("txn", {"success": requests[start : start + KEYS_AT_ONCE]})

    def _call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._pool.request("POST", f"{self._url}/{operation}", json=body, timeout=SECONDS_TO_ANSWER)
        if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise urllib3.exceptions.HTTPError(f"etcd answers {operation} with {answer.status}: {answer.data!r}")
        return cast("dict[str, Any]", answer.json())


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
