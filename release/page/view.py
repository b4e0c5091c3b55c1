"""What the page shows, as plain values, from the state of the services: pure.

`/state.json` is these values, and the page is drawn from nothing else. They hold times, never ages: two looks at an
unchanged service are equal.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from contract.blue_green import SLOTS
from kube.client import KubernetesObject
from release import steps
from release.goals import Resume
from release.history import Entry, Outcome, Revision, version_of
from release.messages import describe, named
from release.plan import Progress, next_step
from release.problems import problems
from release.state import ServiceState, Slot
from release.status import ServiceStatus, Status, Unreadable, short_name

BRING_IN, PODS, SMOKE_TEST, WEIGHTS, SWITCH, WATCH = PHASES = (
    "bring in",
    "wait for pods",
    "smoke test",
    "weights",
    "switch",
    "watch",
)
"""The phases of a release, in their order; only a canary has weights."""

_PHASE_OF: Mapping[type, str] = {
    steps.Refusal: BRING_IN,
    steps.Begin: BRING_IN,
    steps.ApplyTemplate: BRING_IN,
    steps.ScaleToZero: BRING_IN,
    steps.AwaitGone: BRING_IN,
    steps.RunHook: BRING_IN,
    steps.AwaitHook: BRING_IN,
    steps.EndHook: BRING_IN,
    steps.Scale: PODS,
    steps.AwaitReady: PODS,
    steps.SwitchPreview: PODS,
    steps.SmokeTestSlot: SMOKE_TEST,
}
"""The phase of each step before the switch; another step is of the switch itself."""

_IN_WORDS: Mapping[type, str] = {
    steps.SmokeTestSlot: "requests to the new version, by the preview Service",
    steps.Analyze: "comparing answers with those before the switch",
    steps.Settle: "every node follows the switch",
    steps.Finish: "writing the outcome down",
    steps.Refusal: "the slot does not hold the new image yet",
    steps.Begin: "about to begin",
    steps.RunHook: "about to start the Job of a hook",
    steps.EndHook: "writing down how the Job of a hook ended",
}
"""The steps that `describe` says nothing of."""


class Condition(enum.StrEnum):
    """How a service is, in a word."""

    SERVING = "serving"
    RELEASING = "releasing"
    EMPTY = "not released yet"
    ATTENTION = "needs attention"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class ImageView:
    """An image.

    Attributes:
        short: Its version, if the history knows it, and the first digits of its digest.
        full: The whole reference.
    """

    short: str
    full: str


@dataclass(frozen=True, kw_only=True)
class SlotView:
    """A slot of a service.

    Attributes:
        name: `blue` or `green`.
        role: `live`, `warm`, or `idle`.
        image: What its pods run, or would run; None if it never got an image.
        ready: Number of ready pods.
        desired: Desired number of pods.
        since: When it got what it runs, by the history.
        weight: Percentage of users' requests; None where the switch decides for all.
        troubles: Why pods of it are not ready.
    """

    name: str
    role: str
    image: ImageView | None
    ready: int
    desired: int
    since: datetime | None
    weight: int | None
    troubles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ReleaseView:
    """A release.

    Attributes:
        id: Its id in the history.
        action: `deploy`, `switch` or `rollback`.
        slot: The slot that it makes live.
        image: The image that it makes live.
        by: Who released, by the API server's name for them.
        who: The last part of that name.
        build: URL of the pipeline's build, if it is one that a browser may be sent to.
        started: Start time.
        finished: End time; None while it is running.
        outcome: Outcome.
        reason: Why it went back, or why an image that is not verified was let in.
        analyses: What its analyses by metrics have found.
    """

    id: str
    action: str
    slot: str
    image: ImageView
    by: str
    who: str
    build: str | None
    started: datetime
    finished: datetime | None
    outcome: Outcome
    reason: str | None
    analyses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RunningView:
    """An unfinished release.

    Attributes:
        release: The release.
        phases: Its phases, of `PHASES`.
        phase: Index of the one that it is in.
        step: The step that it is at, in words.
        is_manned: Whether somebody holds the service's lock: else its run was interrupted.
    """

    release: ReleaseView
    phases: tuple[str, ...]
    phase: int
    step: str
    is_manned: bool


@dataclass(frozen=True, kw_only=True)
class ProblemView:
    """Something that is wrong.

    Attributes:
        text: What is wrong.
        command: The command that mends it, if one does.
        remedy: What else to do about it.
    """

    text: str
    command: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceView:
    """A service in an environment.

    Attributes:
        environment: The environment.
        name: The service.
        condition: How it is.
        live: The slot that is live, or shall be; None if that is unknown.
        slots: Its slots.
        running: Its unfinished release, if any.
        problems: What is wrong, that users notice first.
        warm_until: Until when the idle slot is kept warm; None if it has no pods.
        history: Its releases, newest first.
    """

    environment: str
    name: str
    condition: Condition
    live: str | None = None
    slots: tuple[SlotView, ...] = ()
    running: RunningView | None = None
    problems: tuple[ProblemView, ...] = ()
    warm_until: datetime | None = None
    history: tuple[ReleaseView, ...] = ()

    @property
    def key(self) -> str:
        """Its name on the page."""
        return f"service-{self.environment}-{self.name}"


@dataclass(frozen=True, kw_only=True)
class DoorView:
    """A host name that leads into an environment.

    Attributes:
        host: The host name.
        load_balancer: The load balancer: `public` or `staff`.
        address: The load balancer's own host name; empty until it has one.
    """

    host: str
    load_balancer: str
    address: str


@dataclass(frozen=True, kw_only=True)
class EnvironmentView:
    """An environment.

    Attributes:
        name: `dev` or `prod`.
        doors: The host names that lead into it.
        dashboard: URL of its dashboard in Kibana; None if the platform names none.
        services: Its services, by name.
    """

    name: str
    doors: tuple[DoorView, ...]
    dashboard: str | None
    services: tuple[ServiceView, ...]

    @property
    def counts(self) -> tuple[tuple[Condition, int], ...]:
        """How many of its services are in each condition that some are in."""
        counts = Counter(service.condition for service in self.services)
        return tuple((condition, counts[condition]) for condition in Condition if counts[condition])


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is known of the cluster.

    Attributes:
        environments: The environments, as they were when they were read last.
        read: When that was; None before the first time.
        error: Why they could not be read since then, with what to do; None if they could.
    """

    environments: tuple[EnvironmentView, ...] = ()
    read: datetime | None = None
    error: ProblemView | None = None

    def to_json(self) -> str:
        """The look as JSON; times are in ISO 8601."""
        return json.dumps(asdict(self), indent=1, default=datetime.isoformat)

    @property
    def services(self) -> dict[str, ServiceView]:
        """The services of all environments, by their keys."""
        return {service.key: service for environment in self.environments for service in environment.services}


def version(shown: object) -> str:
    """A short digest of something that is shown: it is another one as soon as that changes."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:12]


def environment_view(
    name: str, statuses: Iterable[Status], ingresses: Iterable[KubernetesObject] = ()
) -> EnvironmentView:
    """An environment, from the statuses of its services and its Ingresses."""
    statuses = list(statuses)
    dashboards = [one.seen.dashboard for one in statuses if isinstance(one, ServiceStatus) and one.seen.dashboard]
    return EnvironmentView(
        name=name,
        doors=tuple(_doors(ingresses)),
        dashboard=_web_address(next(iter(dashboards), None)),
        services=tuple(service_view(status) for status in statuses),
    )


def service_view(status: Status) -> ServiceView:
    """A service, from its status."""
    if isinstance(status, Unreadable):
        return ServiceView(
            environment=status.environment,
            name=status.service,
            condition=Condition.UNKNOWN,
            problems=(ProblemView(text=status.error),),
        )
    state, running = status.seen, _running(status)
    found = tuple(_problems(status))
    return ServiceView(
        environment=state.environment,
        name=state.service,
        condition=_condition(status, found, is_running=running is not None),
        live=state.live,
        slots=tuple(_slot(state, state.slot(slot)) for slot in SLOTS),
        running=running,
        problems=found,
        warm_until=state.warm_until if state.idle_slot.desired else None,
        history=tuple(_release(entry, state.history) for entry in reversed(state.history)),
    )


def announcements(before: Look, after: Look) -> list[str]:
    """What happened between two looks, in sentences for who does not see the page."""
    sentences = [
        sentence
        for key, new in after.services.items()
        if (old := before.services.get(key)) is not None and old != new
        for sentence in _news(old, new)
    ]
    if before.error is None and after.error is not None:
        sentences.append(f"The cluster cannot be read: {after.error.text}")
    if before.error is not None and after.error is None:
        sentences.append("The cluster can be read again.")
    return sentences


def _news(old: ServiceView, new: ServiceView) -> Iterator[str]:
    name = f"{new.name} in {new.environment}"
    if old.live and new.live and old.live != new.live:
        yield f"{name}: slot {new.live} is live."
    if new.running and (old.running is None or old.running.release.id != new.running.release.id):
        yield f"{name}: {new.running.release.who} began a {new.running.release.action}."
    last = new.history[0] if new.history else None
    if old.running and not new.running and last:
        yield f"{name}: the {last.action} {_ENDED.get(last.outcome, 'ended')}."
    if old.condition != new.condition and new.condition in (Condition.DOWN, Condition.ATTENTION, Condition.UNKNOWN):
        yield f"{name}: {new.condition}."


_ENDED = {Outcome.RELEASED: "is done", Outcome.FAILED: "failed", Outcome.INTERRUPTED: "was interrupted"}


def _condition(status: ServiceStatus, found: Sequence[ProblemView], *, is_running: bool) -> Condition:
    if not status.is_healthy:
        return Condition.DOWN
    if is_running and status.holder is not None:
        return Condition.RELEASING
    if found:
        return Condition.ATTENTION
    return Condition.SERVING if status.seen.was_released else Condition.EMPTY


def _problems(status: ServiceStatus) -> Iterator[ProblemView]:
    state = status.seen
    for one in problems(state):
        is_command = one.remedy.startswith("release ")
        yield ProblemView(
            text=one.text,
            command=f"python -m {one.remedy}" if is_command else None,
            remedy=None if is_command else one.remedy,
        )
    deploy = f"python -m release deploy {state.environment} {state.service} --image"
    live = state.live_slot
    if state.live_failed:
        text = "the release of what is live failed, and there was no way back: release a good image"
        yield ProblemView(text=text, command=f"{deploy} IMAGE")
    if state.running is not None and status.holder is None:
        if state.running.paused:
            text = f"a {state.running.action} waits for a person, at {state.running.paused}"
            yield ProblemView(text=text, command=f"python -m release resume {state.environment} {state.service}")
        else:
            text = f"a {state.running.action} did not finish, and nobody is at work on it"
            yield ProblemView(text=text, remedy="run it again, or wait for the reconciler")
    if state.has_drifted and live.revision is not None and state.running is None:
        text = "template drift: what is live is older than the PodTemplate; a release applies it"
        yield ProblemView(text=text, command=f"{deploy} {live.revision.image}")


def _slot(state: ServiceState, slot: Slot) -> SlotView:
    entries = [entry for entry in state.history if entry.revision == slot.revision and entry.slot == slot.name]
    # Users' requests follow the switch alone, unless the load balancer has weights; without any they follow it, too.
    weights = state.weights if state.weights is None or any(state.weights.values()) else {state.live: 100}
    return SlotView(
        name=slot.name,
        role="live" if slot.name == state.live else "warm" if slot.desired else "idle",
        image=_image(slot.revision, state.history) if slot.revision else None,
        ready=slot.ready,
        desired=slot.desired,
        since=(entries[-1].finished or entries[-1].started) if entries else None,
        weight=None if weights is None else weights.get(slot.name, 0),
        troubles=tuple(str(trouble) for trouble in slot.troubles),
    )


def _running(status: ServiceStatus) -> RunningView | None:
    state, entry = status.seen, status.seen.running
    if entry is None:
        return None
    # What its run has done, as far as the cluster shows it: requests reach a slot by weight after its smoke test.
    share = 0 if state.live == entry.slot else (state.weights or {}).get(entry.slot, 0)
    step = next_step(state, Resume(entry.id), Progress(smoke_tested=share > 0))
    phases = tuple(phase for phase in PHASES if entry.canary or phase != WEIGHTS)
    if share:
        phase = WEIGHTS
    elif state.live == entry.slot:
        phase = WATCH
    else:
        phase = _PHASE_OF.get(type(step), SWITCH)
    return RunningView(
        release=_release(entry, state.history),
        phases=phases,
        phase=phases.index(phase) if phase in phases else phases.index(SWITCH),
        step=f"{share} % of the load balancer's requests reach it" if share else _in_words(state, step),
        is_manned=status.holder is not None,
    )


def _in_words(state: ServiceState, step: object) -> str:
    if isinstance(step, steps.Change | steps.Await):
        return describe(state, step)
    if isinstance(step, steps.Done):
        return step.message
    return _IN_WORDS.get(type(step)) or " ".join(_words(type(step).__name__))


def _words(name: str) -> Iterator[str]:
    """The words of a class's name, in lower case."""
    starts = [index for index, letter in enumerate(name) if letter.isupper()]
    for start, end in zip(starts, [*starts[1:], len(name)], strict=True):
        yield name[start:end].lower()


def _release(entry: Entry, history: Sequence[Entry]) -> ReleaseView:
    return ReleaseView(
        id=entry.id,
        action=str(entry.action),
        slot=entry.slot,
        image=_image(entry.revision, history),
        by=entry.by,
        who=short_name(entry.by),
        build=_web_address(entry.build),
        started=entry.started,
        finished=entry.finished,
        outcome=entry.outcome,
        reason=entry.reason or (f"not verified, let in: {entry.override}" if entry.override else None),
        analyses=tuple(str(result) for result in entry.analyses),
    )


def _image(revision: Revision, history: Sequence[Entry]) -> ImageView:
    return ImageView(short=named(revision.image, version_of(history, revision.image)), full=revision.image)


def _web_address(url: str | None) -> str | None:
    """An address that a browser may be sent to: no other scheme, which might be a script, and no login."""
    is_address = url is not None and url.startswith(("https://", "http://")) and "@" not in url.split("/")[2]
    return url if is_address else None


def _doors(ingresses: Iterable[KubernetesObject]) -> Iterator[DoorView]:
    for ingress in ingresses:
        spec: dict[str, Any] = ingress.get("spec") or {}
        status: dict[str, Any] = ingress.get("status") or {}
        balancer: dict[str, Any] = status.get("loadBalancer") or {}
        points: list[dict[str, Any]] = balancer.get("ingress") or []
        rules: list[dict[str, Any]] = spec.get("rules") or []
        for rule in rules:
            yield DoorView(
                host=str(rule.get("host", "")),
                load_balancer=str(spec.get("ingressClassName", "")),
                address=str(points[0].get("hostname", "")) if points else "",
            )
