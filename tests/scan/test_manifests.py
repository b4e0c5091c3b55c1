"""Findings of public scanners in the manifests of both stacks, and of one with Jenkins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scan.exceptions import EXEMPTIONS, Exemption
from tests.scan.scanners import Finding, checkov, kube_score
from tests.unit.components.delivery.jenkins import with_jenkins
from tests.unit.manifests import as_yaml
from tests.unit.program import STACKS, platform

BAD = """
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: dev}
spec: {hostNetwork: true, containers: [{name: c, image: nginx, securityContext: {privileged: true}}]}
"""


def scan(manifests: str, folder: Path) -> list[Finding]:
    file = folder / "manifests.yaml"
    file.write_text(manifests, encoding="utf-8")
    return [*checkov(file), *kube_score(file)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """Every finding of all of them."""
    graphs = {**{stack: platform(stack, preview=False) for stack in STACKS}, "jenkins": with_jenkins()}
    return [
        finding for name, graph in graphs.items() for finding in scan(as_yaml(graph), tmp_path_factory.mktemp(name))
    ]


def test_nothing_is_found_but_what_is_exempted_with_a_reason(found: list[Finding]) -> None:
    left = {finding for finding in found if not any(exemption.covers(finding) for exemption in EXEMPTIONS)}
    assert left == set()


@pytest.mark.parametrize("exemption", EXEMPTIONS, ids=lambda exemption: f"{exemption.check} {exemption.resource}")
def test_an_exemption_is_needed_and_has_a_reason(found: list[Finding], exemption: Exemption) -> None:
    assert len(exemption.reason.split()) > 5
    assert any(exemption.covers(finding) for finding in found), "nothing is found any more: delete the exemption"


def test_the_scanners_find_what_is_bad(tmp_path: Path) -> None:
    checks = {finding.check for finding in scan(BAD, tmp_path)}
    assert {"CKV_K8S_16", "CKV_K8S_19", "container-security-context-privileged"} <= checks
