"""The goals of a release: what a command asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Deploy:
    """An image live, with the PodTemplate as it is now, or the template of an earlier release.

    Attributes:
        image: Image by digest.
        override: Reason for letting an unverified image into prod.
        canary: The weights in percent that the new slot gets before the switch, in their order; empty for none, None
            for those of the service's settings.
        step_seconds: How long each weight lasts; None for the time of the service's settings.
        version: The image's tag, for people; None if nothing tells it.
        pauses: Where the release waits for a person: `before-switch`.
        template: Hash of the template of an earlier release that is restored; None for the PodTemplate as it is now.
    """

    image: str
    override: str | None = None
    canary: tuple[int, ...] | None = None
    step_seconds: float | None = None
    version: str | None = field(default=None, compare=False)
    pauses: tuple[str, ...] = ()
    template: str | None = None


@dataclass(frozen=True)
class Switch:
    """A warm slot live.

    Attributes:
        to: The slot; None for the idle one.
    """

    to: str | None = None


@dataclass(frozen=True)
class Rollback:
    """The previous release live again.

    Attributes:
        keep_failed: Whether the slot that is left keeps its pods, for somebody to look at them. Connections that are
            open to it stay with it; else its pods end after the switch, and the connections with them.
        reason: Why, for the history.
    """

    keep_failed: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Resume:
    """The unfinished release at its end, whoever began it: as it would have ended, or taken back.

    Attributes:
        release: Its id in the history.
        failure: Why to take it back; None to go on with it.
        by: The person who decides so, also on a release that waits for one; None if nobody does.
    """

    release: str
    failure: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Retire:
    """The idle slot scaled to zero.

    Attributes:
        now: Whether not to wait for the end of its warm time.
    """

    now: bool = False


@dataclass(frozen=True)
class Route:
    """The load balancer's weights as the active Service selects: all requests to the live slot."""


LiveGoal: TypeAlias = Deploy | Switch | Rollback
"""The goals that make a slot live."""

Goal: TypeAlias = LiveGoal | Retire | Resume | Route
