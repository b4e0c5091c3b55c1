"""The scan gate: whether what ECR found in an image keeps it from being released. `python -m pipelines.scan`.

Its rules are the stack's setting `delivery.scan`, which Jenkins gives each build as JSON in `SCAN_RULES`:

- A finding counts from a severity on, and only if a fix is available or ECR does not say (basic scanning does not).
- A waiver lifts one finding until its day; after it the finding counts again.
- An image that ECR cannot scan, such as one from `scratch`, passes only for services that are listed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Self

from pipelines.ecr import Finding, PipelineError, Repository, UnscannableError
from release import aws

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")
"""From the worst on. Enhanced scanning's UNTRIAGED is below all of them.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanFindings.html
"""


@dataclass(frozen=True)
class Waiver:
    """A finding that may be released for a while.

    Attributes:
        finding: Its name, such as `CVE-2026-12345`.
        until: The last day on which the waiver holds, in UTC.
        reason: Why.
        services: The services that it holds for; all if it is empty.
    """

    finding: str
    until: date
    reason: str
    services: Sequence[str] = ()


@dataclass(frozen=True)
class Rules:
    """What keeps an image from being released.

    Attributes:
        severity: The lowest severity that counts.
        fixable_only: Whether a finding without a fix does not count.
        waivers: Findings that do not count for a while.
        unscannable: Services whose images need no scan if ECR cannot scan them.
    """

    severity: str = "CRITICAL"
    fixable_only: bool = True
    waivers: Sequence[Waiver] = ()
    unscannable: Sequence[str] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The rules of `SCAN_RULES`; the defaults for an empty text."""
        rules: dict[str, Any] = json.loads(text) if text else {}
        waivers = [
            Waiver(one["finding"], date.fromisoformat(one["until"]), one["reason"], one["services"])
            for one in rules.pop("waivers", [])
        ]
        return cls(**rules, waivers=waivers)


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one image.

    Attributes:
        blocking: Findings that keep it from being released, as lines of a message.
        notes: What else a person should know, likewise.
    """

    blocking: Sequence[str]
    notes: Sequence[str]


def judged(findings: Sequence[Finding], rules: Rules, service: str, today: date) -> Verdict:
    """The verdict on an image's findings."""
    counted = SEVERITIES[: SEVERITIES.index(rules.severity) + 1]
    blocking, notes = list[str](), list[str]()
    for finding in sorted(findings, key=lambda one: (one.severity, one.name, one.package)):
        if finding.severity not in counted:
            continue
        line = f"{finding.severity.lower()} {finding.name}" + (f" in {finding.package}" if finding.package else "")
        if rules.fixable_only and finding.fixable is False:
            notes.append(f"{line}: no fix is available")
            continue
        waiver = _waiver(finding.name, rules, service)
        if waiver and today <= waiver.until:
            notes.append(f"{line}: waived until {waiver.until}: {waiver.reason}")
        elif waiver:
            blocking.append(f"{line}: its waiver ended on {waiver.until}: {waiver.reason}")
        else:
            blocking.append(line)
    return Verdict(blocking, notes)


def _waiver(finding: str, rules: Rules, service: str) -> Waiver | None:
    """The waiver of a finding for a service; of several the one that holds longest."""
    found = [one for one in rules.waivers if one.finding == finding and (not one.services or service in one.services)]
    return max(found, key=lambda one: one.until, default=None)


def judge(repository: Repository, digest: str, rules: Rules, service: str, *, patience: float) -> Verdict:
    """The verdict on an image in ECR, or on all images of an index.

    Raises:
        PipelineError: It was not scanned in time, or cannot be scanned and its service is not listed.
    """
    findings, notes = list[Finding](), list[str]()
    for image in repository.images(digest):
        try:
            findings += repository.findings(image, patience=patience)
        except UnscannableError as error:
            if service not in rules.unscannable:
                raise
            notes.append(f"not scanned, as delivery.scan.unscannable allows: {error}")
    verdict = judged(findings, rules, service, datetime.now(UTC).date())
    return Verdict(verdict.blocking, [*notes, *verdict.notes])


def report(image: str, verdict: Verdict) -> str:
    """The verdict as text."""
    lines = [f"{image}", *(f"  {note}" for note in verdict.notes), *(f"  STOP {line}" for line in verdict.blocking)]
    return "\n".join(lines if len(lines) > 1 else [f"{image}: nothing that counts"]) + "\n"


def main(arguments: list[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Judges images; the exit code is 1 if one of them may not be released, or if ECR does not tell."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.scan", description=__doc__)
    parser.add_argument("images", nargs="*", metavar="SERVICE=REPOSITORY@sha256:…")
    parser.add_argument("--patience", type=float, default=600, help="seconds to wait for a scan")
    parser.add_argument("--again", action="store_true", help="ask for a new scan, where ECR does not scan by itself")
    options = parser.parse_args(arguments)
    rules = Rules.parse(environment.get("SCAN_RULES", ""))
    blocked = False
    for argument in options.images:
        service, _, image = argument.partition("=")
        url, _, digest = image.partition("@")
        try:
            repository = Repository(url)
            if options.again:
                for one in repository.images(digest):
                    repository.scan_again(one)
            verdict = judge(repository, digest, rules, service, patience=options.patience)
        except (PipelineError, *aws.errors()) as error:
            sys.stderr.write(f"error: {service}: {error}\n")
            blocked = True
            continue
        sys.stderr.write(report(image, verdict))
        blocked = blocked or bool(verdict.blocking)
    if blocked:
        sys.stderr.write(
            "error: not to be released: fix the findings and push a commit, or add a waiver to delivery.scan.waivers\n"
        )
    return int(blocked)


if __name__ == "__main__":
    sys.exit(main())
