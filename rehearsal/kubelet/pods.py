"""One pod from its first container to its last.

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

from rehearsal.kubelet import environment, files, identity, images, logs, probes, sandbox
from rehearsal.kubelet import status as statuses
from rehearsal.kubelet.api import now
from rehearsal.kubelet.containers import KILLED, Logs, Running
from rehearsal.kubelet.environment import MissingError, Objects, part
from rehearsal.kubelet.machine import CLUSTER_DNS, Machine
from rehearsal.kubelet.status import Container
from release.kubernetes_api import NOT_FOUND, KubernetesApiError, KubernetesObject

SYNC_SECONDS = 60.0
"""Between two looks at what volumes come from (a kubelet's `syncFrequency`)."""

FIRST_RETRY, LONGEST_RETRY = 0.5, 122.0
"""Seconds between two attempts to mount (k8s.io/kubernetes, pkg/util/goroutinemap/exponentialbackoff)."""

OVER = ("Succeeded", "Failed")
RETRY_SECONDS = 1.0
"""Before an API server that did not answer is asked again."""


class Pod:
    """A pod that runs here.

    Args:
        machine: What it runs on.
        body: The pod as the API server has it.
    """

    def __init__(self, machine: Machine, body: KubernetesObject) -> None:
        self._machine, self._api, self.body = machine, machine.api, body
        meta = body["metadata"]
        self.uid, self._name, self._namespace = str(meta["uid"]), str(meta["name"]), str(meta["namespace"])
        self._folder = machine.folder(self.uid)
        self._spec: dict[str, Any] = body["spec"]
        self._policy = str(self._spec.get("restartPolicy", "Always"))
        self._inits = self._resumed("initContainers", "initContainerStatuses", again="PodInitializing")
        self._containers = self._resumed(
            "containers", "containerStatuses", again="PodInitializing" if self._inits else "ContainerCreating"
        )
        self._initialized = not self._inits
        self._address: str | None = None
        self._host = ""
        self._objects: Objects = {}
        self._services: Mapping[str, str] = {}
        self._tokens: dict[files.Token, tuple[str, float]] = {}
        self._running: dict[str, Running] = {}
        self._written: dict[str, Any] = {}
        self._changed, self._deleted = asyncio.Event(), asyncio.Event()
        self._is_gone = False
        self._task = asyncio.create_task(self._run(), name=f"{self._namespace}/{self._name}")

    def _resumed(self, kind: str, told: str, *, again: str) -> list[Container]:
        """Containers as an earlier kubelet left them, all of which ended with it."""
        before: dict[str, dict[str, Any]] = {one["name"]: one for one in part(self.body, "status", told)}
        made: list[Container] = []
        for spec in self._spec.get(kind) or ():
            container = Container(spec["name"], spec["image"], {"waiting": {"reason": again}})
            status = before.get(spec["name"])
            if status is not None and ("waiting" not in status["state"] or status.get("lastState")):
                container.state = dict(status["state"])
                container.restarts = int(status["restartCount"])
                if "running" in container.state:
                    container.end(KILLED, now())
            made.append(container)
        return made

    def update(self, body: KubernetesObject) -> None:
        """Learns of a change."""
        self.body = body
        if body["metadata"].get("deletionTimestamp"):
            self._deleted.set()

    def drop(self) -> None:
        """Learns that the pod is gone from the API."""
        self._is_gone = True
        self._deleted.set()

    async def kill(self) -> None:
        """Ends its containers with the kubelet; the pod stays in the API."""
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
        """From the pod's first sight to the end of its last container."""
        if part(self.body, "status").get("phase") in OVER:
            return
        await self._keep_trying(self._prepare)
        refreshing = asyncio.create_task(self._refresh())
        try:
            await self._initialize()
            if self._initialized:
                await asyncio.gather(
                    *(
                        self._supervise(spec, container, self._policy)
                        for spec, container in zip(self._spec["containers"], self._containers, strict=True)
                    )
                )
        finally:
            refreshing.cancel()
        self._changed.set()

    async def _keep_trying(self, attempt: Callable[[], Awaitable[None]]) -> None:
        pause = FIRST_RETRY
        while True:
            try:
                await attempt()
            except (MissingError, KubernetesApiError, OSError) as error:
                await self._api.event(self.body, "FailedMount", str(error))
            else:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_RETRY)

    async def _prepare(self) -> None:
        """The pod's volumes, then its network."""
        self._changed.set()
        call, plain = self._api.call, self._api.plain
        role = (await call(self._machine.associations)).get((self._namespace, self._spec.get("serviceAccountName", "")))
        node = await call(plain.get, "v1", "Node", self._spec["nodeName"]) or {"metadata": {}, "status": {}}
        told: list[Mapping[str, str]] = node["status"].get("addresses") or []
        self._host = next((one["address"] for one in told if one["type"] == "InternalIP"), "")
        if role:
            region = node["metadata"].get("labels", {}).get("topology.kubernetes.io/region", "")
            self._spec = identity.injected(self.body, region)["spec"]
        await self._mount()
        services = [
            *await call(plain.list, "v1", "Service", namespace="default"),
            *await call(plain.list, "v1", "Service", namespace=self._namespace),
        ]
        links = self._spec.get("enableServiceLinks") is not False
        self._services = environment.of_services(services, namespace=self._namespace, links=links)
        dns = await call(plain.get, "v1", "Service", "kube-dns", "kube-system")
        await self._plug()
        settings = self._machine.settings(
            self._seen(), self._address or "", dns["spec"]["clusterIP"] if dns else CLUSTER_DNS
        )
        for path, text in settings.items():
            file = self._folder / "etc" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        with suppress(KubernetesApiError):
            told_kwok = logs.where(
                self.body, {one.name: self._logs(one.name) for one in (*self._inits, *self._containers)}
            )
            await call(plain.apply, told_kwok, field_manager="kubelet", force=True)

    def _seen(self) -> KubernetesObject:
        """The pod as its containers see it."""
        addresses = {"podIP": self._address or "", "hostIP": self._host}
        return {**self.body, "spec": self._spec, "status": {**(self.body.get("status") or {}), **addresses}}

    async def _plug(self) -> None:
        if self._spec.get("hostNetwork"):
            self._address = self._host
        if self._address is not None:
            return
        address = self._machine.addresses.take(part(self.body, "status").get("podIP"))
        self._folder.mkdir(parents=True, exist_ok=True)
        problem = await _shell(sandbox.make_network(self._folder / "network", address))
        if problem:
            self._machine.addresses.release(address)
            raise OSError(f"failed to setup network for sandbox: {problem}")
        self._address = address
        self._changed.set()

    async def _unplug(self) -> None:
        if self._network is not None and self._network.exists():
            await _shell(sandbox.end_network(self._network, self._address or ""))
            self._machine.addresses.release(self._address or "")

    @property
    def _network(self) -> Path | None:
        return None if self._spec.get("hostNetwork") else self._folder / "network"

    async def _mount(self) -> None:
        """Brings the volumes' files up to date.

        Raises:
            MissingError: One of them comes from what is not there.
        """
        pod = self._seen()
        self._objects = await self._api.objects(self._namespace, environment.references(pod))
        for wanted in files.token_requests(pod):
            if wanted not in self._tokens or time.time() >= self._tokens[wanted][1]:
                # A kubelet asks for another one when 80 % of its time are over, or 24 hours.
                token = await self._api.token(self.body, wanted)
                self._tokens[wanted] = token, time.time() + min(0.8 * wanted[1], 86400)
        owner = files.Owner(part(self._spec, "securityContext").get("fsGroup"))
        for volume in self._spec.get("volumes") or ():
            folder = self._volume(volume["name"])
            if any(kind in volume for kind in files.KINDS):
                tokens = {wanted: token for wanted, (token, _) in self._tokens.items()}
                try:
                    files.write(folder, files.files(volume, pod, self._objects, tokens), owner)
                except MissingError as error:
                    raise MissingError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from None
            elif "emptyDir" in volume:
                if not folder.exists():
                    folder.mkdir(parents=True)
                    owner.take(folder, 0o777)
            else:
                kinds = ", ".join(key for key in volume if key != "name")
                raise MissingError(f'volume "{volume["name"]}" ({kinds}) is not to be had in a rehearsal')

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            try:
                await self._mount()
            except (MissingError, KubernetesApiError) as error:
                await self._api.event(self.body, "FailedMount", str(error))

    async def _initialize(self) -> None:
        for spec, container in zip(self._spec.get("initContainers") or (), self._inits, strict=True):
            policy = "OnFailure" if self._policy == "Always" else self._policy
            await self._supervise(spec, container, policy)
            if container.state["terminated"]["exitCode"]:
                return
        self._initialized = True

    async def _supervise(self, spec: Mapping[str, Any], container: Container, policy: str) -> None:
        """Runs a container again and again, as far as the policy goes."""
        failures = 0
        ended = container.state.get("terminated")
        if ended is not None:
            if not statuses.restarts(policy, int(ended["exitCode"])):
                return
            container.again()
        while True:
            began = time.monotonic()
            code = await self._once(spec, container)
            if self._deleted.is_set() or not statuses.restarts(policy, code):
                return
            failures = 0 if time.monotonic() - began >= statuses.LONG_RUN else failures
            if pause := statuses.back_off(failures):
                message = (
                    f"back-off {pause:.0f}s restarting failed container={container.name} "
                    f"pod={self._name}_{self._namespace}({self.uid})"
                )
                container.wait("CrashLoopBackOff", message)
                self._changed.set()
                await self._api.event(self.body, "BackOff", message)
                await asyncio.sleep(pause)
            failures += 1
            container.again()

    async def _once(self, spec: Mapping[str, Any], container: Container) -> int:
        """Runs a container once, as soon as it can be; its exit code."""
        running = await self._start(spec, container)
        self._running[container.name] = running
        container.run(now())
        probing = asyncio.create_task(self._probe(spec, container, running))
        self._changed.set()
        try:
            code = await running.wait()
        finally:
            del self._running[container.name]
            probing.cancel()
        container.end(code, now())
        self._changed.set()
        return code

    async def _start(self, spec: Mapping[str, Any], container: Container) -> Running:
        while True:
            try:
                return await self._attempt(spec)
            except (MissingError, PermissionError) as error:
                container.wait("CreateContainerConfigError", str(error))
                self._changed.set()
                await asyncio.sleep(10)
                with suppress(MissingError, KubernetesApiError):
                    await self._mount()

    async def _attempt(self, spec: Mapping[str, Any]) -> Running:
        if "postStart" in part(spec, "lifecycle"):
            raise MissingError("a postStart hook is not to be had in a rehearsal")
        image = images.image(spec["image"], self._machine.programs)
        own = environment.environment(spec, self._seen(), self._objects, self._services)
        variables = {
            "PATH": images.PATH,
            "HOSTNAME": files.host_name(self.body),
            "HOME": "/",
            **image.environment,
            **own,
        }
        words = environment.command(spec, image.entrypoint, image.arguments, variables)
        privileges = sandbox.privileges(self._spec, spec, image)
        root = self._folder / "containers" / spec["name"]
        root.mkdir(parents=True, exist_ok=True)
        script = sandbox.script(
            root,
            self._folder / "etc",
            image,
            [self._mounted(one) for one in spec.get("volumeMounts") or ()],
            host_name=files.host_name(self.body),
            working_directory=spec.get("workingDir") or image.working_directory,
            read_only=bool(part(spec, "securityContext").get("readOnlyRootFilesystem")),
            command=[*privileges.command(), *words],
        )
        return await Running.start(
            script, self._network, self._logs(spec["name"]), privileges=privileges.command(), variables=variables
        )

    def _mounted(self, mount: Mapping[str, Any]) -> sandbox.Mount:
        volume = next(one for one in self._spec["volumes"] if one["name"] == mount["name"])
        is_ours = "emptyDir" not in volume
        source = self._volume(volume["name"])
        if sub := mount.get("subPath"):
            source = (source / sub).resolve()
            if not source.exists():
                if is_ours:
                    raise MissingError(f"volume {volume['name']} has no {sub}")
                source.mkdir(parents=True)
        return sandbox.Mount(source, mount["mountPath"], read_only=is_ours or bool(mount.get("readOnly")))

    def _volume(self, name: str) -> Path:
        return self._folder / "volumes" / name

    def _logs(self, container: str) -> Logs:
        folder = self._machine.layout.logs / "pods" / f"{self._namespace}_{self._name}_{self.uid}"
        return Logs(folder / f"{container}.log", folder / f"{container}.previous.log")

    async def _probe(self, spec: Mapping[str, Any], container: Container, running: Running) -> None:
        """Asks a container's probes while it runs."""
        if probe := spec.get("startupProbe"):
            verdict = probes.verdict(probe, holds=False)
            async for good in self._answers("Startup", probe, spec, running):
                if verdict.take(good=good):
                    if not good:
                        await self._stop(spec, running, self._grace(probe))
                        return
                    break
        container.started = True
        container.ready = "readinessProbe" not in spec
        self._changed.set()
        await asyncio.gather(self._look_alive(spec, running), self._look_ready(spec, container, running))

    async def _look_alive(self, spec: Mapping[str, Any], running: Running) -> None:
        if probe := spec.get("livenessProbe"):
            verdict = probes.verdict(probe, holds=True)
            async for good in self._answers("Liveness", probe, spec, running):
                if verdict.take(good=good) and not good:
                    await self._stop(spec, running, self._grace(probe))
                    return

    async def _look_ready(self, spec: Mapping[str, Any], container: Container, running: Running) -> None:
        if probe := spec.get("readinessProbe"):
            verdict = probes.verdict(probe, holds=False)
            async for good in self._answers("Readiness", probe, spec, running):
                if verdict.take(good=good) and container.ready != verdict.holds:
                    container.ready = verdict.holds
                    self._changed.set()

    async def _answers(
        self, kind: str, probe: Mapping[str, Any], spec: Mapping[str, Any], running: Running
    ) -> AsyncGenerator[bool]:
        timing = probes.Timing.of(probe)
        await asyncio.sleep(timing.delay)
        while True:
            problem = await probes.ask(probe, spec, self._address or "", running.execute)
            if problem:
                await self._api.event(self.body, "Unhealthy", f"{kind} probe failed: {problem}")
            yield not problem
            await asyncio.sleep(timing.period)

    def _grace(self, probe: Mapping[str, Any]) -> float:
        return float(probe.get("terminationGracePeriodSeconds") or self._spec.get("terminationGracePeriodSeconds", 30))

    async def _stop(self, spec: Mapping[str, Any], running: Running, grace: float) -> None:
        """Ends a container: its preStop hook first, within the same time."""
        end = time.monotonic() + grace
        hook: Mapping[str, Any] = part(spec, "lifecycle", "preStop")
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                if "sleep" in hook:
                    await asyncio.sleep(float(hook["sleep"]["seconds"]))
                elif hook:
                    await probes.ask({**hook, "timeoutSeconds": grace}, spec, self._address or "", running.execute)
        await running.stop(max(end - time.monotonic(), 0))

    async def _end(self, life: asyncio.Task[None]) -> None:
        """Ends what runs within the pod's grace period, then takes the pod from the API."""
        grace = 1.0 if self._is_gone else float(self.body["metadata"].get("deletionGracePeriodSeconds", 30))
        specs = {one["name"]: one for one in (*self._spec["containers"], *(self._spec.get("initContainers") or ()))}
        ends = [self._stop(specs[name], running, grace) for name, running in self._running.items()]
        stopping = asyncio.gather(*ends)
        while not stopping.done():
            await asyncio.wait({stopping}, timeout=RETRY_SECONDS)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        await self._unplug()
        if not self._is_gone:
            await self._put_status()
            await self._keep_asking(self._delete)

    async def _delete(self) -> None:
        await self._api.call(self._api.plain.delete, "v1", "Pod", self._name, self._namespace, grace_seconds=0)

    async def _write(self) -> None:
        """Writes the pod's status whenever it has changed."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._keep_asking(self._put_status)

    async def _put_status(self) -> None:
        seen = self._seen()
        known = {one["type"]: one for one in seen["status"].get("conditions") or ()}
        known |= {one["type"]: one for one in self._written.get("conditions") or ()}
        status = statuses.status(
            {**seen, "status": {**seen["status"], **self._written, "conditions": list(known.values())}},
            self._inits,
            self._containers,
            address=self._address,
            host=self._host,
            initialized=self._initialized,
            now=now(),
        )
        if status != self._written and not self._is_gone:
            await self._api.write_status(self.body, status)
            self._written = status

    async def _keep_asking(self, attempt: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await attempt()
            except KubernetesApiError as error:
                if error.status == NOT_FOUND or self._is_gone:
                    return
                print(f"{self._namespace}/{self._name}: {error}", flush=True)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return


async def _shell(command: tuple[str, ...]) -> str:
    """Runs a command; what it says if it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return said.decode(errors="replace").strip() or "without a reason" if process.returncode else ""
