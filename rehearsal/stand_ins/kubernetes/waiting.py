"""Waits until an object is ready, or gone."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rehearsal.stand_ins.kubernetes import wait_for
from rehearsal.stand_ins.kubernetes.api_server import ApiError, ApiServer
from rehearsal.stand_ins.kubernetes.engine_log import EngineLog
from rehearsal.stand_ins.kubernetes.readiness import RULES, Seen, Verdict, pod_problems
from release.kubernetes_api import KubernetesObject

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_PODS_TOLD = 5


class NotReadyError(Exception):
    """An object is there but not ready.

    Attributes:
        live: The object as last seen.
        reasons: What it lacks.
    """

    def __init__(self, message: str, *, live: KubernetesObject, reasons: tuple[str, ...]) -> None:
        super().__init__(message)
        self.live = live
        self.reasons = reasons


@dataclass(frozen=True)
class Wait:
    """How long to wait, and for whom.

    Attributes:
        urn: The resource that is shown to wait.
        seconds: Longest wait (> 0).
        is_update: Whether the object was there before.
    """

    urn: str
    seconds: float
    is_update: bool = False


@dataclass
class _Memory:
    """What decides since when endpoints have not changed."""

    endpoints: Any = None
    since: float = field(default_factory=time.monotonic)


class Waiter:
    """Looks at objects again and again until they are as they should be.

    Args:
        api: The API server.
        log: Where a person sees what is waited for.
        stopped: Ends all waits when set.
    """

    def __init__(self, api: ApiServer, log: EngineLog, stopped: threading.Event) -> None:
        self._api = api
        self._log = log
        self._stopped = stopped

    def until_ready(self, created: KubernetesObject, wait: Wait) -> KubernetesObject:
        """The object once it is ready.

        Raises:
            NotReadyError: It is not ready in time, will never be, or the wait was cancelled.
        """
        rule = wait_for.rule(created) or RULES.get((created["apiVersion"], created["kind"]))
        if rule is None:
            return created
        name, memory, seen = created["metadata"]["name"], _Memory(), Seen(created)
        verdict = Verdict(("nothing was seen of it yet",))
        for _ in self._looks(min(wait.seconds, rule.seconds or math.inf)):
            try:
                seen = self._look(seen.target, memory, is_update=wait.is_update)
            except ApiError as error:
                verdict = Verdict((str(error),))
                continue
            verdict = rule.judge(seen)
            if verdict.ready:
                self._log.status(wait.urn, "")
                return seen.target
            if verdict.failed:
                break
            self._log.status(wait.urn, verdict.reasons[0])
        reasons = (*verdict.reasons, *self._pod_problems(seen.target))
        if self._stopped.is_set():
            message = f'Resource operation was cancelled for "{name}"'
        elif verdict.failed:
            message = f"Resource '{name}' was created but failed to initialize"
        else:
            message = f"'{name}' timed out waiting to be Ready"
        raise NotReadyError(message, live=seen.target, reasons=reasons)

    def check_now(self, live: KubernetesObject) -> None:
        """Judges an object as a refresh does, without waiting.

        Raises:
            NotReadyError: It is not ready.
        """
        rule = wait_for.rule(live) or RULES.get((live["apiVersion"], live["kind"]))
        if rule is None or not rule.on_refresh:
            return
        seen = self._look(live, _Memory(since=-math.inf), is_update=True)
        verdict = rule.judge(seen)
        if not verdict.ready:
            raise NotReadyError(
                f"Resource '{live['metadata']['name']}' was created but failed to initialize",
                live=seen.target,
                reasons=(*verdict.reasons, *self._pod_problems(seen.target)),
            )

    def until_gone(self, live: KubernetesObject, wait: Wait) -> None:
        """Waits until an object has been deleted; one of the same name made since does not count as it.

        Raises:
            NotReadyError: It is still there in time, or the wait was cancelled.
            ApiError: The API server cannot be asked.
        """
        metadata: dict[str, Any] = live["metadata"]
        for _ in self._looks(wait.seconds):
            try:
                current = self._current(live)
            except ApiError as error:
                if error.is_not_found:
                    return
                raise
            if metadata.get("uid") not in (None, current["metadata"]["uid"]):
                return
            metadata = current["metadata"]
        finalizers = ", ".join(metadata.get("finalizers") or ())
        why = f"finalizers might be preventing deletion ({finalizers})" if finalizers else "it is still there"
        cancelled = self._stopped.is_set()
        raise NotReadyError(
            f"the deletion of {metadata['name']} was cancelled"
            if cancelled
            else "timed out waiting for the condition: " + why,
            live=live,
            reasons=(why,),
        )

    def _looks(self, seconds: float) -> Iterator[None]:
        """Yields at growing intervals until the time is over or the wait cancelled; once at least."""
        end, pause = time.monotonic() + seconds, _FIRST_PAUSE
        while True:
            yield
            left = end - time.monotonic()
            if left <= 0 or self._stopped.wait(min(pause, left)):
                return
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _current(self, live: KubernetesObject) -> KubernetesObject:
        metadata = live["metadata"]
        return self._api.get(live["apiVersion"], live["kind"], metadata.get("namespace"), metadata["name"])

    def _look(self, live: KubernetesObject, memory: _Memory, *, is_update: bool) -> Seen:
        target, namespace = self._current(live), live["metadata"].get("namespace")
        match target["kind"]:
            case "Deployment":
                labels = target["spec"]["selector"].get("matchLabels")
                volumes = target["spec"]["template"]["spec"].get("volumes") or ()
                claims = [item["persistentVolumeClaim"] for item in volumes if "persistentVolumeClaim" in item]
                return Seen(
                    target,
                    replica_sets=self._api.list("apps/v1", "ReplicaSet", namespace, labels),
                    claims=[
                        self._api.get("v1", "PersistentVolumeClaim", namespace, claim["claimName"]) for claim in claims
                    ],
                )
            case "Service":
                endpoints = self._found("v1", "Endpoints", namespace, target["metadata"]["name"])
                return Seen(
                    target,
                    endpoints=endpoints,
                    unchanged_seconds=_unchanged(memory, (endpoints or {}).get("subsets")),
                )
            case "Ingress":
                names = frozenset(
                    item["metadata"]["name"]
                    for item in (
                        *self._api.list("v1", "Endpoints", namespace),
                        *(
                            service
                            for service in self._api.list("v1", "Service", namespace)
                            if service["spec"].get("type") == "ExternalName"
                        ),
                    )
                )
                return Seen(target, endpoint_names=names, unchanged_seconds=_unchanged(memory, names))
            case "PersistentVolumeClaim":
                name = target["spec"].get("storageClassName")
                storage_class = self._found("storage.k8s.io/v1", "StorageClass", None, name) if name else None
                return Seen(target, storage_class=storage_class, is_update=is_update)
            case _:
                return Seen(target)

    def _found(self, api_version: str, kind: str, namespace: str | None, name: str) -> KubernetesObject | None:
        try:
            return self._api.get(api_version, kind, namespace, name)
        except ApiError as error:
            if error.is_not_found:
                return None
            raise

    def _pod_problems(self, target: KubernetesObject) -> list[str]:
        """What the pods of a workload say, for the error of one that did not get ready."""
        labels = target.get("spec", {}).get("selector", {}).get("matchLabels")
        if target["kind"] not in ("Deployment", "StatefulSet", "DaemonSet", "Job") or not labels:
            return []
        try:
            pods = self._api.list("v1", "Pod", target["metadata"].get("namespace"), labels)
        except ApiError as error:
            return [f"its pods cannot be listed: {error}"]
        return [problem for item in pods for problem in pod_problems(item)][:_PODS_TOLD]


def _unchanged(memory: _Memory, endpoints: Any) -> float:
    """Seconds since the endpoints are as they are."""
    if memory.since != -math.inf and endpoints != memory.endpoints:
        memory.endpoints, memory.since = endpoints, time.monotonic()
    return time.monotonic() - memory.since
