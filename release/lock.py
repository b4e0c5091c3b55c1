"""The lock of a service: a Lease that its holder renews, and that expires after the holder has died."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contract import blue_green, labels
from kube.client import KubernetesObject
from release import objects
from release.clock import Clock
from release.errors import ExitCode, LostRaceError, ReleaseError
from release.objects import ObjectApi

LEASE_SECONDS = 60
"""Duration of the lease. The clocks of all machines that release must agree far better than that."""


@dataclass(frozen=True)
class Holder:
    """The holder of a lock.

    Attributes:
        identity: Name of the run of the tool that holds it.
        until: When the lock expires unless it is renewed.
    """

    identity: str
    until: datetime


def holder(lease: KubernetesObject | None) -> Holder | None:
    """The holder that a Lease names, even if the lock has expired; None if the lock is free."""
    spec: dict[str, Any] = (lease or {}).get("spec") or {}
    if not spec.get("holderIdentity"):
        return None
    renewed = datetime.fromisoformat(spec["renewTime"])
    return Holder(spec["holderIdentity"], renewed + timedelta(seconds=spec["leaseDurationSeconds"]))


class Lock:
    """The lock of one service, for one run of the tool.

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
        self._renewed: datetime | None = None

    def acquire(self) -> Holder | None:
        """Takes the lock if it is free, expired or this run's already; else returns its holder.

        Raises:
            LostRaceError: Another run took it at the same time: try again.
        """
        lease = self._api.get("coordination.k8s.io/v1", "Lease", blue_green.lock_name(self._service), self._environment)
        now = self._clock.now()
        current = holder(lease)
        if current and current.identity != self._identity and now < current.until:
            return current
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._seconds,
            "acquireTime": _micro_time(now),
            "renewTime": _micro_time(now),
        }
        if lease is None:
            metadata = {
                "name": blue_green.lock_name(self._service),
                "namespace": self._environment,
                "labels": {labels.SERVICE: self._service},
            }
            body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
            objects.create(self._api, body)
        else:
            objects.patch(self._api, lease, [{"op": "add", "path": "/spec", "value": spec}])
        self._renewed = now
        return None

    def renew(self) -> None:
        """Renews the lock once a third of the lease is over.

        Raises:
            ReleaseError: The lease expired, and another run has taken the lock.
        """
        now = self._clock.now()
        if self._renewed is not None and now - self._renewed < timedelta(seconds=self._seconds / 3):
            return
        try:
            self._patch([{"op": "add", "path": "/spec/renewTime", "value": _micro_time(now)}])
        except LostRaceError:
            raise ReleaseError(
                f"the lock of {self._service} in {self._environment} was lost: it was not renewed for more than "
                f"{self._seconds} s, and another release began",
                remedy="see `release status`; run the command again when the other release is over",
                exit_code=ExitCode.LOCKED,
            ) from None
        self._renewed = now

    def release(self) -> None:
        """Releases the lock; it is no error if another run has taken it."""
        try:
            self._patch([{"op": "replace", "path": "/spec/holderIdentity", "value": ""}])
        except LostRaceError:
            return

    def _patch(self, change: list[dict[str, Any]]) -> None:
        objects.patch_if(
            self._api,
            ("coordination.k8s.io/v1", "Lease", blue_green.lock_name(self._service), self._environment),
            {"op": "test", "path": "/spec/holderIdentity", "value": self._identity},
            change,
        )


def _micro_time(time: datetime) -> str:
    """A time in Kubernetes' MicroTime format: RFC 3339 with six digits."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
