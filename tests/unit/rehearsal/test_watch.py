"""A watch reports each object that exists or changes, and those deleted while nothing was watched."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kube.client import KubernetesApi, KubernetesApiError
from rehearsal import watch


def pod(name: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "dev", "name": name}}


class Api:
    """An API server that fails once, and whose pod `old` is deleted between two watches."""

    lists: Iterator[list[dict[str, Any]] | None] = iter([None, [pod("old"), pod("kept")], [pod("kept")]])
    watches: Iterator[list[tuple[str, dict[str, Any]]]] = iter(
        [[("ADDED", pod("old")), ("ADDED", pod("kept")), ("DELETED", pod("late"))], [("MODIFIED", pod("kept"))]]
    )

    def list(self, *_: str) -> list[dict[str, Any]]:
        """All pods."""
        if (objects := next(self.lists, ())) == ():
            threading.Event().wait()  # a daemon thread ends with its process
        if not objects:
            raise KubernetesApiError("refused", status=0, reason="Unreachable")
        return [*objects]

    def watch(self, *_: str, timeout: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """The events of one watch."""
        assert timeout
        return iter(next(self.watches))


def test_each_change_is_handled_and_what_was_deleted_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.watch._PAUSE", 0)

    async def changes(count: int) -> list[tuple[str, bool]]:
        queue: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

        def handle(key: watch.Key, body: dict[str, Any] | None) -> None:
            queue.put_nowait((key[1], body is not None))

        watch.start(cast("KubernetesApi", Api()), "Pod", handle, asyncio.get_running_loop())
        return [await asyncio.wait_for(queue.get(), 10) for _ in range(count)]

    assert asyncio.run(changes(5)) == [("old", True), ("kept", True), ("late", False), ("old", False), ("kept", True)]


def test_objects_outside_namespaces_of_any_api_version_are_watched_too() -> None:
    storage_class = {"metadata": {"name": "gp3"}}

    def existing(version: str, kind: str) -> list[dict[str, Any]]:
        assert (version, kind) == ("storage.k8s.io/v1", "StorageClass")
        return [storage_class]

    def events(version: str, kind: str, **_: int) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from (("ADDED", one) for one in existing(version, kind))
        threading.Event().wait()

    async def first() -> watch.Key:
        keys: asyncio.Queue[watch.Key] = asyncio.Queue()
        api = cast("KubernetesApi", SimpleNamespace(list=existing, watch=events))
        loop = asyncio.get_running_loop()
        watch.start(api, "StorageClass", lambda key, _: keys.put_nowait(key), loop, version="storage.k8s.io/v1")
        return await asyncio.wait_for(keys.get(), 10)

    assert asyncio.run(first()) == ("", "gp3")


def test_a_watch_that_ends_at_once_begins_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    pause, looks, enough = 0.05, list[float](), threading.Event()
    monkeypatch.setattr("rehearsal.watch._PAUSE", pause)

    def existing(*_: str) -> list[dict[str, Any]]:
        looks.append(time.monotonic())
        if len(looks) == 4:
            enough.set()
            threading.Event().wait()
        return []

    def nothing(*_: str, **__: int) -> Iterator[tuple[str, dict[str, Any]]]:
        return iter(())

    api = cast("KubernetesApi", SimpleNamespace(list=existing, watch=nothing))
    watch.start(api, "Pod", handler=lambda _, __: None, loop=cast("asyncio.AbstractEventLoop", None))
    assert enough.wait(10)
    assert all(later - earlier >= pause for earlier, later in pairwise(looks))
