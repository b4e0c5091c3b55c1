"""The golden lines: lines of containers and the expected events. `golden/README.md` has the format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from components.logging.fluentd import Elasticsearch, configuration
from tests.unit.components.logging.fluentd_emulator import Fluentd
from tools.program.graph import every

FOLDER = Path(__file__).parent / "golden"
CASES: list[dict[str, Any]] = every(
    case for path in sorted(FOLDER.glob("*.yaml")) for case in yaml.safe_load(path.read_text(encoding="utf-8"))
)
TEXT = configuration(
    environments=["dev", "prod"],
    elasticsearch=Elasticsearch(
        host="elasticsearch",
        ca_file="/ca.crt",
        user="fluentd",
        password_from="PASSWORD",  # noqa: S106 - a variable's name
        data_streams="logs-hello",
    ),
    folder="/fluentd/etc/hello",
    state="/var/log/state",
    own_files="/var/log/pods/log-collector_fluentd-*/*/*",
    buffer_mib=1024,
)
UID = "0d2e5f3c-9c1b-4f1e-8a5e-3a1f6f0f4b7a"
FIELDS = ("message", "level", "duration_ms", "json", "environment", "stream")


def file_name(index: int, case: dict[str, Any]) -> str:
    """Path of a case's log file below `/var/log/pods`."""
    return f"{case.get('namespace', 'dev')}_pod-{index}_{UID}/api/0.log"


def content(case: dict[str, Any]) -> Iterator[bytes]:
    """The lines of a log file in CRI format, without line breaks."""
    for entry in case["log"]:
        line: dict[str, Any] = {"text": entry} if isinstance(entry, str) else entry
        stream = "stderr" if "stderr" in line else "stdout"
        whole = bytes.fromhex(line["hex"]) if "hex" in line else text(line).encode()
        cut = line.get("cut", len(whole))
        parts = [whole[:cut], *([whole[cut:]] if cut < len(whole) else [])]
        for number, part in enumerate(parts, start=1):
            tag = "P" if "part" in line or number < len(parts) else "F"
            yield f"2026-11-23T10:00:00.123456789+09:00 {stream} {tag} ".encode() + part


def text(line: dict[str, Any]) -> str:
    for kind in ("text", "stderr", "part"):
        if kind in line:
            return str(line[kind]) * line.get("times", 1)
    raise KeyError(f"none of text, stderr, part: {line}")


def expected(case: dict[str, Any]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [
        {"environment": "dev", "stream": "stdout", **{name: event[name] for name in FIELDS if name in event}}
        for event in case["events"]
    ]
    return in_order({**event, "message": message(event["message"])} for event in events)


def message(line: Any) -> str:
    return line if isinstance(line, str) else text(line)


def relevant(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fields that cases specify, without empty ones."""
    return in_order({name: event[name] for name in FIELDS if event.get(name) not in (None, {})} for event in events)


def in_order(events: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(events, key=lambda event: str(event["message"]))


def emulated(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The events that the emulator makes of a case."""
    return Fluentd(TEXT).read(f"/var/log/pods/{file_name(0, case)}", content(case))
