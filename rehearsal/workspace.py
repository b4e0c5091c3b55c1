"""The Pulumi workspace of a rehearsal: tools on PATH, copies of project and stack file, generated secrets."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

import config
from components.delivery.jenkins.names import AGENT
from config import stack_file
from rehearsal import aws
from rehearsal.errors import RehearsalError
from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, RUNS_VARIABLE, Layout
from rehearsal.passphrase import encryption
from rehearsal.toolchain import Toolchain

EMULATORS = {"aws": "rehearsal.emulators.aws", "eks": "rehearsal.emulators.eks"}
"""The modules of the emulated providers."""

LANGUAGE_HOST = "pulumi-language-python"
"""The file of the language host among the tools."""

PASSPHRASE = "rehearsal"  # noqa: S105 - it protects generated values only
"""Passphrase of the rehearsal's secrets, which are worthless."""

SECRETS = f"{config.PROJECT}:secrets"
CHARTS = f"{config.PROJECT}:charts"
CLUSTER = f"{config.PROJECT}:cluster"
PAGE = f"{config.PROJECT}:releasesPage"

THIS_MACHINE = "192.0.2.1/32"
"""What a rehearsal lists of a stack whose `publicAccessCidrs` is empty: it runs outside of the VPC. For documentation.

https://www.rfc-editor.org/rfc/rfc5737
"""

_KEYS_OF_ANOTHER_BACKEND = ("encryptionsalt", "encryptedkey", "secretsprovider")


def environment(layout: Layout) -> dict[str, str]:
    """Environment variables for plain `pulumi` and `kubectl` on the rehearsal."""
    return {
        DIRECTORY_VARIABLE: str(layout.directory),
        RUNS_VARIABLE: str(layout.directory),
        "KUBECONFIG": str(layout.kubeconfig),
        "PATH": f"{layout.tools}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": backend_url(layout),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_HOME": str(layout.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Every plugin is on PATH; a download would hide that one is missing.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # A backup of the state for each update would fill the folder.
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
        # The backend writes, hashes and copies the whole state before and after each step: a tenth of it is faster.
        "PULUMI_DIY_BACKEND_ZSTD": "true",
    }


def backend_url(layout: Layout) -> str:
    """URL of the state backend.

    Without files of attributes (`.attrs`), of which a killed engine leaves incomplete ones, so that the state cannot be
    read: https://pkg.go.dev/gocloud.dev/blob/fileblob#URLOpener
    """
    return f"{layout.state.as_uri()}?metadata=skip"


def shell_environment(layout: Layout) -> dict[str, str]:
    """Environment variables of `make shell`, also for the AWS CLI, `python -m release` and `python -m rehearsal`."""
    variables = environment(layout)
    del variables[RUNS_VARIABLE]
    return {
        **variables,
        **aws.environment(layout, region=aws.region(layout)),
        "PATH": f"{_programs(layout)}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(CHECKOUT),
        "HELLO_RELEASE_IMAGE_TAGS": "false",  # ECR has no demo image to tag
    }


def shell_command(layout: Layout, program: str) -> list[str]:
    """Command line of the user's shell, for `shell_environment`.

    Bash gets an rc file that sets PATH after the user's own, where pyenv or nvm may put other programs first.
    """
    if Path(program).name != "bash":
        return [program]
    start = layout.directory / "bashrc"
    path = f'PATH={shlex.quote(_programs(layout))}:"$PATH"'
    start.write_text(f'[ ! -f ~/.bashrc ] || . ~/.bashrc\n{path}\neval "$(python -m release completion bash)"\n')
    return [program, "--rcfile", str(start)]


def _programs(layout: Layout) -> str:
    """PATH of the rehearsal's tools and of this Python, with a `pulumi` that works on the rehearsal from any folder."""
    folder = layout.directory / "shell"
    folder.mkdir(parents=True, exist_ok=True)
    engine = folder / "pulumi"
    words = (str(layout.tools / "pulumi"), "--cwd", str(layout.workspace))
    engine.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    engine.chmod(0o755)
    return os.pathsep.join([str(folder), str(layout.tools), str(Path(sys.executable).parent)])


def put_tools(layout: Layout, toolchain: Toolchain, emulators: Mapping[str, str] = EMULATORS) -> None:
    """Puts engine, kubectl, language host and providers into the folder `bin` of the rehearsal.

    The engine's home gets /dev/null for the folder of its automatic logs: nobody can read them without the engine's
    tools, each has every property of every resource, and they take 40 % of the engine's CPU in a preview. There is no
    setting; an engine that cannot create the folder goes on without them:
    https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/cmd/pulumi/pulumi.go (`StartLogging`).
    """
    layout.tools.mkdir(parents=True, exist_ok=True)
    layout.pulumi_home.mkdir(exist_ok=True)
    automatic_logs = layout.pulumi_home / "logs"
    if automatic_logs.is_dir():
        shutil.rmtree(automatic_logs)
    _link(automatic_logs, Path(os.devnull))
    _link(layout.tools / "pulumi", toolchain.pulumi)
    _link(layout.tools / "kubectl", toolchain.kubernetes_program("kubectl"))
    _link(layout.tools / "pulumi-resource-kubernetes", toolchain.kubernetes_provider)
    _script(layout.tools / LANGUAGE_HOST, layout, "rehearsal.language_host")
    for name, module in emulators.items():
        _script(layout.tools / emulator(name), layout, "rehearsal.emulators", module)


def emulator(provider: str) -> str:
    """The file of a provider's emulator among the tools."""
    return f"pulumi-resource-{provider}"


def copy_project(layout: Layout, stack: str, stacks: Path = CHECKOUT) -> None:
    """Copies Pulumi.yaml and the stack's file in `stacks`, so that the engine does not change those of the checkout.

    Raises:
        RehearsalError: There is no such stack, or its file is not a YAML mapping.
    """
    source = stacks / f"Pulumi.{stack}.yaml"
    if not source.is_file():
        known = sorted(path.name.split(".")[1] for path in stacks.glob("Pulumi.*.yaml"))
        raise RehearsalError(
            f"There is no stack {stack}: {source} does not exist.",
            remedy=f"say STACK={' or STACK='.join(known)}." if known else "name a folder that holds stack files.",
        )
    layout.workspace.mkdir(parents=True, exist_ok=True)
    layout.state.mkdir(parents=True, exist_ok=True)
    _write_yaml(layout.workspace / "Pulumi.yaml", {**_read_yaml(CHECKOUT / "Pulumi.yaml"), "main": str(CHECKOUT)})
    copy = layout.workspace / source.name
    merged = merge_stack_file(_read_yaml(source), _read_yaml(copy) if copy.is_file() else {})
    _write_yaml(copy, with_page(reached_from_here(merged), stack))


def charts_setting(layout: Layout, stack: str) -> str | None:
    """The setting `charts` in the copy of the stack's file; right after `copy_project`, that of the original."""
    return _read_yaml(layout.workspace / f"Pulumi.{stack}.yaml")["config"].get(CHARTS)


def set_charts(layout: Layout, stack: str, source: str) -> None:
    """Sets `charts` in the copy of the stack's file."""
    copy = layout.workspace / f"Pulumi.{stack}.yaml"
    content = _read_yaml(copy)
    _write_yaml(copy, {**content, "config": {**content["config"], CHARTS: source}})


def merge_stack_file(committed: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, Any]:
    """The rehearsal's stack file: the committed one with other secrets.

    Encrypted values are never decrypted: generated ones replace them, and stand for missing values of required secrets,
    in plain text until they are set as secrets (`missing_secrets`). Of the previous file of the rehearsal, which may be
    empty, the encryption salt is kept, which the state needs, and the encrypted values of secrets that still exist.
    """
    settings: dict[str, Any] = {**(committed.get("config") or {}), SECRETS: {}}
    for secret in required_secrets(settings):
        services = settings[SECRETS].setdefault(secret.environment, {})
        services.setdefault(secret.service, {})[secret.name] = {"secure": ""}
    plain = {key: value for key, value in committed.items() if key not in _KEYS_OF_ANOTHER_BACKEND}
    kept = {key: value for key, value in previous.items() if key in _KEYS_OF_ANOTHER_BACKEND}
    return {**plain, **kept, "config": _without_encrypted(settings, previous.get("config"), "")}


def reached_from_here(stack_file: Mapping[str, Any]) -> dict[str, Any]:
    """A stack file whose `publicAccessCidrs` lists this machine if it was empty, which the program refuses at first."""
    settings: dict[str, Any] = stack_file["config"]
    access: Any = settings.get(CLUSTER, {})
    if not isinstance(access, dict) or access.get("publicAccessCidrs"):  # pyright: ignore[reportUnknownMemberType]
        return dict(stack_file)
    listed = {**cast("dict[str, Any]", access), "publicAccessCidrs": [THIS_MACHINE]}
    return {**stack_file, "config": {**settings, CLUSTER: listed}}


def with_page(stack_file: Mapping[str, Any], stack: str) -> dict[str, Any]:
    """A stack file whose page of releases has an image, the agents', which the kubelet runs; as invalid as it was."""
    settings: dict[str, Any] = stack_file["config"]
    page, delivery = settings.get(PAGE, {}), settings.get(f"{config.PROJECT}:delivery")
    if not isinstance(page, dict) or "image" in page or (isinstance(delivery, dict) and "agentDigest" in delivery):
        return dict(stack_file)
    account, region = (settings.get(f"{config.PROJECT}:{key}") for key in ("accountId", "region"))
    image = f"{account}.dkr.ecr.{region}.amazonaws.com/hello-{stack}/{AGENT}@sha256:{64 * 'a'}"
    return {**stack_file, "config": {**settings, PAGE: {**cast("dict[str, Any]", page), "image": image}}}


def lists_this_machine(layout: Layout, stack: str) -> bool:
    """Whether the copy of the stack's file lists this machine, because the original has an empty list."""
    access: Any = _read_yaml(layout.workspace / f"Pulumi.{stack}.yaml")["config"].get(CLUSTER)
    return isinstance(access, dict) and cast("dict[str, Any]", access).get("publicAccessCidrs") == [THIS_MACHINE]


def _without_encrypted(value: Any, previous: Any, key: str) -> Any:
    """A value with every encrypted part replaced: by the encrypted one of `previous`, or by a generated one."""
    if is_encrypted(value):
        return previous if is_encrypted(previous) else generated(key)
    parts_before = {name: part for name, _, part in _parts(previous, "")}
    parts = {name: _without_encrypted(part, parts_before.get(name), path) for name, path, part in _parts(value, key)}
    return _of_parts(value, parts)


def is_encrypted(value: Any) -> bool:
    """Whether a value of a stack's file is encrypted.

    https://www.pulumi.com/docs/iac/concepts/projects/stack-settings-file/
    """
    return isinstance(value, dict) and cast("dict[str, Any]", value).keys() == {"secure"}


def _parts(value: Any, key: str) -> Iterator[tuple[str | int, str, Any]]:
    """The parts of a mapping or list: name or index, configuration key with path, value.

    The key of the whole configuration is empty. Syntax of paths:
    https://www.pulumi.com/docs/iac/concepts/config/#structured-configuration
    """
    if isinstance(value, dict):
        for name, part in cast("dict[str, Any]", value).items():
            inner = f"{key}.{name}" if re.fullmatch(r"[\w-]+", str(name)) else f'{key}["{name}"]'
            yield name, inner if key else str(name), part
    elif isinstance(value, list):
        for index, part in enumerate(cast("list[Any]", value)):
            yield index, f"{key}[{index}]", part


def _every_part(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Key with path and value of the parts, and of theirs."""
    for _, path, part in _parts(value, key):
        yield path, part
        yield from _every_part(part, path)


def _of_parts(value: Any, parts: dict[str | int, Any]) -> Any:
    """A mapping or list like a value, of other parts; the value itself if it has none."""
    if isinstance(value, dict):
        return parts
    return list(parts.values()) if isinstance(value, list) else value


def generated(key: str) -> str:
    """A generated secret for a configuration key with path: text, or a URL if the key ends with `Url`."""
    text = re.sub(r"\W+", "-", f"rehearsal-{key.partition(':')[2]}").strip("-")
    return f"https://rehearsal.invalid/{text}" if key.endswith("Url") else text


def missing_secrets(layout: Layout, stack: str) -> dict[str, str]:
    """Generated values in the copy of the stack's file that are not encrypted yet, by configuration key with path."""
    settings = _read_yaml(layout.workspace / f"Pulumi.{stack}.yaml")["config"]
    return {path: part for path, part in _every_part(settings, "") if part == generated(path)}


def set_secrets(layout: Layout, stack: str, values: Mapping[str, str]) -> None:
    """Encrypts values into the copy of the stack's file, by configuration key with path; the stack exists.

    Raises:
        RehearsalError: The file has none of that key, or was encrypted with another passphrase.
    """
    if not values:
        return
    file = layout.workspace / f"Pulumi.{stack}.yaml"
    content = _read_yaml(file)
    if unknown := values.keys() - dict(_every_part(content["config"], "")).keys():
        raise RehearsalError(f"{file} has no {', '.join(sorted(unknown))}.", remedy="correct the key.")
    try:
        encrypt = encryption(PASSPHRASE, content.get("encryptionsalt", ""))
    except ValueError as error:
        raise RehearsalError(f"{file}: {error}.", remedy=f"run `make down STACK={stack}` and begin again.") from None
    encrypted = {key: {"secure": encrypt(value)} for key, value in values.items()}
    _write_yaml(file, {**content, "config": _with(encrypted, content["config"], "")})


def _with(replaced: Mapping[str, Any], value: Any, key: str) -> Any:
    """A value with some of its parts replaced, by key with path."""
    if key in replaced:
        return replaced[key]
    return _of_parts(value, {name: _with(replaced, part, path) for name, path, part in _parts(value, key)})


def required_secrets(settings: Mapping[str, Any]) -> list[config.RequiredSecret]:
    """The secrets that the services in a stack's file have; invalid parts of the file are skipped."""
    services = settings.get(f"{config.PROJECT}:services")
    if not isinstance(services, dict):
        return []  # the program reports it
    names = {
        str(name): list(map(str, cast("dict[str, Any]", service).get("secrets") or []))
        for name, service in cast("dict[str, Any]", services).items()
        if isinstance(service, dict)
    }
    logs = settings.get(f"{config.PROJECT}:logs")
    people = cast("dict[str, Any]", logs).get("people") if isinstance(logs, dict) else None
    return config.required_secrets(names, map(str, cast("dict[str, Any]", people)) if isinstance(people, dict) else ())


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _script(path: Path, layout: Layout, *module: str) -> None:
    """Writes an executable that runs a module of this project with arguments; the engine finds plugins by file name."""
    variables = f"PYTHONPATH={shlex.quote(str(CHECKOUT))} {DIRECTORY_VARIABLE}={shlex.quote(str(layout.directory))}"
    path.unlink(missing_ok=True)
    path.write_text(f'#!/bin/sh\n{variables} exec {shlex.quote(sys.executable)} -m {shlex.join(module)} "$@"\n')
    path.chmod(0o755)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = stack_file.parse(path.read_text())
    except yaml.YAMLError as error:
        raise RehearsalError(f"{path.name} cannot be read: {error}", remedy="correct the file.") from None
    if not isinstance(content, dict):
        raise RehearsalError(f"{path.name} holds no settings.", remedy="restore the file from git.")
    return cast("dict[str, Any]", content)


def _write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))
