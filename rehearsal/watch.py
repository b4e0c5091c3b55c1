"""Watches of the API server, for programs with an asyncio event loop."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject

Key: TypeAlias = tuple[str, str]
"""Namespace, empty for objects outside namespaces, and name."""

Handler: TypeAlias = Callable[[Key, KubernetesObject | None], None]
"""Handles an added or modified object; None for a deleted one, which it may not know."""

_WATCH_SECONDS = 30
"""Seconds that a watch lasts. Each begins with a list, which shows what was deleted between two watches."""

_PAUSE = 0.5
"""Seconds before a list or watch that failed or ended at once is repeated."""


def start(
    api: KubernetesApi, kind: str, handler: Handler, loop: asyncio.AbstractEventLoop, *, version: str = "v1"
) -> None:
    """Starts a watch of a kind in a thread of its own; the handler runs in the loop's thread."""
    threading.Thread(target=_watch, args=(api, version, kind, handler, loop), daemon=True).start()


def _watch(api: KubernetesApi, version: str, kind: str, handler: Handler, loop: asyncio.AbstractEventLoop) -> None:
    known: set[Key] = set()
    while True:
        try:
            existing = {_key(body) for body in api.list(version, kind)}
            for deleted in known - existing:
                loop.call_soon_threadsafe(handler, deleted, None)
            known, began = existing, time.monotonic()
            for event, body in api.watch(version, kind, timeout=_WATCH_SECONDS):
                key, is_deleted = _key(body), event == "DELETED"
                known = known - {key} if is_deleted else known | {key}
                loop.call_soon_threadsafe(handler, key, None if is_deleted else body)
            time.sleep(max(0.0, began + _PAUSE - time.monotonic()))
        except KubernetesApiError as error:
            sys.stderr.write(f"The API server does not answer: {error}\n")
            time.sleep(_PAUSE)


def _key(body: KubernetesObject) -> Key:
    return str(body["metadata"].get("namespace", "")), str(body["metadata"]["name"])
