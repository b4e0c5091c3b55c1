"""The pipelines' own commands, from a commit to an answered request on dev and on prod; and where bad commits end.

Real: git, the scripts, the release tool with the program's identities, rights and admission, Kubernetes' control plane,
buildkitd and the agents that build as their pods, images and their registry, the pod of an image that answers.
Stand-ins: Jenkins, ECR's API.
"""

from __future__ import annotations

import pytest

from kube.client import KubernetesApi
from tests.delivery.conftest import REPOSITORY
from tests.delivery.workshop import DOCKERFILE, SERVICE, Workshop

WHOLE = ["Checkout", "Build", "Unit test", "Push", "Scan", "Deploy", "Verify"]
NAME = REPOSITORY.partition("/")[2]


@pytest.fixture(scope="module")
def released(workshop: Workshop) -> Workshop:
    """Version 1 is live on dev and on prod."""
    commit = workshop.source.commit("1")
    dev = workshop.build("dev")
    assert (dev.result, dev.ran) == ("SUCCESS", WHOLE), dev.log
    assert f"commit-{commit}" in workshop.site.ecr.tags(NAME)
    assert workshop.answer("dev") == "version 1"
    assert workshop.answer("prod") == "503", "nothing is on prod that nobody approved"

    prod = workshop.build("prod")
    assert prod.result == "SUCCESS", prod.log
    assert prod.asked == [f"Bring {workshop.containers.image('dev', SERVICE)} to prod?"]
    assert workshop.answer("prod") == "version 1"
    return workshop


def test_a_commit_goes_to_dev_and_when_a_person_agrees_to_prod(released: Workshop) -> None:
    released.source.commit("2")
    assert released.build("dev").result == "SUCCESS"
    assert (released.answer("dev"), released.answer("prod")) == ("version 2", "version 1")
    assert released.build("prod").result == "SUCCESS"
    assert released.answer("prod") == "version 2"
    assert released.containers.image("prod", SERVICE) == released.containers.image("dev", SERVICE), "the same image"


def test_a_commit_that_ecr_has_is_taken_and_not_built_again(released: Workshop) -> None:
    before = released.containers.image("dev", SERVICE)
    again = released.build("dev")
    assert (again.result, again.ran) == ("SUCCESS", ["Checkout", "Scan", "Deploy", "Verify"]), again.log
    assert released.containers.image("dev", SERVICE) == before


def test_nothing_goes_to_prod_when_nobody_agrees(released: Workshop) -> None:
    released.source.commit("unwanted")
    assert released.build("dev").result == "SUCCESS"
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
    assert (f"commit-{commit}" in released.site.ecr.tags(NAME)) == (stage in ("Scan", "Deploy"))
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
    assert (again.result, again.ran) == ("SUCCESS", ["Checkout", "Scan", "Deploy", "Verify"]), again.log
    assert (released.answer("dev"), released.answer("prod")) == ("version stopped once", before[1])


def test_a_person_rolls_prod_back_with_the_same_approval_and_looks_at_it(released: Workshop) -> None:
    for version in ("before", "after"):
        released.source.commit(version)
        assert released.build("dev").result == "SUCCESS"
        assert released.build("together", SERVICES=SERVICE).result == "SUCCESS"
        assert released.answer("prod") == f"version {version}"
    refused = released.build("operate", approves=False, COMMAND="rollback", ENVIRONMENT="prod")
    assert (refused.result, refused.asked) == ("ABORTED", [f"On prod: rollback {SERVICE}?"])
    assert released.answer("prod") == "version after"
    done = released.build("operate", COMMAND="rollback", ENVIRONMENT="prod")
    assert (done.result, done.ran) == ("SUCCESS", ["Before", "Approval", "Run"]), done.log
    assert released.answer("prod") == "version before"
    looked = released.build("look", COMMAND="history", ENVIRONMENT="prod")
    assert looked.result == "SUCCESS", looked.log
    assert "rollback" in looked.log


def test_the_cluster_knows_who_released_and_who_verified(released: Workshop) -> None:
    api: KubernetesApi = released.api
    found = api.get("v1", "ConfigMap", f"verified-{SERVICE}", "prod")
    assert found is not None
    assert "system:serviceaccount:delivery:hello-verify" in str(found["data"])
    history = api.get("v1", "ConfigMap", f"{SERVICE}-releases", "prod")
    assert "system:serviceaccount:delivery:hello-release" in str(history)
