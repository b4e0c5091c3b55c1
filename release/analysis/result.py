"""The result of an analysis, as the history keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from release.analysis.judgement import Finding, Verdict, plural


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of an analysis.

    Attributes:
        slot: The new slot.
        weight: Its share of the requests in percent.
        verdict: The verdict.
        reason: Its reason, with numbers.
        requests: Number of the new version's requests that it rests on.
        old_requests: The old version's; None without one.
        seconds: Length of the time that was measured.
        finished: When it was over.
        findings: What was found, a metric each.
    """

    slot: str
    weight: int
    verdict: Verdict
    reason: str
    requests: int
    old_requests: int | None
    seconds: int
    finished: datetime
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The result as the history contains it."""
        return {
            "slot": self.slot,
            "weight": self.weight,
            "verdict": self.verdict,
            "reason": self.reason,
            "requests": self.requests,
            "oldRequests": self.old_requests,
            "seconds": self.seconds,
            "finished": self.finished.isoformat(),
            "metrics": [finding.to_json() for finding in self.findings],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Result:
        """The result of a JSON object that `to_json` returned.

        Raises:
            KeyError: A field is missing.
            ValueError: A field has a value that this version does not know.
        """
        return cls(
            slot=str(value["slot"]),
            weight=int(value["weight"]),
            verdict=Verdict(value["verdict"]),
            reason=str(value["reason"]),
            requests=int(value["requests"]),
            old_requests=value["oldRequests"],
            seconds=int(value["seconds"]),
            finished=datetime.fromisoformat(value["finished"]),
            findings=tuple(
                Finding(one["metric"], one["new"], one["old"], one["problem"], one["missing"])
                for one in value["metrics"]
            ),
        )

    def __str__(self) -> str:
        return f"analysis at {self.weight} % {self.verdict} by {plural(self.requests, 'request')}: {self.reason}"
