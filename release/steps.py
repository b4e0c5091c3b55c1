"""The steps of a release, as values: the plan chooses them, `changes.py` and `run.py` carry them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from release.history import Action, Outcome, Revision


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
    """Apply the PodTemplate with an image to a slot, at a number of replicas."""

    slot: str
    image: str
    replicas: int


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


Change: TypeAlias = ScaleToZero | ApplyTemplate | Scale | SwitchPreview | SwitchActive | SetWeights | RetargetAutoscaler
"""The steps that change a Deployment, a Service, the Ingress or the HorizontalPodAutoscaler."""

Await: TypeAlias = AwaitReady | AwaitGone | AwaitEndpoints | AwaitWeights

Step: TypeAlias = Begin | Change | SmokeTestSlot | Analyze | Settle | Finish | Await


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
