"""What a run of the release tool remembers between its steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """What this run of the tool has done so far and the cluster does not show.

    Attributes:
        smoke_tested: Whether the new version passed its smoke test.
        analyzed: Whether the answers after the switch were no worse than before.
        settled: Whether the nodes, and those of the load balancer, have had their time to follow the switch.
        failure: Why the new version failed.
        abort_failure: Why going back failed, too.
        finished: Whether the outcome is in the history.
        hurried: Whether a rollback has waited long enough for more pods, and takes those that are ready.
        weights: The slot and its weight in percent that the load balancer's rules had when they were last looked at;
            None as long as they did not have what the Ingress says.
        passed_weight: The weight of the canary's last step that the new version has passed.
        is_unrouted: Whether it was waited in vain for the rules to give all requests to the live slot.
    """

    smoke_tested: bool = False
    analyzed: bool = False
    settled: bool = False
    failure: str | None = None
    abort_failure: str | None = None
    finished: bool = False
    hurried: bool = False
    weights: tuple[str, int] | None = None
    passed_weight: int = 0
    is_unrouted: bool = False
