"""`python -m rehearsal.kubelet PROGRAMS`: runs pods until it is ended, and ends what it runs with itself."""

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
"""Between two looks at how busy services are."""


class Kubelet:
    """All pods that are its own.

    Args:
        machine: What they run on.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._pods: dict[tuple[str, str], Pod] = {}

    def take(self, body: KubernetesObject) -> None:
        """Learns of a pod that is new or has changed."""
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
        """Learns that a pod is gone from the API."""
        gone = self._pods.pop(key, None)
        if gone is not None:
            gone.drop()

    def keep(self, there: Iterable[tuple[str, str]]) -> None:
        """Drops all other pods."""
        for key in self._pods.keys() - set(there):
            self.drop(key)

    async def end(self) -> None:
        """Ends all containers."""
        await asyncio.gather(*(pod.kill() for pod in self._pods.values()))


async def main() -> None:
    """Runs until SIGTERM."""
    layout, loop = Layout.of_environment(), asyncio.get_running_loop()
    shutil.rmtree(layout.directory / "kubelet", ignore_errors=True)  # of a kubelet that was killed
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
    """Tells kwok how busy services are, whenever that or where they lead has changed."""
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
