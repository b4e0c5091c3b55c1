"""`python -m rehearsal.kubelet PROGRAMS`: runs pods until SIGTERM, which ends their containers, too."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Iterable

from kube.client import KubernetesApiError, KubernetesObject
from rehearsal import load
from rehearsal.emulators import in_cluster
from rehearsal.errors import RehearsalError
from rehearsal.kubelet import images, kwok
from rehearsal.kubelet.api import Api
from rehearsal.kubelet.images import Programs
from rehearsal.kubelet.machine import Machine
from rehearsal.kubelet.pods import Pod
from rehearsal.layout import Layout
from rehearsal.pod_simulator.following import Kind, follow

LOAD_SECONDS = 1.0
"""Seconds between two reads of the load file."""


class Kubelet:
    """The pods that this kubelet runs.

    Args:
        machine: Resources that its pods share.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._pods: dict[tuple[str, str], Pod] = {}

    def take(self, body: KubernetesObject) -> None:
        """Handles an added or modified pod."""
        meta = body["metadata"]
        key = (str(meta["namespace"]), str(meta["name"]))
        known = self._pods.get(key)
        if known is not None and known.uid != meta["uid"]:
            known.drop()
            known = None
        if known is not None:
            known.update(body)
        elif body["spec"].get("nodeName") and images.is_ours(body):
            self._pods[key] = Pod(self._machine, body)

    def drop(self, key: tuple[str, str]) -> None:
        """Handles a deleted pod."""
        gone = self._pods.pop(key, None)
        if gone is not None:
            gone.drop()

    def keep(self, there: Iterable[tuple[str, str]]) -> None:
        """Drops all pods but these."""
        for key in self._pods.keys() - set(there):
            self.drop(key)

    async def end(self) -> None:
        """Ends all containers."""
        await asyncio.gather(*(pod.kill() for pod in self._pods.values()))


async def main() -> None:
    """Runs until SIGTERM."""
    layout, loop = Layout.of_environment(), asyncio.get_running_loop()
    shutil.rmtree(layout.directory / "kubelet", ignore_errors=True)  # left by a kubelet that was killed
    api, ended = Api(layout.control_plane / "kubelet.kubeconfig"), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await api.call(in_cluster.define, api.plain, kwok.definitions(), manager="kubelet")
    kubelet = Kubelet(Machine(layout, Programs(**json.loads(sys.argv[1])), api))
    follow(api.plain, [Kind("Pod", kubelet.take, kubelet.drop, kubelet.keep)], loop)
    telling = asyncio.create_task(_tell_load(layout, api))
    await ended.wait()
    telling.cancel()
    await kubelet.end()


async def _tell_load(layout: Layout, api: Api) -> None:
    """Applies kwok's `ClusterResourceUsage` whenever the load file or the Services have changed it."""
    told: object = None
    while True:
        try:
            usage = kwok.usage(load.read(layout), await api.call(api.plain.list, "v1", "Service"))
            if usage != told:
                await api.call(api.plain.apply, usage, field_manager="kubelet", force=True)
            told = usage
        except (KubernetesApiError, RehearsalError) as error:
            if str(error) != told:
                print(error, flush=True)
            told = str(error)
        await asyncio.sleep(LOAD_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
