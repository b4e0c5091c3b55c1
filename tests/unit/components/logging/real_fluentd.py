"""Runs the real Fluentd, where the environment variable `HELLO_FLUENTD` has the path of its program.

Input and outputs differ from those on a node: a directory of log files, and a file of events. The stages in between are
those of the configuration, without the Kubernetes API: namespace and container come from the file's name.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.logging.fluentd import lost
from components.logging.fluentd.syntax import Section, filter_, section
from tests.unit.components.logging.fluentd_grammar import parse

FROM_TAG = '${t = tag.match(Regexp.new(%q{PATTERN})); {"namespace_name" => t[:namespace], "pod_name" => t[:pod_name]}}'
PODS = "var/log/pods"
SECONDS = 60


def events(program: str, text: str, files: Mapping[str, bytes], folder: Path) -> list[dict[str, Any]]:
    """The events that Fluentd makes of log files.

    Args:
        program: Path of `fluentd`.
        text: The configuration.
        files: Content of the log files, by path below `/var/log/pods`.
        folder: An empty directory.
    """
    for name, content in files.items():
        path = folder / PODS / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    config = folder / "fluent.conf"
    config.write_text("\n".join(part.text for part in changed(parse(text), folder)), encoding="utf-8")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([program, "--config", config], stdout=log, stderr=log) as running,
    ):
        try:
            _until_quiet(running, folder)
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(SECONDS)
    assert "[error]" not in (folder / "log").read_text(encoding="utf-8"), (folder / "log").read_text(encoding="utf-8")
    return [json.loads(line) for path in _written(folder) for line in path.read_text(encoding="utf-8").splitlines()]


def _until_quiet(running: subprocess.Popen[bytes], folder: Path) -> None:
    """Waits until no event has been written for longer than the timeouts of the configuration."""
    deadline, size, since = time.monotonic() + SECONDS, -1, time.monotonic()
    while time.monotonic() < deadline and running.poll() is None:
        now = sum(path.stat().st_size for path in _written(folder))
        if now != size:
            size, since = now, time.monotonic()
        if size and time.monotonic() - since > 10:
            return
        time.sleep(0.5)
    raise AssertionError((folder / "log").read_text(encoding="utf-8"))


def _written(folder: Path) -> list[Path]:
    return sorted(folder.glob("events*.log"))


def changed(root: Section, folder: Path) -> Iterator[Section]:
    for part in root.sections:
        if part.parameters.get("@type") == "tail":
            paths = {
                "path": part.parameters["path"].replace("/var/log", f"{folder}/var/log"),
                "exclude_path": part.parameters["exclude_path"].replace("/var/log", f"{folder}/var/log"),
                "pos_file": f"{folder}/position",
            }
            yield replace(part, parameters={**part.parameters, **paths})
        elif part.parameters.get("@type") == "exec":
            (folder / lost.NAME).write_text(lost.program(), encoding="utf-8")
            words = part.parameters["command"].split()
            own = [str(folder / lost.NAME), f"{folder}/{PODS}", f"{folder}/position", f"{folder}/lost.json"]
            yield replace(part, parameters={**part.parameters, "command": " ".join([*words[:-4], *own])})
        elif part.name == "label":
            yield replace(part, sections=[_changed_stage(stage, folder) for stage in part.sections])


def _changed_stage(stage: Section, folder: Path) -> Section:
    match stage.parameters.get("@type"):
        case "kubernetes_metadata":
            kubernetes = FROM_TAG.replace("PATTERN", stage.parameters["tag_to_kubernetes_name_regexp"])
            return filter_("record_transformer", {"enable_ruby": "true"}, section("record", {"kubernetes": kubernetes}))
        case "elasticsearch":
            output = {"@type": "file", "path": f"{folder}/events-{stage.parameters['@id']}", "append": "true"}
            unbuffered = section("buffer", {"flush_mode": "immediate"})
            return replace(stage, parameters=output, sections=[unbuffered, section("format", {"@type": "json"})])
        case _:
            return stage
