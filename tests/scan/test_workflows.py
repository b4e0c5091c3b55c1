"""Findings of public linters in GitHub's workflows, and the workflows' documented properties."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import programs
from tests.unit.program import CHECKOUT, SHIPPED

FOLDER = CHECKOUT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
ZIZMOR = CHECKOUT / ".venv" / "bin" / "zizmor"
NAMES = [path.stem for path in WORKFLOWS]
PLATFORM = ["drift", "preview"]
"""Workflows of this repository; the others are for the services' repositories to call."""

SERVICES = ["service-build", "service-release"]

BAD = """
on: pull_request_target
jobs:
  bad:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@main
      - run: echo ${{ github.event.pull_request.title }}
"""


def actionlint(*paths: Path) -> str:
    program = programs.find(programs.ACTIONLINT)
    if program is None:
        pytest.skip("actionlint is not built: build it with `.venv/bin/python -m tests.programs`")
    command = [program, "-no-color", "-oneline", "-shellcheck=", "-pyflakes=", *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def zizmor(*paths: Path) -> str:
    """Its strictest reader."""
    if not ZIZMOR.exists():
        pytest.skip("zizmor is not installed: remove .venv/installed and run `make test`")
    command = [ZIZMOR, "--offline", "--no-config", "--persona=auditor", "--format=plain", "--color=never", *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def workflow(name: str) -> dict[str, Any]:
    text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    return {str(key): value for key, value in yaml.safe_load(text).items()}  # YAML 1.1 takes `on` for true


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def test_linters_find_nothing() -> None:
    assert [*PLATFORM, *SERVICES] == NAMES
    assert actionlint(*WORKFLOWS) == ""
    assert "No findings to report" in zizmor(*WORKFLOWS)


def test_linters_find_what_is_bad(tmp_path: Path) -> None:
    file = tmp_path / ".github" / "workflows" / "bad.yml"
    file.parent.mkdir(parents=True)
    file.write_text(BAD, encoding="utf-8")
    assert "potentially untrusted" in actionlint(file)
    for audit in ("dangerous-triggers", "unpinned-uses", "template-injection"):
        assert audit in zizmor(file)


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_commit_and_says_its_version(name: str) -> None:
    used = re.findall(r"uses: (.*)", (FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert used
    for one in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


@pytest.mark.parametrize("name", PLATFORM)
def test_the_engine_is_the_one_that_the_program_is_tried_with(name: str) -> None:
    told = [step["with"]["pulumi-version"] for step in steps(name) if "pulumi/actions" in step.get("uses", "")]
    assert set(told) == {version("pulumi")}


@pytest.mark.parametrize("name", PLATFORM)
def test_no_workflow_changes_anything(name: str) -> None:
    """Neither by the action nor in a shell, and no token writes but to comment."""
    assert {step["with"]["command"] for step in steps(name) if "command" in step.get("with", {})} <= {"preview"}
    for step in steps(name):
        assert set(re.findall(r"\bpulumi (\w+)", step.get("run", ""))) <= {"preview", "stack"}
    assert workflow(name)["permissions"] == {}
    written = {
        right
        for job in workflow(name)["jobs"].values()
        for right, given in job["permissions"].items()
        if given == "write"
    }
    assert written <= {"id-token", "pull-requests"}


def test_every_stack_is_previewed_on_every_pull_request() -> None:
    """On every one of this repository: a fork's runs none of its code with an identity, and is told so."""
    assert workflow("preview")["True"] == {"pull_request": None}
    jobs = workflow("preview")["jobs"]
    assert jobs["stack"]["strategy"]["matrix"] == {"stack": list(SHIPPED)}
    assert (jobs["stack"]["if"], jobs["fork"]["if"]) == (
        "github.event.pull_request.head.repo.full_name == github.repository",
        "github.event.pull_request.head.repo.full_name != github.repository",
    )
    with_identity = [name for name, job in jobs.items() if "id-token" in job["permissions"] or "environment" in job]
    assert with_identity == ["stack"]
    assert "secrets." not in str(jobs["check"]) + str(jobs["fork"])


@pytest.mark.parametrize("name", PLATFORM)
def test_an_unreachable_cluster_fails_before_the_preview(name: str) -> None:
    named = [step.get("name", "") for step in steps(name)]
    assert named.index("Reach the cluster") < named.index({"preview": "Preview", "drift": "Compare"}[name])


def test_a_comment_is_edited_in_place_and_a_failure_takes_the_place_of_the_last_good_one() -> None:
    preview = next(step for step in steps("preview") if step.get("name") == "Preview")
    wanted = ("comment-on-pr", "edit-pr-comment", "always-include-summary", "suppress-outputs")
    assert all(preview["with"][option] is True for option in wanted)
    last = workflow("preview")["jobs"]["stack"]["steps"][-1]
    assert (last["if"], last["run"]) == ("failure()", 'python3 -m pipelines.preview_report.comment "$STACK"')


def test_services_are_built_released_and_verified_by_the_pipelines_scripts_in_environments_with_a_role_each() -> None:
    jobs = {name: job for file in SERVICES for name, job in workflow(file)["jobs"].items()}
    assert {name: job["environment"] for name, job in jobs.items()} == {
        "build": "build",
        "release": "release-${{ inputs.environment }}",
        "verify": "verify",
    }
    for name, job in jobs.items():
        (role,) = {step["with"]["role-to-assume"] for step in job["steps"] if "configure-aws" in step.get("uses", "")}
        assert role == f"${{{{ vars.{name.upper()}_ROLE_ARN }}}}"
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        for script in re.findall(r"\$PIPELINES/(\w+\.sh)", str(job["steps"])):
            assert (CHECKOUT / "pipelines" / script).is_file(), script
    assert jobs["verify"]["needs"] == "release"
    assert jobs["verify"]["if"] == "inputs.environment == 'dev'"


def test_a_service_workflow_is_called_with_what_its_scripts_need() -> None:
    for file in SERVICES:
        text = (FOLDER / f"{file}.yml").read_text(encoding="utf-8")
        inputs = workflow(file)["True"]["workflow_call"]["inputs"]
        assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(inputs)
