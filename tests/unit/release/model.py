"""A service in a model without Kubernetes: the effect of each step of a plan on its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.blue_green import BLUE, hook_job_name
from release.context import Limits
from release.goals import Goal, Rollback
from release.history import Action, Decision, Entry, Outcome, Revision, added
from release.hooks import plan as hooks
from release.hooks.values import BLOCKING, Hook, HookRun, HookSettings, Job
from release.http import Target
from release.plan import next_step
from release.progress import Progress
from release.state import ServiceState, Slot, SmokeTest, other
from release.steps import (
    Analyze,
    ApplyTemplate,
    AwaitEndpoints,
    AwaitGone,
    AwaitHook,
    AwaitReady,
    AwaitWeights,
    Begin,
    Decide,
    Done,
    EndHook,
    Finish,
    Pause,
    Refusal,
    RetargetAutoscaler,
    RunHook,
    Scale,
    ScaleToZero,
    Settle,
    SetWeights,
    SmokeTestSlot,
    Step,
    SwitchActive,
    SwitchPreview,
)
from release.waiting import limit
from release.weights import shares

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REPOSITORY = "registry.example.com/hello/api"
TEMPLATE = "now"


def image(quality: str, number: int = 0) -> str:
    """An image that does as its quality says: `good`, `never ready`, `smoke` or `watch` (where it fails), or `fades`.

    The pods of one that fades lose readiness once they are live.
    """
    marks = {"good": "a", "never ready": "b", "smoke": "c", "watch": "d", "fades": "e"}
    return f"{REPOSITORY}@sha256:{marks[quality]}{number:063x}"


def quality(of: str) -> str:
    """What `image` was told."""
    return {"a": "good", "b": "never ready", "c": "smoke", "d": "watch", "e": "fades"}[of.partition("sha256:")[2][0]]


def revision(wanted: str = "good", number: int = 0, template: str | None = TEMPLATE) -> Revision:
    """An image with a template."""
    return Revision(image(wanted, number), template)


def slot(name: str, runs: Revision | None = None, pods: int = 0, ready: int | None = None, **more: Any) -> Slot:
    """A slot with so many pods, all ready unless said otherwise."""
    return Slot(name=name, revision=runs, desired=pods, pods=pods, ready=pods if ready is None else ready, **more)


def service_state(blue: Slot, green: Slot, *, live: str = BLUE, **more: Any) -> ServiceState:
    """A service whose Services lead where they should."""
    slots = {"blue": blue, "green": green}
    given: dict[str, Any] = {
        "environment": "dev",
        "service": "api",
        "live": live,
        "preview": other(live),
        "autoscaled": live,
        "minimum": 2,
        "maximum": 4,
        "active_endpoints": endpoints(slots[live]),
        "preview_endpoints": endpoints(slots[other(live)]),
        "repository": REPOSITORY,
        "template": TEMPLATE,
        "configuration": (),
        "exclusive": False,
        "active_target": Target("dev", "api", 8099, "http"),
        "preview_target": Target("dev", "api-preview", 8099, "http"),
        "smoke_test": SmokeTest("/health"),
        "now": NOW,
    }
    return ServiceState(blue=blue, green=green, **{**given, **more})


def entry(
    slot_name: str,
    runs: Revision,
    *,
    action: Action = Action.DEPLOY,
    previous: Revision | None = None,
    outcome: Outcome = Outcome.RELEASED,
    finished: datetime | None = NOW - timedelta(minutes=1),
    **more: Any,
) -> Entry:
    """A release of the past."""
    return Entry(
        id=f"{slot_name}-{action}",
        action=action,
        slot=slot_name,
        revision=runs,
        previous=previous,
        by="tester",
        started=NOW - timedelta(minutes=2),
        finished=None if outcome is Outcome.RUNNING else finished,
        outcome=outcome,
        warm_seconds=600,
        **more,
    )


EVERY_HOOK = tuple(HookSettings(hook, ("./migrate",)) for hook in Hook)


def endpoints(of: Slot) -> dict[str, int]:
    """What a Service that selects this slot leads to."""
    return {of.name: of.ready} if of.ready else {}


@dataclass(frozen=True)
class World:
    """How things stand, and what the tool remembers.

    Attributes:
        state: The state.
        progress: What the tool remembers.
        room: How many pods fit on the nodes.
        outage: Seconds for which users have waited so far, while a slot that served was ready.
        rules: The weights in the load balancer's rules; None while nobody knows them.
        is_deaf: Whether the load balancer does not follow the Ingress any more.
        goal: What was asked for.
        failing: The hooks whose Jobs fail.
        pauses: Where a deploy waits for a person.
        settles: Whether pods that get ready have to be so for a time.
    """

    state: ServiceState
    progress: Progress = field(default_factory=Progress)
    room: int = 1000
    outage: float = 0
    rules: Mapping[str, int] | None = None
    is_deaf: bool = False
    goal: Goal | None = None
    failing: frozenset[Hook] = frozenset()
    pauses: tuple[str, ...] = ()
    settles: bool = False

    def step(self, goal: Goal) -> Step | Done | Refusal:
        """What the plan says."""
        return next_step(self.state, goal, self.progress)

    def after(self, step: Step) -> World:  # noqa: C901, PLR0911, PLR0912 - one line a step
        """The world when a step is done, or has failed."""
        match step:
            case Begin(action, name, runs, previous, canary):
                more: dict[str, Any] = {
                    "hooks": self.state.hooks,
                    "pauses": self.pauses if action is Action.DEPLOY else (),
                    "canary": canary,
                }
                begun = entry(name, runs, action=action, previous=previous, outcome=Outcome.RUNNING, **more)
                return self._with(history=added(self.state.history, replace(begun, id="this run")))
            case ScaleToZero(name):
                return self._slot(name, desired=0, ready=0)
            case ApplyTemplate(name, new, replicas, template):
                runs = Revision(new, template or self.state.template)
                return self._slot(name, revision=runs, desired=replicas, ready=0, pods=replicas)
            case Scale(name, replicas):
                return self._slot(name, desired=replicas, pods=max(replicas, self.state.slot(name).pods))
            case SwitchPreview(name):
                return self._with(preview=name)
            case SwitchActive(name):
                return self._with(live=name, **self._faded(name))
            case SetWeights(name, weight):
                changed = self._with(weights=shares(name, weight), **(self._faded(name) if weight else {}))
                return replace(changed, progress=replace(self.progress, weights=None, is_unrouted=False))
            case AwaitWeights(name, weight):
                return self._follow(name, weight)
            case RetargetAutoscaler(name):
                return self._with(autoscaled=name)
            case SmokeTestSlot(name):
                return self._judge(name, "smoke", smoke_tested=True)
            case Analyze(name, weight):
                passed = {"analyzed": True} if self.state.live == name else {"passed_weight": weight}
                return self._judge(name, "watch", **passed)
            case RunHook() | AwaitHook() | EndHook():
                return self._hook(step)
            case Pause(at):
                return self._entry(paused=at)
            case Decide(by, failure):
                decided = self._entry(
                    paused=None, aborted=failure, decisions=(Decision(by, NOW, self.state.history[-1].paused),)
                )
                return replace(decided, progress=replace(self.progress, failure=failure))
            case Settle():
                return replace(self, progress=replace(self.progress, settled=True))
            case Finish(outcome):
                ended = replace(self.state.history[-1], outcome=outcome, finished=NOW, paused=None)
                ended_world = self._with(history=added(self.state.history, ended))
                return replace(ended_world, progress=replace(self.progress, finished=True))
            case AwaitReady(name):
                return self._get_ready(name, step)
            case AwaitGone(name):
                return self._slot(name, pods=0, ready=0)
            case AwaitEndpoints(name, active):
                found = endpoints(self.state.slot(name))
                if not found:
                    return self._failed(f"{name} has no endpoints")
                return self._with(**{"active_endpoints" if active else "preview_endpoints": found})

    def _faded(self, name: str) -> dict[str, Slot]:
        """What a slot becomes that gets users."""
        runs = self.state.slot(name).revision
        return {name: replace(self.state.slot(name), ready=0)} if runs and quality(runs.image) == "fades" else {}

    def _follow(self, name: str, weight: int) -> World:
        """The load balancer follows the Ingress, unless it is deaf."""
        if not self.is_deaf:
            known = replace(self.progress, weights=(name, weight), settled=False)
            return replace(self, rules=self.state.weights, progress=known)
        running = self.state.running
        if running is None or running.action is Action.ROLLBACK or isinstance(self.goal, Rollback):
            return replace(self, progress=replace(self.progress, is_unrouted=True))
        return self._failed("the load balancer does not follow")

    def _hook(self, step: RunHook | AwaitHook | EndHook) -> World:
        """A Job is made, ends, or its end is recorded; the failure of a blocking one takes the release back."""
        release = hooks.release_of(self.state, step.hook)
        name = hook_job_name(self.state.service, step.hook.label, release.id)
        failure = "exit code 1" if step.hook in self.failing else None
        match step:
            case RunHook():
                assert name not in self.state.jobs, f"{step} runs twice"
                return self._with(jobs={**self.state.jobs, name: Job()})
            case AwaitHook():
                return self._with(jobs={**self.state.jobs, name: Job(is_finished=True, failure=failure)})
            case EndHook():
                if failure and step.hook in BLOCKING:
                    return self._failed(f"{step.hook} failed")
                ended = replace(release, hook_runs=(*release.hook_runs, HookRun(step.hook, name, failure)))
                return self._with(history=added(self.state.history, ended))

    def _entry(self, **changes: Any) -> World:
        return self._with(history=added(self.state.history, replace(self.state.history[-1], **changes)))

    def _get_ready(self, name: str, step: AwaitReady) -> World:
        """The pods that fit are ready, of a version whose pods can be; if not enough are, the wait lasts to its end."""
        slot = self.state.slot(name)
        can = slot.revision is not None and quality(slot.revision.image) != "never ready"
        gets_users = self.state.live == name or (self.state.weights or {}).get(name)
        if slot.revision is not None and quality(slot.revision.image) == "fades" and gets_users:
            can = False
        fit = max(slot.ready, min(slot.desired, self.room - self.state.slot(other(name)).pods)) if can else slot.ready
        if slot.recent and slot.is_ready:
            return self._slot(name, recent=0)
        recent = fit - slot.ready if self.settles else 0
        grown = self._slot(
            name, ready=fit, recent=recent, pods=max(fit, slot.pods if not can else fit), is_rolled_out=True
        )
        if fit >= slot.desired or grown.state != self.state:
            return grown  # whatever changed: the tool looks again
        lasted = limit(self.state, step, Limits())
        idle = self.state.idle_slot
        waits = self.state.live_slot.ready == 0 and idle.serves() and self.state.has_served(idle)
        waits = waits or self.state.is_misrouted
        outage = self.outage + (lasted if waits and not self.state.exclusive else 0)
        if step.is_urgent and name != self.state.live and not (self.state.weights or {}).get(name):
            return replace(self, outage=outage, progress=replace(self.progress, hurried=True))
        return replace(self._failed(f"{name} is not ready"), outage=outage)

    def _judge(self, name: str, where: str, **passed: float) -> World:
        runs = self.state.slot(name).revision
        assert runs is not None
        if quality(runs.image) == where:
            return self._failed(f"{where} failed")
        return replace(self, progress=replace(self.progress, **passed))

    def _failed(self, why: str) -> World:
        first = self.progress.failure is None
        return replace(self, progress=replace(self.progress, **{"failure" if first else "abort_failure": why}))

    def _slot(self, name: str, **changes: Any) -> World:
        return self._with(**{name: replace(self.state.slot(name), **changes)})

    def _with(self, **changes: Any) -> World:
        return replace(self, state=replace(self.state, **changes))
