"""The workspace's copy of a stack file, and the programs on PATH."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import config
from config.required import PLATFORM
from rehearsal import ports, workspace
from rehearsal.cli import app
from rehearsal.errors import RehearsalError
from rehearsal.kubelet import images
from rehearsal.layout import CHECKOUT, RUNS_VARIABLE, Layout
from rehearsal.toolchain import Toolchain
from tests.unit.program import FIXTURES, STACKS, stack_file
from tests.unit.rehearsal.test_passphrase import SALT

SECRETS = f"{config.PROJECT}:secrets"
DOMAIN = f"{config.PROJECT}:domain"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "a rehearsal")


def test_secrets_of_a_real_stack_never_reach_the_copy() -> None:
    committed: dict[str, Any] = {
        "encryptionsalt": "v1:of-a-person",
        "secretsprovider": "awskms://alias/theirs",
        "encryptedkey": "theirs",
        "config": {DOMAIN: "hello.example.com", SECRETS: {"prod": {"api": {"KEY": {"secure": "v1:theirs"}}}}},
    }
    merged = workspace.merge_stack_file(committed, {})
    assert set(merged) == {"config"}
    assert merged["config"][DOMAIN] == "hello.example.com"
    assert "theirs" not in str(merged)
    assert merged["config"][SECRETS] == {}, "the file has no service with a secret"


def test_the_copys_own_salt_and_secrets_are_kept_while_settings_follow_the_checkout() -> None:
    services: dict[str, Any] = {f"{config.PROJECT}:services": {"api": {"secrets": ["KEY"]}}}
    values = {"KEY": {"secure": "v1:ours"}, "DROPPED": {"secure": "v1:ours"}}
    ours: dict[str, Any] = {
        "encryptionsalt": "v1:ours",
        "config": {DOMAIN: "old.example.com", SECRETS: {"dev": {"api": values, "gone": values}}},
    }
    merged = workspace.merge_stack_file({"config": {DOMAIN: "new.example.com", **services}}, ours)
    # One that no service names any more would be refused.
    assert merged["config"][SECRETS]["dev"] == {"api": {"KEY": {"secure": "v1:ours"}}}
    assert {key: value for key, value in merged["config"].items() if key != SECRETS} == {
        DOMAIN: "new.example.com",
        **services,
    }
    assert merged["encryptionsalt"] == "v1:ours"


def test_the_rehearsal_makes_a_password_up_for_each_person() -> None:
    settings: dict[str, Any] = {
        f"{config.PROJECT}:services": {"api": {}},
        f"{config.PROJECT}:logs": {"people": {"ada-lovelace": {"roles": ["admin"]}}},
    }
    people = workspace.merge_stack_file({"config": settings}, {})["config"][SECRETS]["platform"]
    assert set(people["people"]) == {"ADA_LOVELACE"}
    assert set(people["logs"]) == {*PLATFORM} - {"READER_PASSWORD"}


@pytest.mark.parametrize("logs", [None, "many", {"people": ["ada"]}, {"people": None}, {}])
def test_what_is_no_list_of_people_is_left_to_the_program(logs: Any) -> None:
    settings: dict[str, Any] = {f"{config.PROJECT}:services": {"api": {}}, f"{config.PROJECT}:logs": logs}
    platform = workspace.merge_stack_file({"config": settings}, {})["config"][SECRETS]["platform"]
    assert set(platform) == {"logs"}


def test_only_secrets_that_have_no_value_yet_are_made_up(layout: Layout) -> None:
    workspace.copy_project(layout, "dev", FIXTURES)
    file = layout.workspace / "Pulumi.dev.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"][SECRETS] = {"dev": {"ai": {"LLM_API_KEY": {"secure": "v1:of-a-person"}}}}
    before = workspace.missing_secrets(layout, "dev")
    file.write_text(yaml.safe_dump(content))
    workspace.copy_project(layout, "dev", FIXTURES)
    key = f"{SECRETS}.dev.ai.LLM_API_KEY"
    assert key in before
    assert workspace.missing_secrets(layout, "dev").keys() == before.keys() - {key}


def test_secrets_are_encrypted_where_they_are_and_nothing_else_changes(layout: Layout) -> None:
    workspace.copy_project(layout, "dev", FIXTURES)
    file = layout.workspace / "Pulumi.dev.yaml"
    before: dict[str, Any] = {**yaml.safe_load(file.read_text()), "encryptionsalt": SALT}
    file.write_text(yaml.safe_dump(before))
    workspace.set_secrets(layout, "dev", workspace.missing_secrets(layout, "dev"))
    after = yaml.safe_load(file.read_text())
    assert workspace.missing_secrets(layout, "dev") == {}
    assert workspace.is_encrypted(after["config"][SECRETS]["dev"]["ai"]["LLM_API_KEY"])
    assert {**after, "config": {**after["config"], SECRETS: before["config"][SECRETS]}} == before


def test_a_secret_that_the_file_does_not_have_is_refused(layout: Layout) -> None:
    workspace.copy_project(layout, "dev", FIXTURES)
    with pytest.raises(RehearsalError, match=r"has no hello-platform:secrets\.dev\.ai\.OTHER"):
        workspace.set_secrets(layout, "dev", {f"{SECRETS}.dev.ai.OTHER": "text"})


def test_a_file_of_another_passphrase_is_refused_before_it_is_changed(layout: Layout) -> None:
    workspace.copy_project(layout, "dev", FIXTURES)
    before = (layout.workspace / "Pulumi.dev.yaml").read_text()
    with pytest.raises(RehearsalError, match="encryptionsalt is not of the form"):
        workspace.set_secrets(layout, "dev", workspace.missing_secrets(layout, "dev"))
    assert (layout.workspace / "Pulumi.dev.yaml").read_text() == before


ENCRYPTED = {"secure": "v1:of-a-person"}
DELIVERY = f"{config.PROJECT}:delivery"


def stack_with_encrypted_values(folder: Path) -> Path:
    """A stack file as `pulumi config set --secret` leaves it, in a folder of its own."""
    content = stack_file("dev")
    content["encryptionsalt"] = "v1:of-a-person"
    content["config"] |= {
        "aws:token": ENCRYPTED,
        DELIVERY: {
            "adminPassword": ENCRYPTED,
            "hook": {"cidrs": ["192.30.252.0/22", ENCRYPTED], "secret": ENCRYPTED},
            "notify": {"slackUrl": ENCRYPTED},
            "sources": {"a.b": ENCRYPTED, "api": {"repository": "https://git.example.com/api.git"}},
        },
    }
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(content))
    return folder


def test_every_encrypted_value_is_replaced_by_a_secret_of_the_rehearsals_own(layout: Layout, tmp_path: Path) -> None:
    workspace.copy_project(layout, "dev", stack_with_encrypted_values(tmp_path / "stacks"))
    copy = (layout.workspace / "Pulumi.dev.yaml").read_text()
    assert "v1:of-a-person" not in copy
    assert "secure" not in copy
    missing = workspace.missing_secrets(layout, "dev")
    replaced = {key: value for key, value in missing.items() if not key.startswith(SECRETS)}
    assert replaced == {
        "aws:token": "rehearsal-token",
        f"{DELIVERY}.adminPassword": "rehearsal-delivery-adminPassword",
        f"{DELIVERY}.hook.cidrs[1]": "rehearsal-delivery-hook-cidrs-1",
        f"{DELIVERY}.hook.secret": "rehearsal-delivery-hook-secret",
        f"{DELIVERY}.notify.slackUrl": "https://rehearsal.invalid/rehearsal-delivery-notify-slackUrl",
        f'{DELIVERY}.sources["a.b"]': "rehearsal-delivery-sources-a-b",
    }
    delivery = yaml.safe_load(copy)["config"][DELIVERY]
    assert delivery["adminPassword"] == replaced[f"{DELIVERY}.adminPassword"]
    assert delivery["hook"]["cidrs"] == ["192.30.252.0/22", replaced[f"{DELIVERY}.hook.cidrs[1]"]]
    assert delivery["sources"]["api"] == {"repository": "https://git.example.com/api.git"}


def test_what_a_rehearsal_encrypted_stays_as_long_as_the_stacks_file_has_it_encrypted(
    layout: Layout, tmp_path: Path
) -> None:
    stacks = stack_with_encrypted_values(tmp_path / "stacks")
    workspace.copy_project(layout, "dev", stacks)
    file = layout.workspace / "Pulumi.dev.yaml"
    content = yaml.safe_load(file.read_text())
    content["encryptionsalt"] = "v1:ours"
    ours = content["config"][DELIVERY]
    ours["adminPassword"] = ours["hook"]["cidrs"][1] = {"secure": "v1:ours"}
    file.write_text(yaml.safe_dump(content))

    workspace.copy_project(layout, "dev", stacks)
    assert yaml.safe_load(file.read_text()) == content
    missing = {key for key in workspace.missing_secrets(layout, "dev") if key.startswith(DELIVERY)}
    assert missing == {f"{DELIVERY}.{name}" for name in ("hook.secret", "notify.slackUrl", 'sources["a.b"]')}

    source = yaml.safe_load((stacks / "Pulumi.dev.yaml").read_text())
    source["config"][DELIVERY]["adminPassword"] = "in plain text"
    (stacks / "Pulumi.dev.yaml").write_text(yaml.safe_dump(source))
    workspace.copy_project(layout, "dev", stacks)
    assert yaml.safe_load(file.read_text())["config"][DELIVERY]["adminPassword"] == "in plain text"


def test_a_made_up_value_is_one_that_the_settings_take(layout: Layout) -> None:
    workspace.copy_project(layout, "prod", FIXTURES)
    secrets = workspace.missing_secrets(layout, "prod")
    lengths = {f"{SECRETS}.platform.logs.{name}": least for name, least in PLATFORM.items()}
    assert all(len(secrets[key]) >= least for key, least in lengths.items())


def test_a_file_that_holds_no_config_yet_is_merged_too() -> None:
    assert workspace.merge_stack_file({"config": None}, {}) == {"config": {SECRETS: {}}}


def test_a_stack_whose_kubernetes_api_only_its_vpc_reaches_is_rehearsed_from_outside(layout: Layout) -> None:
    kept = {"logRetentionDays": 30}
    empty: list[dict[str, Any]] = [{}, {"publicAccessCidrs": []}]
    for access in empty:
        reached = workspace.reached_from_here({"config": {workspace.CLUSTER: {**kept, **access}}})
        assert reached == {"config": {workspace.CLUSTER: {**kept, "publicAccessCidrs": [workspace.THIS_MACHINE]}}}
    for left in ({"publicAccessCidrs": ["203.0.113.0/24"]}, "for the program to refuse"):
        assert workspace.reached_from_here({"config": {workspace.CLUSTER: left}}) == {
            "config": {workspace.CLUSTER: left}
        }
    workspace.copy_project(layout, "dev", FIXTURES)
    assert workspace.lists_this_machine(layout, "dev")


def test_the_page_of_releases_has_an_image_that_runs_here_unless_the_stack_names_one(layout: Layout) -> None:
    workspace.copy_project(layout, "dev", FIXTURES)
    copied = yaml.safe_load((layout.workspace / "Pulumi.dev.yaml").read_text())["config"]
    image = copied[workspace.PAGE]["image"]
    assert images.is_ours({"spec": {"containers": [{"image": image}]}})
    of_account = {f"hello-platform:{key}": copied[f"hello-platform:{key}"] for key in ("accountId", "region")}
    left: list[dict[str, Any]] = [
        {workspace.PAGE: {"image": "registry.example.com/agent"}},
        {workspace.PAGE: "for the program to refuse"},
        {"hello-platform:delivery": {"agentDigest": "sha256:" + 64 * "b"}},
    ]
    for settings in left:
        assert workspace.with_page({"config": settings}, "dev") == {"config": settings}
    off = workspace.with_page({"config": {**of_account, workspace.PAGE: {"enabled": False}}}, "dev")
    assert off["config"][workspace.PAGE] == {"enabled": False, "image": image}


@pytest.mark.parametrize("stack", STACKS)
def test_the_copy_runs_the_checkouts_program_and_names_a_value_for_every_secret(layout: Layout, stack: str) -> None:
    workspace.copy_project(layout, stack, FIXTURES)
    project = yaml.safe_load((layout.workspace / "Pulumi.yaml").read_text())
    assert project["main"] == str(CHECKOUT)
    services = yaml.safe_load((FIXTURES / f"Pulumi.{stack}.yaml").read_text())["config"]["hello-platform:services"]
    wanted = {name: service.get("secrets", []) for name, service in services.items()}
    made_up = workspace.missing_secrets(layout, stack)
    assert made_up
    assert set(made_up) == {secret.key for secret in config.required_secrets(wanted)}
    assert all(made_up.values())


def test_an_unknown_stack_is_refused_with_the_known_ones(layout: Layout) -> None:
    with pytest.raises(RehearsalError, match=r"Pulumi.staging.yaml does not exist[\s\S]*STACK=dev or STACK=prod"):
        workspace.copy_project(layout, "staging", FIXTURES)
    assert not layout.directory.exists()


@pytest.mark.parametrize("command", ["up", "preview", "down"])
def test_each_command_that_copies_the_stacks_file_takes_its_folder(
    command: str, layout: Layout, tmp_path: Path
) -> None:
    layout.directory.mkdir()
    options = ["--directory", str(layout.directory), "--stacks", str(tmp_path)]
    refusal = CliRunner().invoke(app, [command, *options]).exception
    assert str(refusal).startswith(f"There is no stack dev: {tmp_path / 'Pulumi.dev.yaml'} does not exist")


def test_a_folder_without_stack_files_is_refused(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="name a folder that holds stack files"):
        workspace.copy_project(layout, "dev", tmp_path)


@pytest.fixture
def tools(tmp_path: Path) -> Toolchain:
    paths: dict[str, Any] = {field.name: tmp_path / field.name for field in fields(Toolchain)}
    paths["charts"] = {}
    return Toolchain(**paths)


def test_every_program_the_engine_looks_for_is_on_path_and_runs_from_a_folder_with_spaces(
    layout: Layout, tools: Toolchain
) -> None:
    workspace.put_tools(layout, tools)
    assert {path.name for path in layout.tools.iterdir()} == {
        *("pulumi", "kubectl", "pulumi-language-python"),
        *("pulumi-resource-aws", "pulumi-resource-eks", "pulumi-resource-kubernetes"),
    }
    host = subprocess.Popen([layout.tools / "pulumi-language-python"], stdout=subprocess.PIPE, cwd="/", text=True)
    with host:
        assert host.stdout is not None
        assert int(host.stdout.readline()) > 0
        host.terminate()
    assert host.returncode == 0


def test_another_kubernetes_provider_takes_the_place_of_the_one_before(
    layout: Layout, tools: Toolchain, tmp_path: Path
) -> None:
    for provider in (tools.kubernetes_provider, tmp_path / "another"):
        workspace.put_tools(layout, replace(tools, kubernetes_provider=provider))
        assert (layout.tools / "pulumi-resource-kubernetes").readlink() == provider


def in_a_shell(layout: Layout, home: Path, command: str) -> str:
    """What a command prints in the rehearsal's Bash of a person who is at home."""
    return subprocess.run(
        [*workspace.shell_command(layout, "/bin/bash"), "-i", "-c", command],
        env={**os.environ, "HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_person_whose_shell_puts_other_programs_first_gets_the_rehearsals(layout: Layout, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    (tmp_path / ".bashrc").write_text(f'export MINE=kept PATH={tmp_path}:"$PATH"\n')
    layout.directory.mkdir(parents=True, exist_ok=True)
    shown = in_a_shell(layout, tmp_path, "type -p python && echo $MINE")
    assert shown.split() == [str(Path(sys.executable).parent / "python"), "kept"]
    assert workspace.shell_command(layout, "/bin/fish") == ["/bin/fish"]


def test_pulumi_works_in_a_shell_from_any_folder(layout: Layout, tmp_path: Path) -> None:
    layout.tools.mkdir(parents=True)
    engine = layout.tools / "pulumi"
    engine.write_text('#!/bin/sh\necho "$@"\n')
    engine.chmod(0o755)
    shown = in_a_shell(layout, tmp_path, "pulumi up --yes && pwd")
    assert shown.splitlines() == [f"--cwd {layout.workspace} up --yes", str(tmp_path)]


def test_the_release_tool_works_in_a_shell(layout: Layout) -> None:
    layout.control_plane.mkdir(parents=True)
    at = ports.ensure(layout.control_plane / "ports.json")
    workspace.copy_project(layout, "dev", FIXTURES)
    variables = workspace.shell_environment(layout)
    engine = workspace.environment(layout)
    changed = {name for name in engine if engine[name] != variables.get(name)}
    assert changed == {"PATH", RUNS_VARIABLE}, "what a person starts there is none of the rehearsal's processes"
    shown = subprocess.run(
        ["python", "-m", "release", "deploy", "--help"],
        env=variables,
        cwd=layout.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert variables["HELLO_RELEASE_IMAGE_TAGS"] == "false"
    assert (variables["AWS_ENDPOINT_URL"], variables["AWS_REGION"]) == (f"http://127.0.0.1:{at.aws}", "ap-northeast-2")


def test_the_engine_keeps_no_automatic_logs_and_those_of_before_go(layout: Layout, tools: Toolchain) -> None:
    logs = layout.pulumi_home / "logs"
    logs.mkdir(parents=True)
    (logs / "pulumi-1.log").touch()
    for _ in range(2):
        workspace.put_tools(layout, tools)
        with pytest.raises(NotADirectoryError):
            (logs / "pulumi-2.log").touch()


def test_the_engine_is_kept_off_the_persons_own_backend_and_plugins(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    variables = workspace.environment(layout)
    assert variables["PULUMI_BACKEND_URL"].startswith("file:///")
    assert variables["PULUMI_BACKEND_URL"].partition("?")[0] == layout.state.as_uri()
    assert Path(variables["PULUMI_HOME"]).is_relative_to(layout.directory)
    assert variables["PATH"].split(os.pathsep) == [str(layout.tools), "/usr/bin"]


def test_a_stack_file_with_a_key_twice_is_refused_before_anything_is_made(layout: Layout, tmp_path: Path) -> None:
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    text = (FIXTURES / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    service = f"  {config.PROJECT}:services:\n    search: {{port: 8080, healthPath: /health}}\n"
    (stacks / "Pulumi.dev.yaml").write_text(f"{text.rstrip()}\n{service}", encoding="utf-8")
    with pytest.raises(RehearsalError, match=r"Pulumi.dev.yaml cannot be read: .*services is there twice, in line"):
        workspace.copy_project(layout, "dev", stacks)
