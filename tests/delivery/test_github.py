"""The workflow that builds a service's image, step by step, with buildx against the real buildkitd and registry.

Stand-ins: GitHub's runner (`github.py`) and its actions, ECR's API, KMS. buildx has buildkitd where a hosted runner has
docker's daemon.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.delivery.jenkins.network_policies import BUILDKIT_PORT
from contract import signatures
from tests import programs
from tests.delivery.github import Job, StepError, credentials, program, python
from tests.delivery.runtime import run
from tests.delivery.workshop import SERVICE, Site, Source
from tests.unit.program import CHECKOUT

REGION = "ap-northeast-2"
ROLE = "arn:aws:iam::123456789012:role/hello-dev-github-build"
COMMIT = 40 * "a"
BUILDER = "runner"


def job(site: Site, source: Source, folder: Path, **inputs: str) -> Job:
    """The build of what the service's repository has."""

    def checkout(workspace: Path, given: Mapping[str, str]) -> Mapping[str, str]:
        assert given["persist-credentials"] == "false"
        target = workspace / given["path"]
        if "repository" in given:
            assert (given["repository"], given["ref"], given["token"]) == ("OWNER/platform", COMMIT, "a token")
            target.symlink_to(CHECKOUT)
        else:
            assert given["fetch-depth"] == "0"
            target.mkdir()
            source.check_out(target)
        return {}

    program(folder, "docker", f'[ "$1" = buildx ] || exit 64\nshift\nexec {buildx()} "$@"')
    variables, config = site.delivery.variables, builder(site, folder)
    return Job(
        "service-build",
        "build",
        folder,
        inputs={"service": SERVICE, "platform": "OWNER/platform", "platform-commit": COMMIT, **inputs},
        variables={
            "AWS_REGION": REGION,
            "BUILD_ROLE_ARN": ROLE,
            "REGISTRY": variables["REGISTRY"],
            "SIGNING_KEY": variables["SIGNING_KEY"],
        },
        actions={
            "actions/checkout": checkout,
            "actions/setup-python": python,
            "aws-actions/configure-aws-credentials": credentials(ROLE, REGION),
        },
        machine={
            **site.account,
            "HOME": str(folder),
            "BUILDX_BUILDER": BUILDER,
            "BUILDX_CONFIG": config,
        },
    )


def buildx() -> Path:
    """The program."""
    found = programs.find(programs.BUILDX)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("buildx: .venv/bin/python -m tests.programs")
    return found


def builder(site: Site, folder: Path) -> str:
    """A folder in which buildx finds the daemon."""
    found = folder / "buildx"
    certificates = found / "certificates"
    certificates.mkdir(parents=True)
    for name, text in site.delivery.secrets["buildkit-client"].items():
        (certificates / name).write_text(text, encoding="utf-8")
    files = {"cacert": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
    options = [f"{option}={certificates / name}" for option, name in files.items()]
    host = site.delivery.variables["BUILDKIT_HOST"].partition("://")[2].partition(":")[0]
    words = ["create", "--name", BUILDER, "--driver", "remote"]
    words += ["--driver-opt", ",".join([*options, f"servername={host}"])]
    words += [f"tcp://{site.buildkitd.container.address}:{BUILDKIT_PORT}"]
    run("env", f"BUILDX_CONFIG={found}", str(buildx()), *words)
    return str(found)


def test_a_commit_is_built_tested_pushed_scanned_and_signed_once(
    site: Site,
    repository: Source,
    tmp_path: Path,
) -> None:
    commit = repository.commit("by GitHub")
    first = job(site, repository, tmp_path / "first")
    image = first.run()["image"]
    assert first.ran == ["Install the pipelines' packages", "Find, or build, test and push", "Scan", "Sign"]
    name = f"{site.delivery.variables['REGISTRY'].partition('/')[2]}/{SERVICE}"
    digest, _, _ = site.ecr.manifest(name, f"commit-{commit}")
    assert image == f"{site.delivery.variables['REGISTRY']}/{SERVICE}@{digest}"
    assert site.ecr.configuration(name, digest)["Labels"] == {"org.opencontainers.image.revision": commit}
    assert signatures.tag(digest) in site.ecr.tags(name)
    assert site.ecr.complaints(site.delivery.repositories) == []
    assert 'RUN ["/bin/busybox", "grep", "-q", "^ok"' in first.log, "its tests ran"

    again = job(site, repository, tmp_path / "again")
    assert again.run() == {"image": image}
    assert "RUN [" not in again.log, "it is built once"
    assert "is signed" in again.log


def test_a_commit_whose_tests_fail_is_not_pushed(
    site: Site,
    repository: Source,
    tmp_path: Path,
) -> None:
    commit = repository.commit("bad by GitHub", health="bad")
    failing = job(site, repository, tmp_path / "job")
    with pytest.raises(StepError, match="did not complete successfully"):
        failing.run()
    assert failing.ran[-1] == "Find, or build, test and push"
    assert f"commit-{commit}" not in site.ecr.tags(f"{site.delivery.variables['REGISTRY'].partition('/')[2]}/{SERVICE}")


def test_a_critical_finding_ends_the_build(
    site: Site,
    repository: Source,
    tmp_path: Path,
) -> None:
    repository.commit("found by GitHub")
    site.ecr.critical = True
    stopped = job(site, repository, tmp_path / "job")
    try:
        with pytest.raises(StepError, match="not to be released"):
            stopped.run()
    finally:
        site.ecr.critical = False
    assert stopped.ran[-1] == "Scan"


def test_a_service_in_a_folder_is_built_from_it(
    site: Site,
    repository: Source,
    tmp_path: Path,
) -> None:
    repository.write("services/ai/words", "ai")
    repository.write("services/ai/Dockerfile", "FROM scratch AS test\nCOPY words /words\nFROM test\n")
    first = repository.commit("in a folder")
    repository.write("README.md", "for people")
    repository.commit("for people")
    folder = {"service": "ai", "context": "services/ai", "dockerfile": "services/ai/Dockerfile", "paths": "services/ai"}
    assert job(site, repository, tmp_path / "job", **folder).run()["image"]
    assert f"commit-{first}" in site.ecr.tags(f"{site.delivery.variables['REGISTRY'].partition('/')[2]}/ai")
