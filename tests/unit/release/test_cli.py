"""The command line: fast start, usage errors before any request, and rendered slots for kubectl."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from platform import python_version
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from contract.blue_green import SENTINEL_DIGEST
from contract.version import VERSION
from kube.client import KubernetesApiError
from release.cli import app, main, source_digest
from release.cli.options import confirm, images_by_service
from release.errors import ExitCode, ReleaseError
from release.session import Options, Session
from tests.release.platform import objects
from tests.unit.kube.test_client import Stalling
from tests.unit.release.fake_cluster import FakeClock, FakeCluster

IMAGE = f"registry.example.com/api@sha256:{'ab' * 32}"
TEMPLATE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PodTemplate",
    "metadata": {"name": "api", "namespace": "dev"},
    "template": {
        "metadata": {"labels": {"app.kubernetes.io/name": "api", "environment": "dev"}},
        "spec": {"containers": [{"name": "api", "image": f"registry.example.com/api@{SENTINEL_DIGEST}"}]},
    },
}


def test_a_slot_is_printed_as_kubectl_takes_it() -> None:
    result = CliRunner().invoke(app, ["render", "--image", IMAGE, "--slot", "green"], input=json.dumps(TEMPLATE))
    assert result.exit_code == 0, result.output
    deployment = json.loads(result.output)
    assert deployment["metadata"] == {"name": "api-green", "namespace": "dev"}
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        (["--image", IMAGE, "--slot", "red"], json.dumps(TEMPLATE), "red is no slot"),
        (["--image", IMAGE], "nonsense", "is no JSON"),
        (["--image", "api:latest"], json.dumps(TEMPLATE), "api:latest is not an image by digest"),
        (["--image", f"api@{SENTINEL_DIGEST}"], json.dumps(TEMPLATE), "is not an image by digest"),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_its_reason(arguments: list[str], given: str, told: str) -> None:
    result = CliRunner().invoke(app, ["render", *arguments], input=given)
    assert result.exit_code == 2
    assert told in " ".join(result.output.replace("│", " ").split())


def kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "users": [{"name": "one", "user": {"token": "abc"}}],
    }


def ended(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and what was told, of the program as a person starts it."""
    code, _, error = printed(arguments, monkeypatch, capsys)
    return code, error


def printed(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    monkeypatch.setattr("sys.argv", ["release", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr()
    return int(end.value.code or 0), told.out, told.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("broken: [yaml", "while parsing a flow sequence"),
        ("a: b", "Expected key current-context"),
        (json.dumps(kubeconfig("https://127.0.0.1:9") | {"current-context": "two"}), "Expected object with name two"),
    ],
)
def test_a_kubeconfig_that_is_none_is_told_with_what_to_do(
    tmp_path: Path, content: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(content)
    code, error = ended(["status", "dev", "--kubeconfig", str(file)], monkeypatch, capsys)
    assert code == ExitCode.FAILED
    assert error.startswith("error: no valid kubeconfig: ")
    assert told in error
    assert "What to do: name one with --kubeconfig" in error


def test_an_api_server_that_is_away_is_named_with_its_address_and_told_while_it_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kubeconfig"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    file.write_text(json.dumps(kubeconfig(f"https://127.0.0.1:{port}")))
    monkeypatch.setattr("release.clock.time.sleep", id)
    arguments = ["status", "dev", "--json", "--kubeconfig", str(file)]
    code, error = ended(arguments, monkeypatch, capsys)
    assert code == ExitCode.FAILED
    away = f"the API server: no answer from 127.0.0.1:{port}: "
    assert error.count(f"T{away[1:]}") == 1, "said once, not at each try"
    assert f"error: {away}" in error
    assert "object at 0x" not in error


@pytest.mark.parametrize("sends", [b"", b"{" * 10000], ids=["hung", "slow"])
def test_status_of_an_api_server_that_does_not_answer_says_so_within_ten_seconds(
    tmp_path: Path, sends: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Stalling(sends)
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(kubeconfig(server.address)))
    began = time.monotonic()
    try:
        code, error = ended(["status", "dev", "--kubeconfig", str(file)], monkeypatch, capsys)
    finally:
        server.close()
    assert code == ExitCode.FAILED
    assert "the API server did not answer within 10 s" in error
    assert time.monotonic() - began < 12


def test_a_refusal_of_the_api_server_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise KubernetesApiError("pods is forbidden", status=403, reason="Forbidden")

    monkeypatch.setattr("release.session.KubernetesApi", refuse)
    code, error = ended(["history", "dev", "api"], monkeypatch, capsys)
    assert (code, error.splitlines()[0]) == (ExitCode.FAILED, "error: the API server: pods is forbidden")
    assert "lacks the right" in error


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "dev", "api", "ai", "--image", IMAGE],
        ["deploy", "dev", "api", "--image", "api:latest"],
        ["deploy", "dev", "--all", "api"],
        ["promote"],
        ["rollback", "dev"],
        ["retire", "dev"],
    ],
)
def test_wrong_words_are_told_before_the_api_server_is_asked(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> None:
        pytest.fail("the API server is asked")

    monkeypatch.setattr("release.session.KubernetesApi", asked)
    assert CliRunner().invoke(app, words).exit_code == ExitCode.USAGE


def test_help_imports_nothing_heavy() -> None:
    heavy = ["kubernetes", "boto3", "pulumi", "tenacity", "urllib3"]
    program = f"import sys, release.cli; print([one for one in {heavy} if one in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command", ["deploy", "promote", "switch", "rollback", "retire", "verify", "status", "history"]
)
def test_each_command_has_help_and_takes_json(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.output


@pytest.mark.parametrize(
    ("names", "given", "wanted"),
    [
        (["api"], [IMAGE], {"api": IMAGE}),
        (["api", "ai"], [f"ai={IMAGE}"], {"api": "", "ai": IMAGE}),
        (["api"], [f"api@{SENTINEL_DIGEST}"], {"api": f"api@{SENTINEL_DIGEST}"}),  # the plan tells what that is
    ],
)
def test_each_service_gets_its_image(names: list[str], given: list[str], wanted: dict[str, str]) -> None:
    assert images_by_service(names, given) == wanted


@pytest.mark.parametrize(
    ("names", "given", "told"),
    [
        (["api", "ai"], [IMAGE], "use SERVICE=IMAGE"),
        (["api"], [f"web={IMAGE}"], "web is not among api"),
        (["api"], ["api:latest"], "is not an image by digest"),
    ],
)
def test_an_image_that_is_for_no_service_is_told(names: list[str], given: list[str], told: str) -> None:
    with pytest.raises(typer.BadParameter, match=told):
        images_by_service(names, given)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["deploy", "dev"], ExitCode.USAGE, "name services, or use --all"),
        (["deploy", "dev", "api", "--image", "api:latest"], ExitCode.USAGE, "is not an image by digest"),
        (["deploy", "dev", "api", "--at-once", "many"], ExitCode.USAGE, "--at-once"),
        (["history", "nowhere", "api"], ExitCode.REFUSED, "there is no service api in nowhere"),
        (["retire", "prod", "api"], ExitCode.USAGE, "end the pods of the idle slot of api, in prod of hello-test"),
    ],
)
def test_an_early_error_is_json_for_a_script(
    arguments: list[str], code: ExitCode, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch)
    ended_with, out, error = printed([*arguments, "--json"], monkeypatch, capsys)
    (result,) = json.loads(out)
    assert (ended_with, result["exitCode"], result["outcome"]) == (code, code, code.name.lower())
    assert told in result["message"]
    assert told in " ".join(error.split()), "a person reads it, too"


def connect(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """The cluster that every command comes to: a service in dev and in prod."""
    cluster = FakeCluster(FakeClock(), [*objects("dev", "api"), *objects("prod", "api")])

    def fake(*_: object, **__: object) -> FakeCluster:
        return cluster

    monkeypatch.setattr("release.session.KubernetesApi", fake)
    return cluster


def test_status_without_an_environment_shows_both_and_says_of_which_cluster(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch)
    code, out, error = printed(["status"], monkeypatch, capsys)
    assert code == 0, error
    assert [word for line in out.splitlines() if (word := line.strip()) in ("dev", "prod")] == ["dev", "prod"]
    assert error == "Cluster: hello-test, context test\n"
    _, out, _ = printed(["status", "--json"], monkeypatch, capsys)
    assert [one["environment"] for one in json.loads(out)] == ["dev", "prod"]


@pytest.mark.parametrize(
    "words",
    [["deploy", "prod", "api"], ["promote", "api"], ["switch", "prod", "api"], ["rollback", "prod", "api"]],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize(
    ("option", "variables", "known"),
    [
        (["--approved-by", "grace"], {}, "grace"),
        ([], {"APPROVER": "grace"}, "grace"),
        ([], {"APPROVER": ""}, None),
        ([], {}, None),
    ],
)
def test_who_approved_is_an_option_or_the_pipelines_variable(
    words: list[str],
    option: list[str],
    variables: dict[str, str],
    known: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Options] = []

    def session(options: Options) -> Session:
        made.append(options)
        raise ReleaseError("enough", remedy="none")

    monkeypatch.setattr("release.session.Session", session)
    CliRunner().invoke(app, [*words, *option], env={"APPROVER": None, **variables})
    assert [one.approved_by for one in made] == [known]


def test_the_version_tells_two_copies_of_the_tool_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = printed(["--version"], monkeypatch, capsys)
    assert (code, out) == (
        0,
        f"release {VERSION}, source {source_digest()}, histories of version 1, Python {python_version()}\n",
    )


@pytest.mark.parametrize(("answer", "is_refused"), [(True, False), (False, True)])
def test_a_person_confirms_what_ends_pods_of_prod(
    answer: bool, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = connect(monkeypatch)
    asked: list[str] = []

    def ask(question: str, **_: object) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr("typer.confirm", ask)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    session = Session(Options(), api.clock)
    confirm(session, "prod", "end pods", yes=True)
    confirm(session, "dev", "end pods", yes=False)
    assert asked == []
    with pytest.raises(ReleaseError, match="not confirmed") if is_refused else nullcontext():
        confirm(session, "prod", "end pods", yes=False)
    assert asked == ["end pods, in prod of hello-test, context test?"]


@pytest.mark.parametrize(
    ("arguments", "at_once"), [(["--all"], 8), (["--all", "--at-once", "2"], 2), (["api"], 1)], ids=str
)
def test_all_services_are_released_side_by_side(
    arguments: list[str], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Options] = []

    def refuse(options: Options) -> None:
        opened.append(options)
        raise ReleaseError("enough", remedy="-")

    monkeypatch.setattr("release.session.Session", refuse)
    for command in (["deploy", "dev"], ["promote"], ["rollback", "dev"]):
        CliRunner().invoke(app, [*command, *arguments])
    assert [one.at_once for one in opened] == [at_once] * 3


COMPLETIONS = {
    "bash": (
        "COMP_WORDS=(release deploy dev api --wa); COMP_CWORD=4; _release_completion; echo ${COMPREPLY[@]};"
        "COMP_WORDS=(release deploy ''); COMP_CWORD=2; _release_completion; echo ${COMPREPLY[@]}"
    ),
    "zsh": (
        "_arguments() { print -r -- $@ }; words=(release deploy dev api --wa); CURRENT=5; _release_completion;"
        "words=(release deploy ''); CURRENT=3; _release_completion"
    ),
    "fish": "complete -C 'release deploy dev api --wa'; complete -C 'release deploy '",
}


@pytest.mark.parametrize("shell", [shell for shell in COMPLETIONS if shell == "bash" or shutil.which(shell)])
def test_a_shell_completes_options_and_environments_in_any_folder(shell: str, tmp_path: Path) -> None:
    """Bash is everywhere; zsh and fish are tried where they are installed."""
    code, setup = CliRunner().invoke(app, ["completion", shell]), tmp_path / "setup"
    start = "compdef() { }\n" if shell == "zsh" else ""
    setup.write_text(start + code.output, encoding="utf-8")
    script = f"source {setup}; {COMPLETIONS[shell]}; release --version"
    ran = subprocess.run([shell, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    for found in ("--wait", "--watch-for", "--warm-for", "dev", "prod", f"release {VERSION}, source {source_digest()}"):
        assert found in ran.stdout
    assert "--override" not in ran.stdout
