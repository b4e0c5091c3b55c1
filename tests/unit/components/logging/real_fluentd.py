"""Runs the real Fluentd over the files of containers, where there is one: `HELLO_FLUENTD` names its program.

Its beginning and its end are others than on a node: files of a folder, and a file of events. The way in between is ours
as it stands, but for the plugin that asks the Kubernetes API: namespace and container are taken from the file's name.
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

from components.logging.fluentd.syntax import Section, filter_, section
from tests.unit.components.logging.fluentd_grammar import parse

FROM_TAG = '${t = tag.split("containers.").last.split("_"); {"namespace_name" => t[1], "pod_name" => t[0]}}'
SECONDS = 60


def events(program: str, text: str, files: Mapping[str, bytes], folder: Path) -> list[dict[str, Any]]:
    """What Fluentd writes of the files, each event once.

    Args:
        program: Path of `fluentd`.
        text: Our configuration.
        files: Each file's name and content.
        folder: An empty one.
    """
    (folder / "containers").mkdir()
    for name, content in files.items():
        (folder / "containers" / name).write_bytes(content)
    config = folder / "fluent.conf"
    config.write_text("\n".join(one.text for one in _changed(parse(text), folder)), encoding="utf-8")
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
    """Waits until nothing more is written for longer than Fluentd waits for a further line."""
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


def _changed(root: Section, folder: Path) -> Iterator[Section]:
    for one in root.sections:
        if one.parameters.get("@type") == "tail":
            moved = {
                "path": f"{folder}/containers/*.log",
                "pos_file": f"{folder}/position",
                "tag": "kubernetes.var.log.containers.*",
            }
            yield replace(one, parameters={**one.parameters, **moved})
        elif one.name == "label":
            yield replace(one, sections=[_changed_part(part, folder) for part in one.sections])


def _changed_part(part: Section, folder: Path) -> Section:
    match part.parameters.get("@type"):
        case "kubernetes_metadata":
            return filter_("record_transformer", {"enable_ruby": "true"}, section("record", {"kubernetes": FROM_TAG}))
        case "elasticsearch":
            to = {"@type": "file", "path": f"{folder}/events-{part.parameters['@id']}", "append": "true"}
            at_once = section("buffer", {"flush_mode": "immediate"})
            return replace(part, parameters=to, sections=[at_once, section("format", {"@type": "json"})])
        case _:
            return part
