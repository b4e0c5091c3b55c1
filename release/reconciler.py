"""The reconciler: looks at all services, again and again, and does what is due and nobody is at work on.

It keeps nothing: what it remembers between its looks is how long the cluster has been as it is, by its own clock. So it
can be killed at any time, and several may run at once; the lock of a service decides between them, and between them
and people.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from contract.blue_green import lock_name
from kube.client import KubernetesApiError
from release.announcements import Announcement, announcements
from release.clock import Clock
from release.context import Context
from release.duties import Circumstances, Policy, due, giving_way
from release.errors import ExitCode, ReleaseError
from release.goals import Goal, Resume, Retire, Rollback, Route
from release.lock import LEASE, holder
from release.objects import ObjectApi
from release.observe import observe, services
from release.retries import is_transient
from release.run import reconcile
from release.snapshot import Snapshot
from release.state import ServiceState

SILENT_SECONDS = 6
"""A holder of a lock that has not renewed it for so long has died or is cut off: it renews it every
`lock.RENEW_SECONDS`. While users wait, the lock is taken from it; else when it expires."""

BUSY_SECONDS, QUIET_SECONDS = 2, 10
"""From one look to the next: while some service has pods in both slots, so that there is a way back, or has an
unfinished release; and else."""

LONGEST_PAUSE_SECONDS = 300
"""What failed is tried again after `BUSY_SECONDS`, then after twice as long, and so on up to this."""

Key = tuple[str, str]
"""Environment and service."""


@dataclass
class Memory:
    """What the reconciler remembers of one service; times are of the monotonic clock.

    Attributes:
        lease: Resource version of its Lease; empty without one.
        lease_since: Since when the Lease has been so.
        waiting_since: Since when users wait at a slot without a ready pod, while the other slot has some; None if they
            do not.
        failure: Id of an unfinished release that could not be gone on with, and why.
        collected: When it was looked for what nothing needs any more.
        failures: How often in a row what was due has failed.
        not_before: When it is tried again.
        seen: The state at the last look; None before the second.
    """

    lease: str = ""
    lease_since: float = 0
    waiting_since: float | None = None
    failure: tuple[str, str] = ("", "")
    collected: float = 0
    failures: int = 0
    not_before: float = 0
    seen: ServiceState | None = None


@dataclass(frozen=True)
class Duty:
    """What is due for one service.

    Attributes:
        environment: The environment.
        service: The service.
        goal: The goal, as it looks.
        circumstances: The circumstances in which it is due.
        release: Id of the last release that was seen.
        over: Resource version of the Lease of a holder that has died; None if nobody holds the lock.
    """

    environment: str
    service: str
    goal: Goal
    circumstances: Circumstances
    release: str
    over: str | None

    @property
    def key(self) -> Key:
        """Environment and service."""
        return self.environment, self.service


@dataclass
class Reconciler:
    """The reconciler of some environments.

    Attributes:
        api: The API server.
        clock: The clock.
        context: The surroundings of a service's run, by environment and service; a new one for each run.
        environments: The environments.
        policy: When something is due.
        announce: Tells what has happened to a release since the look before, whoever did it.
        looked: When all environments were last looked at, by the monotonic clock; None before that.
        is_busy: Whether a way back, or an unfinished release, is to be watched closely.
    """

    api: ObjectApi
    clock: Clock
    context: Callable[[str, str], Context]
    environments: Sequence[str]
    policy: Policy = field(default_factory=Policy)
    announce: Callable[[Announcement], None] = lambda _: None
    looked: float | None = None
    is_busy: bool = True
    _memories: dict[Key, Memory] = field(default_factory=dict[Key, Memory])
    _running: dict[Key, threading.Thread] = field(default_factory=dict[Key, threading.Thread])

    def look(self) -> list[Duty]:
        """What is due for all services. A service that cannot be read hides no other.

        Raises:
            KubernetesApiError: The API server refused, or did not answer.
        """
        self.is_busy = False
        found = [duty for environment in self.environments for duty in self._look_at(environment)]
        self.looked = self.clock.monotonic()
        return found

    def do(self, duty: Duty) -> None:
        """Does what is due, unless it is not any more; what fails is reported, and is due again."""
        context, memory = self.context(*duty.key), self._memories[duty.key]
        if not isinstance(duty.goal, Retire):
            context = replace(context, clean_up=lambda: None)
        try:
            result = reconcile(
                context, duty.environment, duty.service, lambda state: self._still_due(duty, state), over=duty.over
            )
        except (ReleaseError, KubernetesApiError) as error:
            self._fail(context, duty, memory, error)
            return
        if isinstance(duty.goal, Retire):
            memory.collected = self.clock.monotonic()
        memory.failures = 0
        context.report(result.message if result.exit_code is ExitCode.DONE else f"{result.exit_code}: {result.message}")

    def start(self, duties: Sequence[Duty]) -> None:
        """Does each of them on a thread of its own, but for services for which one is still under way."""
        for duty in duties:
            running = self._running.get(duty.key)
            if running is None or not running.is_alive():
                thread = self._running[duty.key] = threading.Thread(target=self.do, args=(duty,), daemon=True)
                thread.start()

    def _look_at(self, environment: str) -> Iterator[Duty]:
        snapshot = Snapshot(self.api, environment)
        states: list[ServiceState] = []
        for service in services(snapshot, environment):
            # What cannot be read a person sees in `release status`.
            with suppress(ReleaseError, KeyError, ValueError, TypeError, AttributeError):
                states.append(observe(snapshot, environment, service, now=self.clock.now()))
        gives_way = giving_way(states, self.policy)
        for state in states:
            self.is_busy |= state.running is not None or (state.live_slot.has_pods and state.idle_slot.has_pods)
            duty = self._duty(state, snapshot, gives_way=state.service == gives_way)
            self._announce(state)
            if duty is not None:
                yield duty

    def _announce(self, state: ServiceState) -> None:
        memory = self._memories[state.environment, state.service]
        for one in announcements(memory.seen, state) if memory.seen else ():
            self.announce(one)
        memory.seen = state

    def _duty(self, state: ServiceState, snapshot: Snapshot, *, gives_way: bool) -> Duty | None:
        key, now = (state.environment, state.service), self.clock.monotonic()
        memory = self._memories.setdefault(key, Memory(lease_since=now, collected=now))
        lease = snapshot.get(*LEASE, lock_name(state.service), state.environment)
        version = str(lease["metadata"]["resourceVersion"]) if lease else ""
        if version != memory.lease:
            memory.lease, memory.lease_since = version, now
        memory.waiting_since = (memory.waiting_since or now) if state.is_rescue_due or state.is_misrouted else None
        waited = now - (memory.waiting_since or now)
        holds, unchanged = holder(lease), now - memory.lease_since
        is_locked = holds is not None and unchanged < holds.seconds
        release = state.history[-1].id if state.history else ""
        circumstances = Circumstances(
            is_locked=is_locked,
            has_holder_failed=unchanged >= SILENT_SECONDS or waited >= self.policy.outage,
            is_abandoned=not is_locked and unchanged >= self.policy.patience,
            was_given_back=holds is None,
            failure=memory.failure[1] if memory.failure[0] == release else None,
            is_collection_due=now - memory.collected >= self.policy.collect,
            gives_way=gives_way,
        )
        goal = due(state, circumstances, self.policy)
        # Users wait for no pause after a failure.
        if goal is None or (now < memory.not_before and not isinstance(goal, Rollback | Route)):
            return None
        over = version if holds else None
        return Duty(*key, goal, circumstances, release, over)

    def _still_due(self, duty: Duty, state: ServiceState) -> Goal | None:
        """What is due under the lock, of the same release; another run may have been there meanwhile."""
        release = state.history[-1].id if state.history else ""
        circumstances = replace(duty.circumstances, is_locked=False)
        return due(state, circumstances, self.policy) if release == duty.release else None

    def _fail(self, context: Context, duty: Duty, memory: Memory, error: ReleaseError | KubernetesApiError) -> None:
        if isinstance(error, ReleaseError) and error.exit_code is ExitCode.LOCKED:
            return  # somebody else is at work
        if isinstance(duty.goal, Resume) and not is_transient(error):
            memory.failure = (duty.release, error.message if isinstance(error, ReleaseError) else str(error))
        if isinstance(duty.goal, Retire):
            memory.collected = -self.policy.collect
        pause = min(BUSY_SECONDS * 2**memory.failures, LONGEST_PAUSE_SECONDS)
        memory.failures += 1
        memory.not_before = self.clock.monotonic() + pause
        context.report(f"Failed, and is tried again in {pause} s: {error}")
