"""`python -m rehearsal.kubelet PROGRAMS`: runs pods until SIGTERM, which ends their containers, too."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

from kube.client import KubernetesApiError, KubernetesObject
from rehearsal import load, watch
from rehearsal.emulators import in_cluster
from rehearsal.errors import RehearsalError
from rehearsal.kubelet import images, kwok
from rehearsal.kubelet.api import Api
from rehearsal.kubelet.machine import Machine
from rehearsal.kubelet.pods import Pod
from rehearsal.layout import Layout

THREADS = 32
"""Maximum of concurrent requests to the API server and to pods."""

LOAD_SECONDS = 1.0
"""Seconds between two reads of the load file."""


class Kubelet:
    """The pods that this kubelet runs."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._pods: dict[watch.Key, Pod] = {}

    def set_pod(self, key: watch.Key, body: KubernetesObject | None) -> None:
        """Handles an added or modified pod; None for a deleted one."""
        pod = self._pods.get(key)
        if pod is not None and (body is None or pod.uid != body["metadata"]["uid"]):
            self._pods.pop(key).drop()
            pod = None
        if pod is not None and body is not None:
            pod.update(body)
        elif body is not None and body["spec"].get("nodeName") and images.is_ours(body):
            self._pods[key] = Pod(self._machine, body)

    async def end(self) -> None:
        """Ends all containers."""
        await asyncio.gather(*(pod.kill() for pod in self._pods.values()))


async def main() -> None:
    """Runs until SIGTERM."""
    layout, loop = Layout.of_environment(), asyncio.get_running_loop()
    shutil.rmtree(layout.directory / "kubelet", ignore_errors=True)  # left by a kubelet that was killed
    api, ended = Api(layout.control_plane / "kubelet.kubeconfig"), asyncio.Event()
    loop.set_default_executor(ThreadPoolExecutor(THREADS))
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await asyncio.to_thread(in_cluster.define, api, kwok.DEFINITIONS, manager="kubelet")
    kubelet = Kubelet(Machine(layout, json.loads(sys.argv[1]), api))
    watch.start(api, "Pod", kubelet.set_pod, loop)
    load_task = asyncio.create_task(_apply_load(layout, api))
    await ended.wait()
    load_task.cancel()
    await kubelet.end()


async def _apply_load(layout: Layout, api: Api) -> None:
    """Applies kwok's `ClusterResourceUsage` whenever the load file or the Services have changed it."""
    last: object = None
    while True:
        try:
            loads = load.read(layout)
            services = await asyncio.to_thread(api.list, "v1", "Service") if loads else ()
            usage = kwok.usage(loads, services)
            if usage != last:
                await asyncio.to_thread(api.apply, usage, field_manager="kubelet", force=True)
            last = usage
        except (KubernetesApiError, RehearsalError) as error:
            if str(error) != last:
                print(error, flush=True)
            last = str(error)
        await asyncio.sleep(LOAD_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
