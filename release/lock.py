"""One release of a service at a time: a Lease that its holder renews, and that expires when the holder is gone."""

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
"""A holder that was silent for so long is gone. Clocks of those who release must agree far better than that."""


@dataclass(frozen=True)
class Holder:
    """Who has a lock.

    Attributes:
        identity: Name of the one run of the tool.
        until: When the lock expires unless it is renewed.
    """

    identity: str
    until: datetime


name = blue_green.lock
"""The Lease's name, by the service's."""


def holder(lease: KubernetesObject | None) -> Holder | None:
    """Who has the lock, as the Lease says; None where it is free. It may have expired."""
    spec: dict[str, Any] = (lease or {}).get("spec") or {}
    if not spec.get("holderIdentity"):
        return None
    renewed = datetime.fromisoformat(spec["renewTime"])
    return Holder(spec["holderIdentity"], renewed + timedelta(seconds=spec["leaseDurationSeconds"]))


class Lock:
    """The lock of one service, in the hands of one run of the tool.

    Args:
        api: The API server.
        environment: The namespace.
        service: The service.
        identity: Name of this run, like no other's.
        clock: The time.
        seconds: After so long without a renewal it expires.
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
        """Takes the lock if it is free, expired or ours; else says who has it.

        Raises:
            LostRaceError: Somebody else took it at the same time: try again.
        """
        lease = self._api.get("coordination.k8s.io/v1", "Lease", name(self._service), self._environment)
        now = self._clock.now()
        found = holder(lease)
        if found and found.identity != self._identity and now < found.until:
            return found
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._seconds,
            "acquireTime": _micro_time(now),
            "renewTime": _micro_time(now),
        }
        if lease is None:
            metadata = {
                "name": name(self._service),
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
        """Renews the lock when a third of its time is over.

        Raises:
            ReleaseError: Somebody else has it by now: this run was silent for too long.
        """
        now = self._clock.now()
        if self._renewed is not None and now - self._renewed < timedelta(seconds=self._seconds / 3):
            return
        try:
            self._patch([{"op": "add", "path": "/spec/renewTime", "value": _micro_time(now)}])
        except LostRaceError:
            raise ReleaseError(
                f"the lock of {self._service} in {self._environment} was lost: this run was silent for more than "
                f"{self._seconds} s, and another release began",
                remedy="see `release status`; run the command again when the other release is over",
                exit_code=ExitCode.LOCKED,
            ) from None
        self._renewed = now

    def release(self) -> None:
        """Gives the lock back; one that somebody else has by now is no error."""
        try:
            self._patch([{"op": "replace", "path": "/spec/holderIdentity", "value": ""}])
        except LostRaceError:
            return

    def _patch(self, change: list[dict[str, Any]]) -> None:
        objects.patch_if(
            self._api,
            ("coordination.k8s.io/v1", "Lease", name(self._service), self._environment),
            {"op": "test", "path": "/spec/holderIdentity", "value": self._identity},
            change,
        )


def _micro_time(moment: datetime) -> str:
    """Kubernetes' MicroTime: RFC 3339 with six digits."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
