"""What an interrupted engine leaves behind, and how the next run takes it up.

An engine that is killed leaves its lock, and in its state the creates that were under way. Of those some were done in
AWS: left alone, the next run would make them twice. An operator would look them up and import them; the aws stand-in
remembers the URN that each resource was made for, so that a rehearsal can do the same by itself. A Kubernetes object
needs none of this: server-side apply makes the same object again.

https://www.pulumi.com/docs/iac/support/troubleshooting/common-issues/interrupted-updates/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import psutil

from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.stand_ins.aws.account import Account


@dataclass(frozen=True)
class PendingCreates:
    """Creates whose end the engine did not see.

    Attributes:
        urns: All of them.
        made: URN and id of those that exist all the same.
    """

    urns: tuple[str, ...]
    made: tuple[tuple[str, str], ...]


def break_stale_lock(layout: Layout) -> bool:
    """Removes the backend's lock if the process that holds it is gone.

    https://github.com/pulumi/pulumi/blob/v3.250.0/pkg/backend/diy/lock.go

    Returns:
        Whether there was one to remove.

    Raises:
        RehearsalError: The process still runs.
    """
    broken = False
    for path in (layout.state / ".pulumi" / "locks").rglob("*.json"):
        pid = int(json.loads(path.read_text())["pid"])
        if psutil.pid_exists(pid):
            raise RehearsalError(
                f"A pulumi (process {pid}) is at work on this stack.",
                remedy=f"wait until it has ended; if that process is no pulumi, delete {path}.",
            )
        path.unlink()
        broken = True
    return broken


def pending_creates(layout: Layout, state: dict[str, Any]) -> PendingCreates:
    """The creates that a state has as under way, and which of them the aws stand-in did.

    Args:
        layout: The rehearsal, for its AWS account.
        state: A deployment as `pulumi stack export` has it.
    """
    operations: list[dict[str, Any]] = state.get("pending_operations") or []
    resources: list[dict[str, Any]] = state.get("resources") or []
    urns = [str(operation["resource"]["urn"]) for operation in operations if operation["type"] == "creating"]
    in_state = {str(resource.get("id")) for resource in resources}
    account = Account.load(layout)
    made = [(urn, record.id) for urn in urns for record in account.find_by_urn(urn) if record.id not in in_state]
    return PendingCreates(tuple(urns), tuple(made))
