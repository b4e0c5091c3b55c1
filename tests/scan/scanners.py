"""Public scanners of manifests, and what they find."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import versions
from tests import programs
from tests.unit.program import CHECKOUT

CHECKOV = CHECKOUT / ".venv-scan" / "bin" / "checkov"
WARNING = 5
"""The grade of kube-score's warnings; its critical findings have a lower one, what is well has 10."""


@dataclass(frozen=True)
class Finding:
    """One thing that a scanner does not like.

    Attributes:
        scanner: `checkov` or `kube-score`.
        check: The scanner's id of the check.
        resource: `KIND NAMESPACE/NAME`, or `KIND NAME` where there is no namespace.
        message: In the scanner's words.
    """

    scanner: str
    check: str
    resource: str
    message: str


def checkov(manifests: Path) -> list[Finding]:
    """Every failed check. Without an account with its vendor checkov tells no severity: all count.

    https://www.checkov.io/5.Policy%20Index/kubernetes.html
    """
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed: `make test` makes .venv-scan")
    command = [CHECKOV, "--file", manifests, "--framework", "kubernetes", "--skip-download", "--output", "json"]
    report: dict[str, Any] = json.loads(_output(command))
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] > 0, "nothing was scanned"
    return [
        Finding("checkov", one["check_id"], _resource(one["resource"]), one["check_name"])
        for one in report["results"]["failed_checks"]
    ]


def _resource(name: str) -> str:
    """Checkov's `Deployment.prod.api-blue` or `Pod.prod.api-blue.environment-prod…` (the pod that it would make)."""
    kind, namespace, name, *_ = name.split(".")
    return f"{kind} {namespace}/{name}"


def kube_score(manifests: Path) -> list[Finding]:
    """Every critical finding and every warning.

    https://github.com/zegl/kube-score/blob/master/README_CHECKS.md
    """
    program = programs.find(programs.KUBE_SCORE)
    if program is None:
        pytest.skip("kube-score is not built: build it with `.venv/bin/python -m tests.programs`")
    command = [
        program,
        "score",
        manifests,
        "--kubernetes-version",
        f"v{versions.KUBERNETES}",
        "--output-format",
        "json",
    ]
    objects: list[dict[str, Any]] = json.loads(_output(command))
    assert objects, "nothing was scanned"
    return [
        Finding("kube-score", check["check"]["id"], _object(one), comment["summary"])
        for one in objects
        for check in one["checks"]
        if not check["skipped"] and check["grade"] <= WARNING
        for comment in check["comments"] or [{"summary": check["check"]["comment"]}]
    ]


def _object(one: dict[str, Any]) -> str:
    metadata = one["object_meta"]
    namespace = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{one['type_meta']['kind']} {namespace}{metadata['name']}"


def _output(command: list[str | Path]) -> str:
    """What a scanner prints; it fails when it finds something, and prints all the same."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.stdout
