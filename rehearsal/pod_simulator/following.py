"""Keeps what a program knows of the cluster as the API server has it."""

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
"""After this a list is taken anew: it shows what went while no watch was there to tell."""

_PAUSE = 0.5
"""Seconds before an API server that did not answer is asked again."""


@dataclass(frozen=True)
class Kind:
    """A kind that is watched, and where what is seen of it goes.

    Attributes:
        name: Of `v1`.
        take: Gets an object that is new or has changed.
        drop: Gets the key of one that is gone.
        keep: Gets the keys of all that there are.
    """

    name: str
    take: Callable[[KubernetesObject], None]
    drop: Callable[[Key], None]
    keep: Callable[[Iterable[Key]], None]


def follow(api: KubernetesApi, kinds: Sequence[Kind], loop: asyncio.AbstractEventLoop) -> None:
    """Begins to follow, in threads of its own; all changes of the cluster's picture are made in the loop's thread."""
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
