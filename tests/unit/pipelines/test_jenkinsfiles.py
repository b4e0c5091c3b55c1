"""The Jenkinsfiles are declarative pipelines with the documented properties."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import versions
from tests.programs import BUILDCTL, BUILDKITD
from tests.unit.pipelines.jenkinsfile import Call, PipelineSyntaxError, faults, parse, parsed
from tests.unit.program import CHECKOUT
from tools.program.graph import every

PIPELINES = CHECKOUT / "pipelines"
JENKINSFILES = every(sorted(PIPELINES.glob("Jenkinsfile.*")), "Jenkinsfile")
SCRIPTS = every(sorted(PIPELINES.glob("*.sh")), "script")
COMMAND = re.compile(r'"\$PIPELINES/([a-z]+\.sh)"')


def shells(pipeline: Call) -> list[str]:
    """Every shell command of a pipeline, in its order."""
    found: list[str] = []
    for call in pipeline.everything():
        if call.name == "sh":
            found.append(call.arguments[0])
        found += re.findall(r"sh\(script: '([^']+)'", call.name)
    return found


def stage(pipeline: Call, name: str) -> Call:
    """The stage of a name."""
    return next(one for one in pipeline.everything() if one.name == "stage" and one.arguments == (name,))


@pytest.fixture(params=JENKINSFILES, ids=lambda path: str(path.name))
def pipeline(request: pytest.FixtureRequest) -> Call:
    """Each of them."""
    return parse(request.param)


def test_each_is_a_declarative_pipeline(pipeline: Call) -> None:
    assert faults(pipeline) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("pipeline { agent none\n stages { stage('x') { steps { sh 'true' } } }", "no Groovy"),
        ("node { sh 'true' }", "one `pipeline"),
        ("pipeline {\n stages {\n stage('x') {\n steps { sh 'true' } } } }", "lacks agent"),
        ("pipeline {\n agent none\n stages {\n stage('x') {\n agent any } } }", "has one of steps"),
        ("pipeline {\n agent none\n stages {\n stage('x') {\n steps { shell 'true' } } } }", "shell is no step"),
        ("pipeline {\n agent none\n option {\n timeout(time: 1) } }", "option does not belong"),
        ("pipeline {\n agent none\n options {\n timeOut(time: 1) } }", "timeOut does not belong"),
        ("pipeline {\n agent none\n post {\n failed { sh 'true' } } }", "failed does not belong"),
        ("pipeline {\n agent build\n stages { } }", "agent none"),
    ],
)
def test_what_is_no_declarative_pipeline_is_found(wrong: str, told: str) -> None:
    try:
        found = faults(parsed(wrong))
    except PipelineSyntaxError as fault:
        found = [str(fault)]
    assert any(told in one for one in found), found


def test_every_shell_command_is_one_script_that_exists(pipeline: Call) -> None:
    for command in every(shells(pipeline), "command"):
        found = COMMAND.match(command)
        assert found, f"{command}: a stage runs a script of this folder, which a test can run, too"
        assert os.access(PIPELINES / found[1], os.X_OK), command


def test_every_script_is_used_and_stops_at_its_first_error() -> None:
    used = {name for path in JENKINSFILES for name in COMMAND.findall("\n".join(shells(parse(path))))}
    for workflow in every(sorted((CHECKOUT / ".github" / "workflows").glob("service-*.yml")), "workflow"):
        used |= set(COMMAND.findall(workflow.read_text(encoding="utf-8")))
    for script in SCRIPTS:
        if not os.access(script, os.X_OK):
            continue  # what others source
        assert script.name in used
        assert "\nset -eu\n" in script.read_text(encoding="utf-8")
        subprocess.run(["sh", "-n", script], check=True)


def test_one_build_of_a_job_runs_at_a_time(pipeline: Call) -> None:
    options = pipeline.one("options")
    assert options
    assert options.one("disableConcurrentBuilds"), "a job is a service and an environment"


def test_the_dev_pipeline_goes_from_a_commit_to_a_verified_release_in_this_order() -> None:
    names = [one.arguments[0] for one in parse(PIPELINES / "Jenkinsfile.dev").everything() if one.name == "stage"]
    assert names == ["Image", "Checkout", "Build", "Unit test", "Push", "Scan", "Sign", "Deploy", "Verify"]


@pytest.mark.parametrize("name", ["Jenkinsfile.dev", "Jenkinsfile.agent"])
def test_a_commit_that_ecr_has_is_not_built_again_but_scanned(name: str) -> None:
    pipeline = parse(PIPELINES / name)
    for built in ("Build", "Unit test", "Push"):
        when = stage(pipeline, built).one("when")
        assert when
        assert [one.name for one in when.everything()] == ["when", "expression", "!env.IMAGE"]
    assert stage(pipeline, "Scan").one("when") is None, "what was found since is found"


def test_who_builds_does_not_release_and_who_releases_does_not_verify() -> None:
    pipeline = parse(PIPELINES / "Jenkinsfile.dev")
    agents = {name: stage(pipeline, name).one("agent") for name in ("Image", "Deploy", "Verify")}
    labels = {name: agent.one("label") for name, agent in agents.items() if agent}
    assert {name: label.arguments for name, label in labels.items() if label} == {
        "Image": ("build",),
        "Deploy": ("release",),
        "Verify": ("verify",),
    }


def test_prod_waits_for_a_person_for_a_day_and_keeps_no_agent_meanwhile() -> None:
    pipeline = parse(PIPELINES / "Jenkinsfile.prod")
    approval = stage(pipeline, "Approval")
    assert approval.one("agent") is None
    limit = next(one for one in approval.everything() if one.name == "timeout")
    assert limit.named == {"time": "1", "unit": "DAYS"}
    assert limit.one("script")
    post = pipeline.one("post")
    assert post
    aborted = post.one("aborted")
    assert aborted
    assert shells(aborted) == ['"$PIPELINES/retire.sh" prod']


def test_what_is_live_is_judged_each_night_with_a_word_to_people() -> None:
    pipeline = parse(PIPELINES / "Jenkinsfile.scan")
    assert shells(pipeline)[:2] == ['"$PIPELINES/live.sh" prod dev', '"$PIPELINES/rescan.sh"']
    post = pipeline.one("post")
    assert post
    assert [one.name for one in post.body or ()] == ["unsuccessful"]
    assert shells(post) == ['"$PIPELINES/notify.sh" unsuccessful']


@pytest.mark.parametrize("name", ["prod", "operate", "together"])
def test_who_approves_is_of_the_group_that_may_and_is_named(name: str) -> None:
    """`submitter`: ids and groups; with `submitterParameter` alone, the step returns who it was.

    https://www.jenkins.io/doc/pipeline/steps/pipeline-input-step/
    """
    pipeline = parse(PIPELINES / f"Jenkinsfile.{name}")
    asked = [one.name for one in pipeline.everything() if "input(" in one.name]
    (text,) = asked
    assert text.startswith("env.APPROVER = input(")
    assert "submitter: env.APPROVERS ?: ''" in text
    assert "submitterParameter: 'APPROVER'" in text


def test_what_changes_prod_waits_for_a_person_and_keeps_no_agent_meanwhile() -> None:
    for name in ("operate", "together"):
        pipeline = parse(PIPELINES / f"Jenkinsfile.{name}")
        names = [one.arguments[0] for one in pipeline.everything() if one.name == "stage"]
        assert names.index("Approval") == 1, "before the stage that changes something"
        assert stage(pipeline, "Approval").one("agent") is None
    when = stage(parse(PIPELINES / "Jenkinsfile.operate"), "Approval").one("when")
    assert when
    assert [one.name for one in when.everything()] == ["when", "expression", "params.ENVIRONMENT == 'prod'"]


def ran(script: str, folder: Path, **variables: str) -> tuple[int, list[str]]:
    """Runs a script, and gives its exit code and the words that it gave the release tool or the candidate's program."""
    told = folder / "told"
    told.write_text("", encoding="utf-8")
    python = folder / "python3"
    python.write_text(f'#!/bin/sh\necho "$*" >> {told}\necho "$3@digest"\n', encoding="utf-8")
    python.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", **variables}
    words = script.split()
    code = subprocess.run([PIPELINES / words[0], *words[1:]], env=environment, check=False).returncode
    return code, told.read_text(encoding="utf-8").splitlines()


def test_operations_are_the_release_tools_commands(tmp_path: Path) -> None:
    chosen = {"SERVICE": "api", "ENVIRONMENT": "prod"}
    for command in ("rollback", "switch", "retire"):
        confirmed = " --yes" if command == "retire" else ""  # nobody is at a terminal there
        words = f"-m release {command} prod api --wait 900{confirmed}"
        assert ran("operate.sh", tmp_path, COMMAND=command, **chosen) == (0, [words])
    assert ran("retire.sh prod", tmp_path, **chosen) == (0, ["-m release retire prod api --yes"])
    assert ran("verify.sh", tmp_path, IMAGE="r@1", **chosen) == (0, ["-m release verify dev api --image r@1"])
    assert ran("operate.sh", tmp_path, COMMAND="unlock", **chosen) == (2, [])
    assert ran("look.sh history", tmp_path, **chosen) == (0, ["-m release history prod api"])


def test_several_services_go_by_one_command_which_orders_them(tmp_path: Path) -> None:
    code, asked = ran("candidates.sh", tmp_path, SERVICES="api ai", REGISTRY="r")
    assert (code, asked) == (0, ["-m pipelines.candidate r/api api", "-m pipelines.candidate r/ai ai"])
    code, asked = ran("together.sh prod", tmp_path, IMAGE="api=r/api@1\nai=r/ai@2")
    assert (code, asked) == (
        0,
        ["-m release deploy prod api --image api=r/api@1 ai --image ai=r/ai@2 --wait 900"],
    )
    assert ran("candidates.sh", tmp_path, SERVICES="api --override=x", REGISTRY="r") == (2, []), "a word is no option"


def test_an_image_is_verified_after_the_check_that_is_set(tmp_path: Path) -> None:
    tried = {"SERVICE": "api", "IMAGE": "r/api@1"}
    plain = "-m release verify dev api --image r/api@1"
    assert ran("verify.sh", tmp_path, **tried) == (0, [plain])
    assert ran("verify.sh", tmp_path, **tried, VERIFY_CHECK="curl x y") == (0, [f"{plain} --check curl x y"])


def programs(folder: Path, outputs: str) -> Path:
    """A folder with stand-ins of what `preview.sh` calls: each writes down its words, Python runs."""
    told = folder / "told"
    python = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    scripts = {
        "pulumi": f'echo "pulumi $*" >> {told}; [ "$1" != stack ] || cat {folder}/outputs',
        "python3": f"mkdir -p .venv/bin; cp {folder}/python .venv/bin/python; cp {folder}/pip .venv/bin/pip",
        "pip": "true",
        "python": python,
    }
    (folder / "outputs").write_text(outputs, encoding="utf-8")
    for name, script in scripts.items():
        path = folder / name
        path.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    return told


def previewed(folder: Path, outputs: str) -> tuple[int, list[str]]:
    """Runs `preview.sh` in a checkout, and gives its exit code and what it asked of Pulumi."""
    told = programs(folder, outputs)
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in ("contract", "kube", "pipelines", "release"):
        (checkout / name).symlink_to(CHECKOUT / name)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "STACK": "dev", "PYTHONPATH": "/nowhere"}
    code = subprocess.run([PIPELINES / "preview.sh"], cwd=checkout, env=environment, check=False).returncode
    return code, told.read_text(encoding="utf-8").splitlines()


def test_a_preview_brings_nothing_up(tmp_path: Path) -> None:
    code, asked = previewed(tmp_path, "{}")
    assert code == 0
    assert asked == [
        "pulumi stack output --stack dev --json --show-secrets",
        "pulumi preview --stack dev --non-interactive --diff --suppress-outputs",
    ]


def test_a_cluster_that_is_not_reached_ends_a_preview_before_it_begins(tmp_path: Path) -> None:
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}
    kubeconfig = {"clusters": [cluster], "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]}
    whole: dict[str, Any] = {**kubeconfig, "users": [{"name": "c", "user": {}}], "current-context": "c"}
    code, asked = previewed(tmp_path, json.dumps({"kubeconfig": json.dumps(whole)}))
    assert (code, len(asked)) == (1, 1)


def test_the_agents_image_has_the_engine_that_the_program_is_tried_with() -> None:
    text = (PIPELINES / "agent.Dockerfile").read_text(encoding="utf-8")
    assert f"FROM docker.io/pulumi/pulumi-base:{version('pulumi')} AS pulumi" in text


def test_the_buildkit_of_the_agents_and_of_the_cluster_is_the_one_that_tests_run() -> None:
    text = (PIPELINES / "agent.Dockerfile").read_text(encoding="utf-8")
    assert f"FROM docker.io/moby/buildkit:v{BUILDCTL.version} AS buildkit" in text
    assert f"docker.io/moby/buildkit:v{BUILDKITD.version}-rootless" == versions.BUILDKIT_IMAGE


@pytest.mark.parametrize("script", ["push.sh", "buildx.sh"])
def test_an_image_that_another_build_pushed_meanwhile_is_this_ones_too(script: str, tmp_path: Path) -> None:
    """ECR moves no tag: https://github.com/moby/buildkit/issues/3776."""
    for program in ("buildctl", "docker"):
        refused = tmp_path / program
        refused.write_text('#!/bin/sh\ncase "$*" in *push*) exit 1 ;; esac\n', encoding="utf-8")
        refused.chmod(0o755)
    told = {"REGISTRY": "r", "SERVICE": "api", "CACHE": "c", "BUILDKIT_TLS": "t"}
    for answer, code in (("r/api@sha256:1", 0), ("", 1)):
        python = tmp_path / "python3"
        python.write_text(f'#!/bin/sh\n[ "$3" != find ] || printf %s "{answer}"\n', encoding="utf-8")
        python.chmod(0o755)
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **told}
        built = subprocess.run(
            [PIPELINES / script], env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert (built.returncode, built.stdout) == (code, answer), built.stderr
