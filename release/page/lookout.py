"""One look at the cluster for all browsers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

import anyio.to_thread

from kube.client import KubernetesApiError
from release.clock import Clock
from release.objects import ObjectReader
from release.observe import services
from release.page.view import EnvironmentView, Look, ProblemView, environment_view
from release.session import explain
from release.snapshot import Snapshot
from release.status import read_statuses
from release.threads import at_once

WATCHED_SECONDS, UNWATCHED_SECONDS = 2, 10
"""From the end of one look to the next: while somebody watches, and else."""

ALIVE_SECONDS = 180
"""Age of the last look, good or not, at which it goes round no more."""


@dataclass
class Lookout:
    """Looks at the environments again and again, once for everybody who watches.

    Attributes:
        api: The API server.
        environments: The environments.
        clock: The clock.
        look: The last look. One that the API server refused has what was seen before, and the error.
        watchers: How many are watching.
    """

    api: ObjectReader
    environments: Sequence[str]
    clock: Clock
    look: Look = field(default_factory=Look)
    watchers: int = 0
    _tried: float | None = None
    _looked: asyncio.Condition = field(default_factory=asyncio.Condition)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def see(self) -> Look:
        """Looks now, and waits for the API server meanwhile."""
        try:
            found = at_once(self._environment, self.environments)
        except KubernetesApiError as error:
            text, remedy = explain(error)
            return replace(self.look, error=ProblemView(text=text, remedy=remedy))
        return Look(environments=tuple(found), read=self.clock.now())

    @property
    def is_alive(self) -> bool:
        """Whether it still goes round."""
        return self._tried is None or self.clock.monotonic() - self._tried < ALIVE_SECONDS

    async def run(self) -> None:
        """Looks for ever."""
        self._tried = self.clock.monotonic()
        while True:
            look = await anyio.to_thread.run_sync(self.see)
            self._tried = self.clock.monotonic()
            async with self._looked:
                self.look = look
                self._looked.notify_all()
            self._came.clear()
            try:
                pause = WATCHED_SECONDS if self.watchers else UNWATCHED_SECONDS
                await asyncio.wait_for(self._came.wait(), pause)
            except TimeoutError:
                continue

    async def follow(self) -> AsyncGenerator[Look]:
        """Yields the last look, and each one that follows."""
        self.watchers += 1
        if self.watchers == 1:
            self._came.set()  # what was seen while nobody watched may be old
        try:
            look = self.look
            while True:
                yield look
                async with self._looked:
                    await self._looked.wait_for(lambda seen=look: self.look is not seen)
                    look = self.look
        finally:
            self.watchers -= 1

    def _environment(self, environment: str) -> EnvironmentView:
        snapshot = Snapshot(self.api, environment)
        statuses = read_statuses(snapshot, environment, services(snapshot, environment), now=self.clock.now())
        ingresses = snapshot.list("networking.k8s.io/v1", "Ingress")
        return environment_view(environment, statuses, ingresses)
