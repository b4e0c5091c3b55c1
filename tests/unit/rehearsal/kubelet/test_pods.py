"""A pod whose start, or whose status, fails for a reason that nobody foresaw."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from kube.client import KubernetesObject
from rehearsal.kubelet import pods
from rehearsal.kubelet.api import Api
from rehearsal.kubelet.machine import Machine
from rehearsal.layout import Layout

POD: KubernetesObject = {
    "metadata": {"name": "operator-0", "namespace": "logging", "uid": "u"},
    "spec": {"containers": [{"name": "manager", "image": "operator"}]},
}


class FakeApi:
    """Takes everything but the first status."""

    def __init__(self) -> None:
        self.events = list[str]()
        self.statuses = list[dict[str, Any]]()

    def event(self, _pod: KubernetesObject, reason: str, message: str) -> None:
        """Keeps it."""
        self.events.append(f"{reason}: {message}")

    def subresource(self, _verb: str, _kind: str, _name: str, _namespace: str, body: KubernetesObject) -> None:
        """Keeps it, but not the first one."""
        self.statuses.append(body["status"])
        if len(self.statuses) == 1:
            raise ValueError("no JSON")


class Pod(pods.Pod):
    """Starts at the second attempt, and ends at once."""

    attempts = 0

    async def _try_to_live(self) -> None:
        self.attempts += 1
        self._changed.set()
        if self.attempts == 1:
            raise FileNotFoundError("network")


def test_it_is_started_again_and_its_status_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "BACK_OFF_SECONDS", 0.05)
    monkeypatch.setattr(pods, "RETRY_SECONDS", 0.01)
    api = FakeApi()

    async def lives() -> int:
        pod = Pod(Machine(Layout(tmp_path), {}, cast("Api", api)), POD)
        for _ in range(200):
            await asyncio.sleep(0.01)
            if pod.attempts == 2 and len(api.statuses) > 1:
                break
        await pod.kill()
        return pod.attempts

    assert asyncio.run(lives()) == 2
    assert api.events == ["FailedSync: error syncing pod, skipping: FileNotFoundError('network')"]
    assert len(api.statuses) > 1
