"""`python -m rehearsal.pod_simulator`: runs the pod simulator of the rehearsal that `HELLO_REHEARSAL` names.

It listens on the ports of all pods, in a network namespace in which every address is local.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

from kube.client import KubernetesApi, KubernetesApiError
from rehearsal import watch
from rehearsal.layout import Layout
from rehearsal.pod_simulator.client import Client
from rehearsal.pod_simulator.cluster import Cluster
from rehearsal.pod_simulator.pods import Pod
from rehearsal.pod_simulator.server import Connection

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - in a network namespace of the rehearsal
_TICK = 0.1
"""Seconds between two checks for new ports and ended containers."""


async def serve(api: KubernetesApi) -> None:
    """Serves until it is cancelled."""
    loop, cluster = asyncio.get_running_loop(), Cluster(time.time)
    client = Client(cluster)
    watch.start(api, "Pod", cluster.set_pod, loop)
    watch.start(api, "Service", cluster.set_service, loop)
    listening: set[int] = set()
    deleted: set[str] = set()
    while True:
        for port in cluster.ports() - listening:
            listening.add(port)
            await _listen(lambda: Connection(cluster, client), port)
        for pod in cluster.ended():
            if pod.uid not in deleted:
                deleted.add(pod.uid)
                loop.run_in_executor(None, _delete, api, pod)
        await asyncio.sleep(_TICK)


async def _listen(make: Callable[[], Connection], port: int) -> None:
    try:
        await asyncio.get_running_loop().create_server(make, _EVERYWHERE, port, backlog=1024, reuse_port=True)
    except OSError as error:
        sys.stderr.write(f"Nothing answers on port {port} of pods: {error}\n")


def _delete(api: KubernetesApi, pod: Pod) -> None:
    """Deletes a Pod object whose container has ended, as a kubelet does."""
    try:
        api.delete("v1", "Pod", pod.name, pod.namespace, grace_seconds=0)
    except KubernetesApiError as error:
        sys.stderr.write(f"{pod.namespace}/{pod.name} stays until its grace period is over: {error}\n")


if __name__ == "__main__":
    asyncio.run(serve(KubernetesApi(Layout.of_environment().kubeconfig)))
