"""Runs a release: look, decide, do, until nothing is left to do."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from contract import blue_green
from kube.client import NO_KUBECONFIG, UNREACHABLE, KubernetesApiError
from release import events, history, probe, smoke, steps
from release.clock import Clock
from release.errors import ExitCode, LostRaceError, ReleaseError
from release.history import Entry, Outcome
from release.http import Answer, Caller, Target
from release.lock import LEASE_SECONDS, Holder, Lock
from release.objects import CONFLICT, ObjectApi
from release.observe import observe
from release.plan import (
    ApplyTemplate,
    Await,
    AwaitEndpoints,
    AwaitGone,
    AwaitReady,
    Begin,
    Deploy,
    Done,
    Finish,
    Goal,
    Preview,
    Progress,
    Refusal,
    Retarget,
    Scale,
    ScaleToZero,
    Select,
    SmokeTestSlot,
    Step,
    Watch,
    next_step,
)
from release.state import ServiceState, Trouble
from release.steps import Change

ATTEMPTS = 8
"""With the waits between them about half a minute: less than the lock's time."""

BEFORE_START_SECONDS = 420
"""A slot's pods have this time besides their start: a node may have to come, an image has to be pulled."""

NODE_SECONDS = 240
"""A pod that fits on no node has this time: the cluster autoscaler looks every 10 s, and a node takes some minutes.
https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md#how-fast-is-cluster-autoscaler
"""

UNSCHEDULABLE = "Unschedulable"
"""https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus"""

POLL_SECONDS = 2
"""A wait looks again after this, whether its watch told of anything or not."""

REQUEST_TIMEOUT, TOO_MANY_REQUESTS, FIRST_SERVER_ERROR = 408, 429, 500


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a release waits, in seconds.

    Attributes:
        ready: For a slot's pods; None for the time that they may take to start, and `BEFORE_START_SECONDS`. (The
            progress deadline of a Deployment ends nothing, and is not asked for.)
        patience: With pods that have a trouble which may pass, such as a registry that does not answer; those that fit
            on no node have `NODE_SECONDS` at least.
        endpoints: For a Service to lead to the slot that it selects.
        gone: For pods that end: not shorter than their grace period.
        watch: How long users' answers are compared after the switch.
        settle: For new connections to go where EndpointSlices lead, before a switch is said to be done: each node's
            kube-proxy writes its rules at most once a second by default, and a busy one is later.
            https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/ (`minSyncPeriod`)
        warm: How long the old slot keeps its pods after it.
        lock: For another release to be over; 0 refuses.
        lease: After this the lock of a tool that is gone expires.
    """

    ready: float | None = None
    patience: float = 30
    endpoints: float = 60
    gone: float = 3900
    watch: float = 10
    settle: float = 3
    warm: int = 600
    lock: float = 0
    lease: int = LEASE_SECONDS


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a release works with.

    Attributes:
        api: The API server.
        caller: The way to the service itself.
        clock: The time.
        report: Takes a line on what goes on.
        by: Who asks, as the API server names them.
        build: The pipeline's run, where one asks.
        limits: How long it waits.
        keep_image: Takes what was seen and an image, so that the image is kept in the registry.
        run: Name of this run, like no other's.
    """

    api: ObjectApi
    caller: Caller
    clock: Clock
    report: Callable[[str], None]
    by: str
    build: str | None = None
    limits: Limits = field(default_factory=Limits)
    keep_image: Callable[[ServiceState, str], None] = lambda _seen, _image: None
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])


@dataclass(frozen=True)
class Result:
    """How a command ended.

    Attributes:
        seen: How the service stood at its end.
        message: In a sentence.
        exit_code: What to end with.
    """

    seen: ServiceState
    message: str
    exit_code: ExitCode = ExitCode.DONE


def is_passing(error: BaseException) -> bool:
    """Whether it is worth trying again: somebody else was quicker, or the API server has a bad moment."""
    if isinstance(error, KubernetesApiError):
        status = error.status
        return (
            status in (UNREACHABLE, CONFLICT, REQUEST_TIMEOUT, TOO_MANY_REQUESTS) and error.reason != NO_KUBECONFIG
        ) or status >= FIRST_SERVER_ERROR
    return isinstance(error, LostRaceError)


def retrying(clock: Clock, report: Callable[[str], None] = lambda _: None) -> Retrying:
    """Tries again what may pass: at most `ATTEMPTS` times, with growing waits.

    Args:
        clock: The time.
        report: Takes a line on an API server that does not answer as it should; a lost race is nobody's business.
    """

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, KubernetesApiError) and error.status != CONFLICT:
            report(f"The API server: {error}; trying again")

    return Retrying(
        before_sleep=tell,
        retry=retry_if_exception(is_passing),
        wait=wait_exponential_jitter(multiplier=0.2, max=6, jitter=0.2),
        stop=stop_after_attempt(ATTEMPTS),
        sleep=clock.sleep,
        reraise=True,
    )


def reconcile(context: Context, environment: str, service: str, goal: Goal) -> Result:
    """Reaches a goal, or goes back to what was; holds the service's lock meanwhile.

    Raises:
        ReleaseError: Refused, locked, or the lock was lost.
        KubernetesApiError: The API server refused, or did not answer for half a minute.
    """
    identity = f"{context.by}/{context.run}"
    lock = Lock(context.api, environment, service, identity, context.clock, seconds=context.limits.lease)
    _acquire(context, lock, environment, service)
    try:
        return _Release(context, environment, service, goal, lock).run()
    finally:
        # A lock that cannot be given back expires.
        with suppress(KubernetesApiError):
            retrying(context.clock)(lock.release)


def _acquire(context: Context, lock: Lock, environment: str, service: str) -> None:
    deadline = context.clock.now() + timedelta(seconds=context.limits.lock)
    told = False
    while (holder := retrying(context.clock)(lock.acquire)) is not None:
        if context.clock.now() >= deadline:
            raise _locked(holder, environment, service)
        if not told:
            context.report(f"Waiting for {holder.identity} to end its release")
            told = True
        context.clock.sleep(1)


def _locked(holder: Holder, environment: str, service: str) -> ReleaseError:
    return ReleaseError(
        f"another release of {service} in {environment} is under way, by {holder.identity}",
        remedy="wait for it by --wait SECONDS, or run the command again later; if its tool is gone, the lock "
        f"expires at {holder.until:%H:%M:%S %Z}",
        exit_code=ExitCode.LOCKED,
    )


class _Release:
    """One run towards one goal: what it remembers between its steps."""

    def __init__(self, context: Context, environment: str, service: str, goal: Goal, lock: Lock) -> None:
        self._context = context
        self._environment = environment
        self._service = service
        self._goal = goal
        self._lock = lock
        self._progress = Progress()
        self._before = probe.Sample(0, 0)
        self._waiting: tuple[Await, datetime] | None = None
        self._troubled: dict[str, datetime] = {}
        self._outcome = Outcome.RELEASED
        self._told = ""
        # When the live slot may have changed last: a run before this one may have ended just after its switch.
        self._switched = context.clock.now()

    def run(self) -> Result:
        while True:
            result = retrying(self._context.clock, self._report)(self._turn)
            if result is not None:
                return result

    def _turn(self) -> Result | None:
        """Looks, decides and does one step. May be run again wherever it failed."""
        self._lock.renew()
        seen = observe(self._context.api, self._environment, self._service, now=self._context.clock.now())
        step = next_step(seen, self._goal, self._progress)
        if not isinstance(step, Await):
            self._waiting = None
        match step:
            case Refusal(why, remedy):
                raise ReleaseError(why, remedy=remedy)
            case Done(message):
                return self._result(seen, message)
            case _:
                self._do(seen, step)
        return None

    def _do(self, seen: ServiceState, step: Step) -> None:
        match step:
            case AwaitReady() | AwaitGone() | AwaitEndpoints():
                self._wait(seen, step)
            case Begin():
                self._begin(seen, step)
            case SmokeTestSlot(slot):
                self._try(seen, slot)
            case Watch():
                self._watch(seen)
            case Finish(outcome):
                self._settle()
                self._finish(seen, outcome)
            case Select(slot):
                self._report(_words(seen, step))
                try:
                    steps.do(self._context.api, seen, step)
                finally:  # an answer may be lost on its way
                    self._switched = self._context.clock.now()
                self._event(seen, "Switched", f"from {seen.live} to {slot}, {_image(seen, slot)}")
            case ScaleToZero() | ApplyTemplate() | Scale() | Preview() | Retarget():
                self._report(_words(seen, step))
                steps.do(self._context.api, seen, step)

    def _begin(self, seen: ServiceState, step: Begin) -> None:
        context = self._context
        if isinstance(self._goal, Deploy):
            if step.slot != seen.live:
                steps.dry_run_template(context.api, seen, step.slot, self._goal.image, override=self._goal.override)
            context.keep_image(seen, self._goal.image)
        entry = Entry(
            id=context.run,
            action=step.action,
            slot=step.slot,
            revision=step.revision,
            previous=step.previous,
            by=context.by,
            build=context.build,
            started=context.clock.now(),
            override=self._goal.override if isinstance(self._goal, Deploy) else None,
            warm_seconds=context.limits.warm,
            configuration=seen.configuration if isinstance(self._goal, Deploy) else seen.slot(step.slot).configuration,
        )
        history.write(context.api, self._environment, self._service, entry)
        self._report(f"{step.action} of {step.revision.image} into slot {step.slot}, live is {seen.live}")
        self._event(
            seen, "ReleaseStarted", f"{step.action} of {step.revision.image} into slot {step.slot} by {context.by}"
        )
        if entry.override:
            self._event(
                seen, "Override", f"{context.by} lets {step.revision.image} in unverified: {entry.override}", bad=True
            )

    def _try(self, seen: ServiceState, slot: str) -> None:
        self._report(f"Smoke test of slot {slot}: {seen.smoke_test.path}")
        wrong = smoke.failure(
            seen.smoke_test, self._asker(seen.preview_target), now=self._context.clock.now, pause=self._pause
        )
        if wrong is not None:
            self._fail(seen, f"the smoke test failed: {wrong}")
            return
        if seen.live_slot.serves():
            self._before = probe.measure(
                seen.smoke_test,
                self._asker(seen.active_target),
                tries=probe.TRIES_BEFORE,
                pause=lambda: self._pause(probe.PAUSE_BEFORE_SECONDS),
            )
        self._progress = replace(self._progress, smoke_tested=True)

    def _watch(self, seen: ServiceState) -> None:
        if not self._before.tries:
            # Nobody served before the switch: until the nodes follow, they refuse what is asked of the Service.
            self._settle()
        tries = max(1, round(self._context.limits.watch / probe.PAUSE_SECONDS))
        self._report(f"Watching the answers of {self._service} for {self._context.limits.watch:g} s")
        after = probe.measure(
            seen.smoke_test,
            self._asker(seen.active_target),
            tries=tries,
            pause=lambda: self._pause(probe.PAUSE_SECONDS),
            is_enough=lambda bad: probe.is_worse(self._before, probe.Sample(tries, bad)),
        )
        if probe.is_worse(self._before, after):
            self._fail(
                seen,
                f"worse after the switch: {after.bad} of {after.tries} answers to {seen.smoke_test.path} were bad, "
                f"{self._before.bad} of {self._before.tries} before",
            )
        else:
            self._progress = replace(self._progress, watched=True)

    def _settle(self) -> None:
        """Waits until every node has had its time to follow the last switch."""
        since = (self._context.clock.now() - self._switched).total_seconds()
        if since < self._context.limits.settle:
            self._report("Giving the nodes time to follow")
            self._pause(self._context.limits.settle - since)

    def _wait(self, seen: ServiceState, step: Await) -> None:
        now = self._context.clock.now()
        if self._waiting is None or self._waiting[0] != step:
            self._waiting = (step, now)
            self._troubled = {}
        waited = (now - self._waiting[1]).total_seconds()
        self._report(_words(seen, step))
        if waited >= self._limit(seen, step):
            self._fail(seen, f"{_words(seen, step)}, after {waited:.0f} s{_told(self._troubles(seen, step))}")
            return
        lasting = [
            trouble
            for trouble in self._troubles(seen, step)
            if (now - self._troubled.setdefault(trouble.reason, now)).total_seconds() >= self._patience(trouble)
        ]
        if lasting:
            self._fail(seen, f"slot {step.slot} does not get ready{_told(lasting)}")
            return
        self._until_news(seen, step)

    def _limit(self, seen: ServiceState, step: Await) -> float:
        limits = self._context.limits
        match step:
            case AwaitReady():
                return seen.start_seconds + BEFORE_START_SECONDS if limits.ready is None else limits.ready
            case AwaitGone():
                return limits.gone
            case AwaitEndpoints():
                return limits.endpoints

    def _patience(self, trouble: Trouble) -> float:
        patience = self._context.limits.patience
        return max(patience, NODE_SECONDS) if trouble.reason == UNSCHEDULABLE else patience

    def _troubles(self, seen: ServiceState, step: Await) -> list[Trouble]:
        found = seen.slot(step.slot).troubles if isinstance(step, AwaitReady) else ()
        return list({trouble.reason: trouble for trouble in found}.values())

    def _until_news(self, seen: ServiceState, step: Await) -> None:
        """Waits until something may be another way. A watch that is lost only makes it later."""
        if isinstance(step, AwaitGone):
            self._pause(POLL_SECONDS / 4)
            return
        kind = (
            ("discovery.k8s.io/v1", "EndpointSlice") if isinstance(step, AwaitEndpoints) else ("apps/v1", "Deployment")
        )
        try:
            for _, found in self._context.api.watch(
                *kind,
                namespace=self._environment,
                label_selector=f"app.kubernetes.io/name={self._service}",
                timeout=POLL_SECONDS,
            ):
                version = (kind[1], str(found["metadata"]["name"]), str(found["metadata"]["resourceVersion"]))
                if version not in seen.versions:
                    return
        except KubernetesApiError:
            self._pause(POLL_SECONDS / 4)

    def _fail(self, seen: ServiceState, why: str) -> None:
        first = self._progress.failure is None
        self._progress = replace(self._progress, failure=why) if first else replace(self._progress, second_failure=why)
        self._report(f"Failed: {why}" + (". Going back" if first else ""))
        self._event(seen, "ReleaseFailed", why, bad=True)

    def _finish(self, seen: ServiceState, outcome: Outcome) -> None:
        running = seen.running
        assert running is not None  # noqa: S101 - the plan finishes only what has begun
        failure = self._progress.failure
        reasons = [one for one in (failure, self._progress.second_failure) if one]
        ended = replace(
            running,
            outcome=outcome,
            finished=self._context.clock.now(),
            reason="; then ".join(reasons) or None,
            configuration=seen.live_slot.configuration if outcome is Outcome.RELEASED else running.configuration,
        )
        history.write(self._context.api, self._environment, self._service, ended)
        self._outcome = outcome
        self._progress = replace(self._progress, finished=True)
        if outcome is Outcome.RELEASED:
            self._event(seen, "Released", f"{running.revision.image} is live in slot {seen.live}")
        else:
            self._event(seen, "RolledBack", f"slot {seen.live} is live with {_image(seen, seen.live)}", bad=True)

    def _result(self, seen: ServiceState, message: str) -> Result:
        if not self._progress.finished:
            return Result(seen, message)
        if self._outcome is Outcome.RELEASED:
            return Result(seen, f"slot {seen.live} is live with {_image(seen, seen.live)}")
        why = f"{self._progress.failure}; slot {seen.live} is live with {_image(seen, seen.live)}"
        if self._progress.second_failure:
            why += f"; the way back failed, too: {self._progress.second_failure}"
        ready = seen.live_slot.serves() or seen.live_slot.revision is None
        return Result(seen, why, ExitCode.ROLLED_BACK if ready else ExitCode.NOT_READY)

    def _asker(self, target: Target) -> Callable[[str, float], Answer]:
        return lambda path, timeout: self._context.caller.get(target, path, timeout=timeout)

    def _pause(self, seconds: float) -> None:
        self._context.clock.sleep(seconds)
        self._lock.renew()

    def _report(self, line: str) -> None:
        """Tells what goes on; the same only once."""
        if line != self._told:
            self._told = line
            self._context.report(line)

    def _event(self, seen: ServiceState, reason: str, message: str, *, bad: bool = False) -> None:
        events.write(
            self._context.api,
            self._environment,
            self._service,
            uid=seen.uid,
            reason=reason,
            message=message,
            now=self._context.clock.now(),
            kind="Warning" if bad else "Normal",
        )


def _image(seen: ServiceState, slot: str) -> str:
    revision = seen.slot(slot).revision
    return revision.image if revision else "no image"


def _told(troubles: list[Trouble]) -> str:
    return f" ({'; '.join(str(one) for one in troubles)})" if troubles else ""


def _pods(number: int) -> str:
    return f"{number} pod" if number == 1 else f"{number} pods"


def _words(seen: ServiceState, step: Change | Await) -> str:
    """A step as a person reads it."""
    slot = seen.slot(step.slot)
    match step:
        case ScaleToZero():
            return f"Slot {slot.name}: taking its {_pods(slot.wanted)} away"
        case ApplyTemplate(_, image, replicas):
            return f"Slot {slot.name}: bringing in {image}, {_pods(replicas)}"
        case Scale(_, replicas):
            return f"Slot {slot.name}: {_pods(replicas)} instead of {slot.wanted}"
        case Preview():
            return f"Service {blue_green.preview(seen.service)}: slot {slot.name}"
        case Select():
            return f"Service {seen.service}: switching from slot {seen.live} to slot {slot.name}"
        case Retarget():
            return f"HorizontalPodAutoscaler {seen.service}: slot {slot.name}"
        case AwaitReady():
            return f"Slot {slot.name}: {slot.ready} of {slot.wanted} pods are ready"
        case AwaitGone():
            return f"Slot {slot.name}: {_pods(slot.pods)} left"
        case AwaitEndpoints():
            service = seen.service if step.active else blue_green.preview(seen.service)
            return f"Service {service} does not lead to slot {slot.name} only yet"
