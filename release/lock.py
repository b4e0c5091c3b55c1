"""The lock of a service: a Lease that its holder renews, and that expires after the holder has died."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contract import blue_green, labels
from kube.client import KubernetesObject
from release import objects
from release.clock import Clock
from release.errors import ExitCode, LostRaceError, ReleaseError
from release.objects import ObjectApi

LEASE = ("coordination.k8s.io/v1", "Lease")
"""API version and kind of a lock."""

LEASE_SECONDS = 60
"""Duration of the lease."""

RENEW_SECONDS = 3
"""A holder renews the lock so often: the reconciler sees long before the lock expires that a holder has died."""

_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Holder:
    """The holder of a lock.

    Attributes:
        identity: Name of the run of the tool that holds it.
        renewed: When it was last renewed, by its holder's clock; long ago if the Lease does not say.
        seconds: Duration of its lease.
    """

    identity: str
    renewed: datetime
    seconds: float

    @property
    def until(self) -> datetime:
        """When the lock expires unless it is renewed, by its holder's clock."""
        return self.renewed + timedelta(seconds=self.seconds)

    def is_plausible(self, now: datetime) -> bool:
        """Whether, by its own words, its holder lives: neither expired, nor renewed in the future."""
        return self.renewed - timedelta(seconds=self.seconds) <= now < self.until


def holder(lease: KubernetesObject | None) -> Holder | None:
    """The holder that a Lease names, even if the lock has expired; None if the lock is free."""
    spec: dict[str, Any] = (lease or {}).get("spec") or {}
    if not spec.get("holderIdentity"):
        return None
    try:
        renewed = datetime.fromisoformat(str(spec.get("renewTime")))
    except ValueError:
        renewed = _NEVER
    if renewed.tzinfo is None:
        renewed = renewed.replace(tzinfo=UTC)
    seconds = spec.get("leaseDurationSeconds")
    return Holder(str(spec["holderIdentity"]), renewed, seconds if isinstance(seconds, int) else LEASE_SECONDS)


class Lock:
    """The lock of one service, for one run of the tool.

    As in client-go, no other machine's clock is trusted: a lock has expired when its Lease did not change for its
    duration, by this run's own clock.
    https://pkg.go.dev/k8s.io/client-go/tools/leaderelection

    Args:
        api: The API server.
        environment: The namespace.
        service: The service.
        identity: Unique name of this run.
        clock: The clock.
        seconds: Duration of the lease.
    """

    def __init__(
        self,
        api: ObjectApi,
        environment: str,
        service: str,
        identity: str,
        clock: Clock,
        *,
        seconds: int = LEASE_SECONDS,
    ) -> None:
        self._api = api
        self._environment = environment
        self._service = service
        self._identity = identity
        self._clock = clock
        self._seconds = seconds
        self._renewed: float | None = None
        self._seen = ("", 0.0)

    def acquire(self, *, over: str | None = None) -> Holder | None:
        """Takes the lock if it is free, expired or this run's already; else returns its holder.

        Args:
            over: Resource version of the Lease of a holder who was seen to have died: the lock is taken from it.

        Raises:
            LostRaceError: Another run took it at the same time: try again.
        """
        lease = self._api.get(*LEASE, blue_green.lock_name(self._service), self._environment)
        now, current = self._clock.now(), holder(lease)
        is_mine = current is not None and current.identity == self._identity
        is_over = lease is not None and str(lease["metadata"]["resourceVersion"]) == over
        if lease and current and not (is_mine or is_over or self._has_expired(lease, current)):
            return current
        before: dict[str, Any] = (lease or {}).get("spec") or {}
        transitions = before.get("leaseTransitions")
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._seconds,
            "acquireTime": _micro_time(now),
            "renewTime": _micro_time(now),
            "leaseTransitions": (transitions if isinstance(transitions, int) else 0) + 1,
        }
        if lease is None:
            metadata = {
                "name": blue_green.lock_name(self._service),
                "namespace": self._environment,
                "labels": {labels.SERVICE: self._service},
            }
            body = {"apiVersion": LEASE[0], "kind": LEASE[1], "metadata": metadata, "spec": spec}
            objects.create(self._api, body)
        else:
            objects.patch(self._api, lease, [{"op": "add", "path": "/spec", "value": spec}])
        self._renewed = self._clock.monotonic()
        return None

    def _has_expired(self, lease: KubernetesObject, current: Holder) -> bool:
        version, now = str(lease["metadata"]["resourceVersion"]), self._clock.monotonic()
        if self._seen[0] != version:
            self._seen = (version, now)
        return now - self._seen[1] >= current.seconds

    def renew(self) -> None:
        """Renews the lock every `RENEW_SECONDS`, or once a third of a shorter lease is over.

        Raises:
            ReleaseError: The lease expired, and another run has taken the lock.
        """
        if self._renewed is None or self._clock.monotonic() - self._renewed >= min(self._seconds / 3, RENEW_SECONDS):
            self.check()

    def check(self) -> None:
        """Renews the lock now: no other run can have taken it before, nor can one take it within its duration.

        To be called right before a change that is wrong without the lock.

        Raises:
            ReleaseError: The lease expired, and another run has taken the lock.
        """
        began = self._clock.monotonic()
        try:
            self._patch([{"op": "add", "path": "/spec/renewTime", "value": _micro_time(self._clock.now())}])
        except LostRaceError:
            raise ReleaseError(
                f"the lock of {self._service} in {self._environment} was lost: it was not renewed for more than "
                f"{self._seconds} s, and another release began",
                remedy="see `release status`; run the command again when the other release is over",
                exit_code=ExitCode.LOCKED,
            ) from None
        self._renewed = began

    def release(self) -> None:
        """Releases the lock; it is no error if another run has taken it."""
        try:
            self._patch([{"op": "replace", "path": "/spec/holderIdentity", "value": ""}])
        except LostRaceError:
            return

    def _patch(self, change: list[dict[str, Any]]) -> None:
        objects.patch_if(
            self._api,
            (*LEASE, blue_green.lock_name(self._service), self._environment),
            {"op": "test", "path": "/spec/holderIdentity", "value": self._identity},
            change,
        )


def _micro_time(time: datetime) -> str:
    """A time in Kubernetes' MicroTime format: RFC 3339 with six digits."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
