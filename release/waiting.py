"""The waits of a release for pods and endpoints."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contract import labels
from contract.blue_green import preview_service_name, slot_name
from kube.client import KubernetesApiError, KubernetesObject
from release.context import Context, Limits
from release.hooks.plan import release_of, settings_of
from release.messages import describe, in_parentheses
from release.rules import pause_seconds
from release.state import UNSCHEDULABLE, ServiceState, Trouble
from release.steps import Await, AwaitEndpoints, AwaitGone, AwaitHook, AwaitReady, AwaitWeights

BEFORE_START_SECONDS = 420
"""Time for a slot's pods besides their start: a node may have to be added, and an image has to be pulled."""

NODE_SECONDS = 240
"""Time for a pod that fits on no node: the cluster autoscaler checks every 10 s, and a node takes some minutes.
https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md#how-fast-is-cluster-autoscaler
"""

SERVICE_NAME = "kubernetes.io/service-name"
"""Label of an EndpointSlice: the Service that it is of.

https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetesioservice-name
"""

POLL_SECONDS = 2
"""Longest time until the state is observed again, even if the watch reports nothing."""

HOOK_GRACE_SECONDS = 60
"""How long after a Job's deadline it is waited for the Job's controller to say so."""


FORGET_SECONDS = 15
"""A trouble that is not seen for so long has passed; a container in `CrashLoopBackOff` runs for a moment in between."""


@dataclass(frozen=True)
class _Spell:
    """A trouble that lasts: since when, and when it was last seen."""

    since: datetime
    seen: datetime


class Wait:
    """The current wait of a release: since when, and with which troubles of the pods.

    Args:
        context: The surroundings of the run.
        pause: Waits for a number of seconds.
    """

    def __init__(self, context: Context, pause: Callable[[float], None]) -> None:
        self._context = context
        self._pause = pause
        self._step: Await | None = None
        self._since = context.clock.now()
        self._urgent_since: datetime | None = None
        self._troubled: dict[str, _Spell] = {}

    def end(self) -> None:
        """Ends the wait: the same step begins a new one."""
        self._step = self._urgent_since = None

    def failure(self, state: ServiceState, step: Await) -> str | None:
        """Why it is no use to go on waiting; None if it is."""
        now = self._context.clock.now()
        if self._step != step:
            self._step, self._since = step, now
            self._troubled = {}
        if isinstance(step, AwaitGone | AwaitWeights | AwaitHook) or not step.is_urgent:
            self._urgent_since = None
        else:
            self._urgent_since = self._urgent_since or now  # of whatever users wait for, in its turn
        waited = (now - (self._urgent_since or self._since)).total_seconds()
        troubles = _troubles(state, step)
        if waited >= limit(state, step, self._context.limits):
            return f"{describe(state, step)}, after {waited:.0f} s{in_parentheses(troubles)}"
        lasting = [trouble for trouble in troubles if self._lasted(trouble, now) >= self._patience(trouble)]
        return f"slot {step.slot} does not get ready{in_parentheses(lasting)}" if lasting else None

    def until_change(self, state: ServiceState, step: Await) -> None:
        """Waits until an object has changed since `state`, for `POLL_SECONDS` at most. A lost watch is no error.

        Pods that get ready one after the other are looked at together, until all are: a look at a hundred is costly.

        Without any news it takes a quarter of `POLL_SECONDS` at least, however often the server ends the watch at once;
        and `POLL_SECONDS` and `WATCH_GRACE_SECONDS` at most if the connection is silent, twice that if it sends what is
        no news and never ends.
        """
        if isinstance(step, AwaitWeights):
            self._pause(pause_seconds((self._context.clock.now() - self._since).total_seconds()))
            return
        if isinstance(step, AwaitGone | AwaitHook):
            self._pause(POLL_SECONDS / 4)
            return
        api_version, kind = (
            ("discovery.k8s.io/v1", "EndpointSlice") if isinstance(step, AwaitEndpoints) else ("apps/v1", "Deployment")
        )
        service = state.service
        selector = (
            f"{SERVICE_NAME} in ({service},{preview_service_name(service)})"
            if kind == "EndpointSlice"
            else f"{labels.SERVICE}={service}"
        )
        began = self._context.clock.monotonic()
        with suppress(KubernetesApiError):
            for _, changed in self._context.api.watch(
                api_version,
                kind,
                namespace=state.environment,
                label_selector=selector,
                timeout=POLL_SECONDS,
            ):
                version = (kind, str(changed["metadata"]["name"]), str(changed["metadata"]["resourceVersion"]))
                if version not in state.versions and not _is_partial(changed, state, step):
                    return
        if self._context.clock.monotonic() - began < POLL_SECONDS / 4:
            self._pause(POLL_SECONDS / 4)

    def _lasted(self, trouble: Trouble, now: datetime) -> float:
        """For how many seconds a trouble that is seen now has lasted."""
        before = self._troubled.get(trouble.reason)
        if before is None or (now - before.seen).total_seconds() > FORGET_SECONDS:
            before = _Spell(now, seen=now)
        self._troubled[trouble.reason] = _Spell(before.since, seen=now)
        return (now - before.since).total_seconds()

    def _patience(self, trouble: Trouble) -> float:
        patience = self._context.limits.patience
        return max(patience, NODE_SECONDS) if trouble.reason == UNSCHEDULABLE else patience


def limit(state: ServiceState, step: Await, limits: Limits) -> float:
    """How long a step may wait, in seconds."""
    match step:
        case AwaitReady(_, True) | AwaitEndpoints(_, _, True):
            return limits.outage
        case AwaitReady():
            until_ready = state.start_seconds + BEFORE_START_SECONDS if limits.ready is None else limits.ready
            return until_ready + state.slot(step.slot).min_ready_seconds
        case AwaitGone():
            return limits.gone
        case AwaitEndpoints():
            return limits.endpoints
        case AwaitWeights():
            return limits.weights
        case AwaitHook(hook):
            settings = settings_of(release_of(state, hook), hook)
            return (settings.timeout_seconds if settings else 0) + HOOK_GRACE_SECONDS


def _is_partial(changed: KubernetesObject, state: ServiceState, step: Await) -> bool:
    """Whether a changed object is a Deployment with pods that are not ready yet, or not the one that is waited for."""
    if not isinstance(step, AwaitReady):
        return False
    spec: dict[str, Any] = changed["spec"]
    status: dict[str, Any] = changed.get("status") or {}
    return (
        changed["metadata"]["name"] != slot_name(state.service, step.slot)
        or int(status.get("observedGeneration", 0)) < int(changed["metadata"]["generation"])
        or int(status.get("readyReplicas", 0)) < int(spec.get("replicas", 1))
    )


def _troubles(state: ServiceState, step: Await) -> list[Trouble]:
    """One trouble of each reason."""
    troubles = state.slot(step.slot).troubles if isinstance(step, AwaitReady) else ()
    return list({trouble.reason: trouble for trouble in troubles}.values())
