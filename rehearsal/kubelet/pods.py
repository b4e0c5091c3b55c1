"""The life of one pod: volumes, network, containers, status, deletion.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kube.client import NOT_FOUND, KubernetesApiError, KubernetesObject
from rehearsal.aws import pod_identity
from rehearsal.kubelet import environment, files, identity, images, kwok, probes, refusals, sandbox
from rehearsal.kubelet import status as statuses
from rehearsal.kubelet.api import now
from rehearsal.kubelet.containers import KILLED, Running
from rehearsal.kubelet.environment import MissingError, part
from rehearsal.kubelet.machine import API_SERVER, Machine
from rehearsal.kubelet.status import Container
from rehearsal.kubelet.volumes import Volumes

SYNC_SECONDS = 60.0
"""Seconds between two refreshes of volumes (a kubelet's `syncFrequency`)."""

FIRST_RETRY, LONGEST_RETRY = 0.5, 122.0
"""Seconds between two attempts to mount (k8s.io/kubernetes, pkg/util/goroutinemap/exponentialbackoff)."""

RETRY_SECONDS = 1.0
"""Seconds before a failed request to the API server is repeated."""

BACK_OFF_SECONDS = 10.0
"""Seconds before a pod that failed to start for another reason is started again (`backOffPeriod`).

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/pod_workers.go
"""


class Pod:
    """A pod that this kubelet runs."""

    def __init__(self, machine: Machine, body: KubernetesObject) -> None:
        self._machine, self._api, self.body = machine, machine.api, body
        meta = body["metadata"]
        self.uid, self._name, self._namespace = str(meta["uid"]), str(meta["name"]), str(meta["namespace"])
        self._folder = machine.folder(self.uid)
        self._network = self._folder / "network"
        self._volumes = Volumes(self._folder / "volumes", self._api)
        self._spec: dict[str, Any] = body["spec"]
        self._policy = str(self._spec.get("restartPolicy", "Always"))
        self._containers = self._resumed()
        self._address: str | None = None
        self._leased_address: str | None = None
        self._host = ""
        self._running: list[Running] = []
        self._written: dict[str, Any] = {}
        self._changed, self._deleted = asyncio.Event(), asyncio.Event()
        self._is_gone = False
        self._task = asyncio.create_task(self._run(), name=f"{self._namespace}/{self._name}")

    def _resumed(self) -> list[Container]:
        """Containers with the status that an earlier kubelet wrote; running ones were killed with it."""
        previous: dict[str, dict[str, Any]] = {
            status["name"]: status for status in part(self.body, "status", "containerStatuses")
        }
        containers: list[Container] = []
        for spec in self._spec["containers"]:
            container = Container(spec["name"], spec["image"], {"waiting": {"reason": "ContainerCreating"}})
            status = previous.get(spec["name"])
            if status is not None and ("waiting" not in status["state"] or status.get("lastState")):
                container.state = dict(status["state"])
                container.last = status.get("lastState") or None
                container.restarts = int(status["restartCount"])
                if "running" in container.state:
                    container.end(KILLED, now())
            containers.append(container)
        return containers

    def update(self, body: KubernetesObject) -> None:
        """Handles a change of the Pod object."""
        self.body = body
        if body["metadata"].get("deletionTimestamp"):
            self._deleted.set()

    def drop(self) -> None:
        """Handles the deletion of the Pod object."""
        self._is_gone = True
        self._deleted.set()

    async def kill(self) -> None:
        """Ends its containers; the Pod object stays."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        self.update(self.body)
        writer = asyncio.create_task(self._write())
        life = asyncio.create_task(self._live())
        deleted = asyncio.create_task(self._deleted.wait())
        try:
            done, _ = await asyncio.wait({life, deleted}, return_when=asyncio.FIRST_COMPLETED)
            if life in done:
                life.result()
                await self._unplug()
                await self._deleted.wait()
            await self._end(life)
        except Exception as error:
            print(f"{self._namespace}/{self._name}: {error!r}", flush=True)
            raise
        finally:
            for task in (life, deleted, writer):
                task.cancel()
            await asyncio.gather(life, deleted, writer, return_exceptions=True)
            await self._unplug()
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _live(self) -> None:
        """Starts the pod, again if that fails, and returns when its last container has ended."""
        while True:
            try:
                return await self._try_to_live()
            except Exception as error:  # noqa: BLE001 - as a pod worker does
                print(f"{self._namespace}/{self._name}: {error!r}", flush=True)
                await self._event("FailedSync", f"error syncing pod, skipping: {error!r}")
            await asyncio.sleep(BACK_OFF_SECONDS)

    async def _try_to_live(self) -> None:
        if part(self.body, "status").get("phase") in statuses.OVER:
            return
        self._changed.set()
        if unknown := refusals.unknown(self._spec):
            message = f"not supported in a rehearsal: {', '.join(unknown)}"
            for container in self._containers:
                container.wait("CreateContainerConfigError", message)
            await self._event("FailedCreatePodSandBox", message)
            return
        await self._prepare()
        refreshing = asyncio.create_task(self._refresh())
        try:
            async with asyncio.TaskGroup() as group:
                for spec, container in zip(self._spec["containers"], self._containers, strict=True):
                    group.create_task(self._supervise(spec, container))
        finally:
            refreshing.cancel()
        self._changed.set()

    async def _prepare(self) -> None:
        """Makes the pod's volumes, its network and the files in `/etc`; repeated until it succeeds."""
        pause = FIRST_RETRY
        while True:
            try:
                await self._try_to_prepare()
            except (MissingError, KubernetesApiError, OSError) as error:
                await self._event("FailedMount", str(error))
            else:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_RETRY)

    async def _try_to_prepare(self) -> None:
        roles = pod_identity.associations(self._machine.layout)
        node = await asyncio.to_thread(self._api.get, "v1", "Node", self._spec["nodeName"]) or {}
        addresses: list[Mapping[str, str]] = [*part(node, "status", "addresses")]
        self._host = next((address["address"] for address in addresses if address["type"] == "InternalIP"), "")
        if (self._namespace, self._spec.get("serviceAccountName", "")) in roles:
            region = part(node, "metadata", "labels").get("topology.kubernetes.io/region", "")
            self._spec = identity.injected(self.body, region)["spec"]
        await self._volumes.mount(self._effective())
        await self._plug()
        for path, text in self._machine.etc(self._effective(), self._address or "").items():
            file = self._folder / "etc" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        with suppress(KubernetesApiError):
            files = {container.name: self._log(container.name) for container in self._containers}
            for one in kwok.debugging(self.body, files, self._address or ""):
                await asyncio.to_thread(self._api.apply, one, field_manager="kubelet", force=True)

    def _effective(self) -> KubernetesObject:
        """The pod with its address, and with what Pod Identity adds."""
        status = {**part(self.body, "status"), "podIP": self._address or ""}
        return {**self.body, "spec": self._spec, "status": status}

    async def _plug(self) -> None:
        if self._address is not None:
            return
        free, previous = self._machine.addresses, part(self.body, "status").get("podIP")
        self._leased_address = str(previous) if previous in free else free[0]
        free.remove(self._leased_address)
        self._folder.mkdir(parents=True, exist_ok=True)
        if error := await _shell(sandbox.make_network(self._network, self._leased_address)):
            await self._unplug()
            raise OSError(f"failed to setup network for sandbox: {error}")
        self._address = self._leased_address
        self._changed.set()

    async def _unplug(self) -> None:
        if self._leased_address is not None:
            await _shell(sandbox.end_network(self._network, self._leased_address))
            self._machine.addresses.append(self._leased_address)
            self._leased_address = None

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            try:
                await self._volumes.mount(self._effective())
            except (MissingError, KubernetesApiError) as error:
                await self._event("FailedMount", str(error))

    async def _supervise(self, spec: Mapping[str, Any], container: Container) -> None:
        """Runs a container, and restarts it by the restart policy."""
        failures = 0
        ended = container.state.get("terminated")
        if ended is not None and not statuses.restarts(self._policy, int(ended["exitCode"])):
            return
        while True:
            began = time.monotonic()
            code = await self._run_once(spec, container)
            if self._deleted.is_set() or not statuses.restarts(self._policy, code):
                return
            failures = 0 if time.monotonic() - began >= statuses.LONG_RUN else failures
            if pause := statuses.back_off(failures):
                message = (
                    f"back-off {pause:.0f}s restarting failed container={container.name} "
                    f"pod={self._name}_{self._namespace}({self.uid})"
                )
                container.wait("CrashLoopBackOff", message)
                self._changed.set()
                await self._event("BackOff", message)
                await asyncio.sleep(pause)
            failures += 1

    async def _run_once(self, spec: Mapping[str, Any], container: Container) -> int:
        """Runs a container once and returns its exit code."""
        running = await self._start(spec, container)
        self._running.append(running)
        container.run(now())
        container.ready = "readinessProbe" not in spec
        checks = (self._check_liveness(spec, running), self._check_readiness(spec, container))
        probing = [asyncio.create_task(check) for check in checks]
        self._changed.set()
        try:
            code = await running.wait()
        finally:
            self._running.remove(running)
            for task in probing:
                task.cancel()
        container.end(code, now())
        self._changed.set()
        return code

    async def _start(self, spec: Mapping[str, Any], container: Container) -> Running:
        while True:
            try:
                return await self._try_to_start(spec)
            except (MissingError, KubernetesApiError, PermissionError) as error:
                container.wait("CreateContainerConfigError", str(error))
                self._changed.set()
                await asyncio.sleep(10)

    async def _try_to_start(self, spec: Mapping[str, Any]) -> Running:
        image, host_name = images.image(spec["image"], self._machine.programs), files.host_name(self.body)
        defaults = {"PATH": images.PATH, "HOSTNAME": host_name, "HOME": "/", **image.environment, **API_SERVER}
        objects = self._api.objects(self._namespace)
        variables = await asyncio.to_thread(environment.environment, spec, self._effective(), objects, defaults)
        command = environment.command(spec, image.entrypoint, image.arguments, variables)
        root = self._folder / "containers" / spec["name"]
        root.mkdir(parents=True, exist_ok=True)
        script = sandbox.script(
            root,
            self._folder / "etc",
            image,
            spec,
            mounts=self._volumes.mounts(spec, self._spec),
            host_name=host_name,
            command=[*sandbox.become(self._spec, spec, image), *image.prefix, *command],
        )
        return await Running.start(script, self._network, self._log(spec["name"]), variables)

    def _log(self, container: str) -> Path:
        folder = f"{self._namespace}_{self._name}_{self.uid}"
        return self._machine.layout.logs / "pods" / folder / f"{container}.log"

    async def _check_liveness(self, spec: Mapping[str, Any], running: Running) -> None:
        """Stops the container when its liveness probe fails."""
        async for is_alive in self._probe("liveness", spec, initial=True):
            if not is_alive:
                await running.stop(float(self._spec.get("terminationGracePeriodSeconds", 30)))
                return

    async def _check_readiness(self, spec: Mapping[str, Any], container: Container) -> None:
        """Updates the container's readiness by its readiness probe."""
        async for is_ready in self._probe("readiness", spec, initial=False):
            if container.ready != is_ready:
                container.ready = is_ready
                self._changed.set()

    async def _probe(self, kind: str, spec: Mapping[str, Any], *, initial: bool) -> AsyncGenerator[bool]:
        """The results of a container's probe of this kind; none if it has no such probe."""
        if probe := spec.get(f"{kind}Probe"):
            async for succeeds, error in probes.results(probe, spec, self._address or "", initial=initial):
                if error:
                    await self._event("Unhealthy", f"{kind.capitalize()} probe failed: {error}")
                yield succeeds

    async def _event(self, reason: str, message: str) -> None:
        await asyncio.to_thread(self._api.event, self.body, reason, message)

    async def _end(self, life: asyncio.Task[None]) -> None:
        """Stops all containers within the grace period, then deletes the Pod object."""
        grace = 1.0 if self._is_gone else float(self.body["metadata"].get("deletionGracePeriodSeconds", 30))
        await asyncio.gather(*(running.stop(grace) for running in self._running))
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        await self._unplug()
        if not self._is_gone:
            await self._retry(self._put_status)
            await self._retry(self._delete)

    async def _delete(self) -> None:
        await asyncio.to_thread(self._api.delete, "v1", "Pod", self._name, self._namespace, grace_seconds=0)

    async def _write(self) -> None:
        """Writes the pod's status after each change."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._retry(self._put_status)

    async def _put_status(self) -> None:
        before = {**part(self.body, "status"), **self._written}
        status = statuses.status(
            {**self.body, "status": before}, self._containers, address=self._address, host=self._host, now=now()
        )
        if status != self._written and not self._is_gone:
            # Another pod of the same name is a conflict.
            patch: KubernetesObject = {"metadata": {"uid": self.uid}, "status": status}
            await asyncio.to_thread(self._api.subresource, "patch", "Pod/status", self._name, self._namespace, patch)
            self._written = status

    async def _retry(self, attempt: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await attempt()
            except Exception as error:  # noqa: BLE001 - nothing else would write it
                if self._is_gone or (isinstance(error, KubernetesApiError) and error.status == NOT_FOUND):
                    return
                print(f"{self._namespace}/{self._name}: {error}", flush=True)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return


async def _shell(command: tuple[str, ...]) -> str:
    """Runs a command; returns its output if it fails, else an empty string."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return output.decode(errors="replace").strip() or "no output" if process.returncode else ""
