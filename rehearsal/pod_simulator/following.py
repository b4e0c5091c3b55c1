"""Watches of the API server, for programs with an asyncio event loop."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal.pod_simulator.cluster import Key

_WATCH_SECONDS = 30
"""Seconds that a watch lasts. Each begins with a list, which shows what was deleted between two watches."""

_PAUSE = 0.5
"""Seconds before a failed list or watch is repeated."""


@dataclass(frozen=True)
class Kind:
    """A watched kind, and its callbacks.

    Attributes:
        name: Kind of API version `v1`.
        take: Called with an added or modified object.
        drop: Called with the key of a deleted object.
        keep: Called with the keys of all existing objects.
    """

    name: str
    take: Callable[[KubernetesObject], None]
    drop: Callable[[Key], None]
    keep: Callable[[Iterable[Key]], None]


def follow(api: KubernetesApi, kinds: Sequence[Kind], loop: asyncio.AbstractEventLoop) -> None:
    """Starts a watch of each kind in a thread of its own; callbacks run in the loop's thread."""
    for kind in kinds:
        threading.Thread(target=_watch, args=(api, kind, loop), daemon=True).start()


def _watch(api: KubernetesApi, kind: Kind, loop: asyncio.AbstractEventLoop) -> None:
    while True:
        try:
            loop.call_soon_threadsafe(kind.keep, [_key(one) for one in api.list("v1", kind.name)])
            for event, body in api.watch("v1", kind.name, timeout=_WATCH_SECONDS):
                if event == "DELETED":
                    loop.call_soon_threadsafe(kind.drop, _key(body))
                else:
                    loop.call_soon_threadsafe(kind.take, body)
        except KubernetesApiError as error:
            sys.stderr.write(f"The API server does not answer: {error}\n")
            time.sleep(_PAUSE)


def _key(body: KubernetesObject) -> Key:
    return str(body["metadata"]["namespace"]), str(body["metadata"]["name"])
