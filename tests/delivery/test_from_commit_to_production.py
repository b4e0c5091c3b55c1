"""The pipelines' own commands, from a commit to an answered request on dev and on prod; and where bad commits end.

Real: git, the scripts, the release tool with the program's identities, rights and admission, Kubernetes' control plane,
buildkitd and the agents that build as their pods, images and their registry, the pod of an image that answers.
Stand-ins: Jenkins, ECR's API, KMS.
"""

from __future__ import annotations

import json

import pytest

from contract.blue_green import BLUE, slot_name, verified_images_name
from contract.signatures import mark
from kube.client import KubernetesApi
from tests.delivery.jenkins import Build
from tests.delivery.workshop import DOCKERFILE, SERVICE, Workshop
from tests.rehearsal.conftest import eventually
from tests.release.identities import refusal, repository

WHOLE = ["Checkout", "Build", "Unit test", "Push", "Scan", "Sign", "Deploy", "Verify"]
AGAIN = [stage for stage in WHOLE if stage not in ("Build", "Unit test", "Push")]


def tags(workshop: Workshop) -> list[str]:
    """The tags in the service's repository."""
    return workshop.site.ecr.tags(repository(SERVICE).partition("/")[2])


def succeeded(build: Build) -> Build:
    """A run that went well; else the test ends with what it wrote."""
    assert build.result == "SUCCESS", build.log
    return build


@pytest.fixture(scope="module")
def released(workshop: Workshop) -> Workshop:
    """Version 1 is live on dev and on prod."""
    commit = workshop.source.commit("1")
    dev = workshop.build("dev")
    assert (dev.result, dev.ran) == ("SUCCESS", WHOLE), dev.log
    assert f"commit-{commit}" in tags(workshop)
    assert workshop.answer("dev") == "version 1"
    assert workshop.answer("prod") == "503", "nothing is on prod that nobody approved"

    prod = succeeded(workshop.build("prod"))
    assert prod.asked == [f"Bring {workshop.containers.image('dev', SERVICE)} to prod?"]
    assert workshop.answer("prod") == "version 1"
    return workshop


def test_a_commit_goes_to_dev_and_when_a_person_agrees_to_prod(released: Workshop) -> None:
    released.source.commit("2")
    succeeded(released.build("dev"))
    assert (released.answer("dev"), released.answer("prod")) == ("version 2", "version 1")
    succeeded(released.build("prod"))
    assert released.answer("prod") == "version 2"
    assert released.containers.image("prod", SERVICE) == released.containers.image("dev", SERVICE), "the same image"


def test_a_commit_that_ecr_has_is_taken_and_not_built_again(released: Workshop) -> None:
    before = released.containers.image("dev", SERVICE)
    again = released.build("dev")
    assert (again.result, again.ran) == ("SUCCESS", AGAIN), again.log
    assert released.containers.image("dev", SERVICE) == before


def test_nothing_goes_to_prod_when_nobody_agrees(released: Workshop) -> None:
    released.source.commit("unwanted")
    succeeded(released.build("dev"))
    before = released.answer("prod")
    build = released.build("prod", approves=False)
    assert (build.result, build.ran) == ("ABORTED", ["Candidate", "Approval"])
    assert released.answer("prod") == before


BROKEN = DOCKERFILE.replace('"version"', '"no such word"')
SILENT = DOCKERFILE.replace('"/www"]', '"/nowhere"]')


@pytest.mark.parametrize(
    ("fault", "stage"),
    [("build", "Build"), ("test", "Unit test"), ("finding", "Scan"), ("silence", "Deploy")],
)
def test_a_bad_commit_ends_at_its_stage_and_dev_and_prod_go_on_serving(
    released: Workshop, fault: str, stage: str
) -> None:
    before = released.answer("dev"), released.answer("prod")
    assert "503" not in before
    commit = released.source.commit(
        f"bad {fault}",
        health="bad" if fault == "test" else "ok",
        dockerfile={"build": BROKEN, "silence": SILENT}.get(fault, DOCKERFILE),
    )
    released.site.ecr.critical = fault == "finding"
    try:
        build = released.build("dev")
    finally:
        released.site.ecr.critical = False
    assert (build.result, build.ran[-1]) == ("FAILURE", stage), build.log
    assert (released.answer("dev"), released.answer("prod")) == before
    assert (f"commit-{commit}" in tags(released)) == (stage in ("Scan", "Deploy"))
    assert released.build("prod", approves=False).asked == [
        f"Bring {released.containers.image('dev', SERVICE)} to prod?"
    ]


def test_a_build_that_is_stopped_in_its_release_leaves_nothing_half_done(released: Workshop) -> None:
    before = released.answer("dev"), released.answer("prod")
    released.source.commit("stopped once")
    stopped = released.build("dev", stopped_at=("Deploy", "pods are ready"))
    assert (stopped.result, stopped.ran[-1]) == ("ABORTED", "Deploy"), stopped.log
    assert "Smoke test" not in stopped.log, stopped.log
    assert (released.answer("dev"), released.answer("prod")) == before
    again = released.build("dev")
    assert (again.result, again.ran) == ("SUCCESS", AGAIN), again.log
    assert (released.answer("dev"), released.answer("prod")) == ("version stopped once", before[1])


def test_a_person_rolls_prod_back_with_the_same_approval_and_looks_at_it(released: Workshop) -> None:
    for version in ("before", "after"):
        released.source.commit(version)
        succeeded(released.build("dev"))
        succeeded(released.build("together", SERVICES=SERVICE))
        assert released.answer("prod") == f"version {version}"
    refused = released.build("operate", approves=False, COMMAND="rollback", ENVIRONMENT="prod")
    assert (refused.result, refused.asked) == ("ABORTED", [f"On prod: rollback {SERVICE}?"])
    assert released.answer("prod") == "version after"
    done = released.build("operate", COMMAND="rollback", ENVIRONMENT="prod")
    assert (done.result, done.ran) == ("SUCCESS", ["Before", "Approval", "Run"]), done.log
    assert released.answer("prod") == "version before"
    assert "rollback" in succeeded(released.build("look", COMMAND="history", ENVIRONMENT="prod")).log


CHECKED = ["Checkout", "Build", "Unit test", "Push", "Scan"]


def test_a_pull_request_is_built_tested_and_scanned_and_its_merge_goes_to_production_without_another_build(
    released: Workshop,
) -> None:
    before = released.answer("dev"), released.answer("prod")
    commit = released.source.commit("of a branch")
    checked = released.build("check", CACHE_TAG=f"{SERVICE}-checks")
    assert (checked.result, checked.ran) == ("SUCCESS", CHECKED), checked.log
    said = [state for state in ("pending", "success", "failure") if f"status.sh {state}" in checked.log]
    assert said == ["pending", "success"]
    assert (released.answer("dev"), released.answer("prod")) == before, "nothing is deployed"
    assert f"commit-{commit}" in tags(released)
    merged = released.build("dev")
    assert (merged.result, merged.ran) == ("SUCCESS", AGAIN), merged.log
    succeeded(released.build("prod"))
    assert (released.answer("dev"), released.answer("prod")) == 2 * ("version of a branch",)


def test_a_pull_request_whose_tests_fail_says_so_and_leaves_nothing(released: Workshop) -> None:
    before = released.answer("dev"), released.answer("prod")
    commit = released.source.commit("bad branch", health="bad")
    checked = released.build("check", CACHE_TAG=f"{SERVICE}-checks")
    assert (checked.result, checked.ran) == ("FAILURE", CHECKED[:3]), checked.log
    said = [state for state in ("pending", "success", "failure") if f"status.sh {state}" in checked.log]
    assert said == ["pending", "failure"]
    assert f"commit-{commit}" not in tags(released)
    assert (released.answer("dev"), released.answer("prod")) == before


def test_what_is_not_signed_is_not_verified_and_prod_admits_no_record_without_a_signature(released: Workshop) -> None:
    released.source.commit("unsigned")
    before = released.answer("prod")
    build = released.build("dev", SIGNING_KEY="")
    assert (build.result, build.ran[-1]) == ("FAILURE", "Verify"), build.log
    assert "is not recorded: it is not signed" in build.log
    image = released.containers.image("dev", SERVICE) or ""
    assert (released.answer("dev"), released.answer("prod")) == ("version unsigned", before)
    # The record of who may write records and did not look, whose text has what admission looks for.
    check = mark(released.site.delivery.variables["SIGNING_KEY"])
    record = json.dumps({"by": "somebody", "at": "2099-01-01T00:00:00+00:00", "check": check})
    change = [{"op": "add", "path": f"/data/{image.partition('@sha256:')[2]}", "value": record}]
    released.api.json_patch("v1", "ConfigMap", verified_images_name(SERVICE), change, namespace="prod")
    assert image not in released.build("prod", approves=False).asked[0], "it is no candidate"
    refused = refusal(lambda: brought_in(released, image))
    assert "an image is signed, and verified on dev" in (refused or "it was taken")
    again = released.build("dev")
    assert (again.result, again.ran) == ("SUCCESS", AGAIN), again.log
    eventually(lambda: refusal(lambda: brought_in(released, image)) is None, "admission knows its record")
    succeeded(released.build("prod"))
    assert (released.answer("prod"), released.containers.image("prod", SERVICE)) == ("version unsigned", image)


def brought_in(released: Workshop, image: str) -> object:
    """What an administrator's change of a slot's image would make; nothing is changed."""
    change = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
    slot = slot_name(SERVICE, BLUE)
    return released.api.json_patch("apps/v1", "Deployment", slot, change, namespace="prod", dry_run=True)


def test_the_cluster_knows_who_released_and_who_verified(released: Workshop) -> None:
    api: KubernetesApi = released.api
    found = api.get("v1", "ConfigMap", f"verified-{SERVICE}", "prod")
    assert found is not None
    assert "system:serviceaccount:delivery:hello-verify" in str(found["data"])
    history = api.get("v1", "ConfigMap", f"{SERVICE}-releases", "prod")
    assert "system:serviceaccount:delivery:hello-release" in str(history)
