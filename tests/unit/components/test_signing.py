"""Signed images: the key, who may sign and who may check, and what prod admits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config import PROJECT
from contract import signatures
from contract.blue_green import verified_images_name
from rehearsal.aws.authorization import Access, allows
from tests.unit.components.delivery.jenkins import DELIVERY
from tests.unit.components.delivery.test_github_actions import ACTIONS
from tests.unit.program import configured, stack_config
from tools.program.graph import Graph

KEY = "aws:kms/key:Key"
ALIAS = "arn:aws:kms:ap-northeast-2:123456789012:alias/hello-dev/signing"
ROLES = ("github-build", "github-release-dev", "github-release-prod", "github-verify", "build", "release", "verify")


def graph_of(**changes: Any) -> Graph:
    settings = {"delivery": {**DELIVERY, "notify": None}, "githubActions": ACTIONS, **changes}
    told = {f"{PROJECT}:{key}": json.dumps(value) for key, value in settings.items()}
    return configured({**stack_config("dev"), **told})


@pytest.fixture(scope="module")
def signed() -> Graph:
    return graph_of(signImages=True)


@pytest.fixture(scope="module")
def unsigned() -> Graph:
    return graph_of()


def test_the_key_signs_and_does_nothing_else(signed: Graph) -> None:
    key = signed.named(KEY, "hello-dev-signing")
    assert (key.inputs["keyUsage"], key.inputs["customerMasterKeySpec"]) == ("SIGN_VERIFY", "ECC_NIST_P256")
    # KMS refuses rotation of a key that signs: https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    assert "enableKeyRotation" not in key.inputs
    assert signed.named("aws:kms/alias:Alias", "hello-dev-signing").inputs["name"] == "alias/hello-dev/signing"


@pytest.mark.parametrize("role", ROLES)
def test_only_builds_sign_and_only_who_verifies_checks(signed: Graph, unsigned: Graph, role: str) -> None:
    for graph, may_at_all in ((signed, True), (unsigned, False)):
        policy = json.loads(graph.named("aws:iam/rolePolicy:RolePolicy", f"hello-dev-{role}").inputs["policy"])
        for action, kind in (("kms:Sign", "build"), ("kms:Verify", "verify")):
            for alias in ("alias/hello-dev/signing", "alias/hello-prod/signing"):
                asked = Access(action, ALIAS.replace("alias/hello-dev/signing", "key/1"), {"kms:RequestAlias": [alias]})
                expected = may_at_all and kind in role and alias == "alias/hello-dev/signing"
                assert allows([policy], asked) is expected, (role, action, alias)


def test_builds_know_the_key(signed: Graph, unsigned: Graph) -> None:
    for graph, expected in ((signed, ALIAS), (unsigned, None)):
        (release,) = (one for one in graph.of_type("kubernetes:helm.sh/v3:Release") if one.name == "jenkins")
        configuration = json.loads(release.inputs["values"]["controller"]["JCasC"]["configScripts"]["hello"])
        (told,) = configuration["jenkins"]["globalNodeProperties"]
        assert {one["key"]: one["value"] for one in told["envVars"]["env"]}.get("SIGNING_KEY") == expected


def test_the_records_say_with_which_key_and_admission_asks_for_it(signed: Graph, unsigned: Graph) -> None:
    for graph, expected in ((signed, {signatures.KEY: ALIAS}), (unsigned, {})):
        (records,) = (one for one in graph.of_kind("ConfigMap") if one.metadata["name"] == verified_images_name("api"))
        assert records.metadata.get("annotations", {}).items() >= expected.items()
        assert (signatures.KEY in records.metadata.get("annotations", {})) is bool(expected)
        policy = graph.named(
            "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy", "hello-verified-images"
        )
        (validation,) = policy.inputs["spec"]["validations"]
        assert (ALIAS in validation["expression"]) is bool(expected)
        assert ("signed" in validation["message"]) is bool(expected)
