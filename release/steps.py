"""The steps of a release, as values: the plan chooses them, `changes.py` and `run.py` carry them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from release.history import Action, Outcome, Revision
from release.hooks.values import Hook


@dataclass(frozen=True)
class Begin:
    """Write the start of the release into the history.

    Attributes:
        action: The kind of release.
        slot: The slot to make live.
        revision: The revision that the slot is to run.
        previous: The revision that is live now; None if nothing is, or if the live slot itself is released again.
        canary: The weights in percent that the slot gets before the switch, in their order.
    """

    action: Action
    slot: str
    revision: Revision
    previous: Revision | None
    canary: tuple[int, ...] = ()


@dataclass(frozen=True)
class ScaleToZero:
    """Scale a slot to zero."""

    slot: str


@dataclass(frozen=True)
class ApplyTemplate:
    """Apply a template with an image to a slot, at a number of replicas.

    Attributes:
        slot: The slot.
        image: Image by digest.
        replicas: Number of pods.
        template: Hash of an earlier release's template; None for the PodTemplate as it is now.
    """

    slot: str
    image: str
    replicas: int
    template: str | None = None


@dataclass(frozen=True)
class Scale:
    """Scale a slot."""

    slot: str
    replicas: int


@dataclass(frozen=True)
class SwitchPreview:
    """Let the preview Service select a slot."""

    slot: str


@dataclass(frozen=True)
class SwitchActive:
    """Let the active Service select a slot: the only step that changes what users reach."""

    slot: str


@dataclass(frozen=True)
class SetWeights:
    """Let the load balancer forward a share of the requests to a slot, and all others to the other slot.

    Attributes:
        slot: The slot.
        weight: Its share in percent, 0 to 100.
    """

    slot: str
    weight: int


@dataclass(frozen=True)
class RetargetAutoscaler:
    """Let the HorizontalPodAutoscaler scale a slot."""

    slot: str


@dataclass(frozen=True)
class SmokeTestSlot:
    """Smoke test a slot through the preview Service."""

    slot: str


@dataclass(frozen=True)
class Analyze:
    """Compare the answers of a slot with those of the slot before it.

    Attributes:
        slot: The new slot.
        weight: Its share of the load balancer's requests in percent; 100 after the switch.
    """

    slot: str
    weight: int = 100


@dataclass(frozen=True)
class Settle:
    """Wait until each node has had its time to follow the last switch."""


@dataclass(frozen=True)
class Finish:
    """Write the outcome of the release into the history."""

    outcome: Outcome


@dataclass(frozen=True)
class AwaitReady:
    """Wait until all pods of a slot are ready.

    Attributes:
        slot: That slot.
        is_urgent: Whether users wait, though another slot could serve them: for `Limits.outage` at most.
    """

    slot: str
    is_urgent: bool = False


@dataclass(frozen=True)
class AwaitGone:
    """Wait until a slot has no pods, not even terminating ones."""

    slot: str


@dataclass(frozen=True)
class AwaitEndpoints:
    """Wait until a Service has endpoints of one slot only.

    Attributes:
        slot: That slot.
        active: Whether it is the active Service; else it is the preview Service.
        is_urgent: As in `AwaitReady`.
    """

    slot: str
    active: bool
    is_urgent: bool = False


@dataclass(frozen=True)
class AwaitWeights:
    """Wait until the load balancer's rules have the weights of `SetWeights`.

    Attributes:
        slot: The slot.
        weight: Its share in percent, 0 to 100.
    """

    slot: str
    weight: int


@dataclass(frozen=True)
class AwaitHook:
    """Wait until the Job of a hook has ended.

    Attributes:
        hook: The hook.
        slot: The slot whose image and configuration it has.
    """

    hook: Hook
    slot: str


@dataclass(frozen=True)
class RunHook:
    """Create the Job of a hook, unless there is one; attributes as of `AwaitHook`."""

    hook: Hook
    slot: str


@dataclass(frozen=True)
class EndHook:
    """Show what a hook that has ended wrote, and how it ended; attributes as of `AwaitHook`."""

    hook: Hook
    slot: str


@dataclass(frozen=True)
class Pause:
    """Let the release wait for a person, and end the command.

    Attributes:
        at: Where: one of the release's pauses.
    """

    at: str


@dataclass(frozen=True)
class Decide:
    """Write into the history what a person has decided on an unfinished release.

    Attributes:
        by: The person.
        failure: Why to take it back; None to go on with it.
    """

    by: str
    failure: str | None


Change: TypeAlias = ScaleToZero | ApplyTemplate | Scale | SwitchPreview | SwitchActive | SetWeights | RetargetAutoscaler
"""The steps that change a Deployment, a Service, the Ingress or the HorizontalPodAutoscaler."""

Await: TypeAlias = AwaitReady | AwaitGone | AwaitEndpoints | AwaitWeights | AwaitHook

Step: TypeAlias = (
    Begin | Change | SmokeTestSlot | Analyze | Settle | RunHook | EndHook | Pause | Decide | Finish | Await
)


@dataclass(frozen=True)
class Done:
    """No step: the goal is reached."""

    message: str


@dataclass(frozen=True)
class Refusal:
    """No step: the goal is refused, and nothing was changed.

    Attributes:
        reason: Why.
        remedy: What to do.
    """

    reason: str
    remedy: str
