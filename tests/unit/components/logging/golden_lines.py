"""The golden lines: what a container writes, and the events that come of it: `golden/README.md`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from components.logging.fluentd import Elasticsearch, configuration
from tests.unit.components.logging.fluentd_stand_in import Fluentd
from tests.unit.graph import every

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
    state="/var/log/state",
    own_files="/var/log/containers/fluentd-*_log-collector_*.log",
    buffer_mib=1024,
)
FIELDS = ("message", "level", "duration_ms", "json", "environment", "stream")


def file_name(index: int, case: dict[str, Any]) -> str:
    return f"pod-{index}_{case.get('namespace', 'dev')}_api-{'0' * 64}.log"


def content(case: dict[str, Any]) -> Iterator[bytes]:
    """The lines of the container runtime's file, without their ends."""
    for entry in case["log"]:
        one: dict[str, Any] = {"text": entry} if isinstance(entry, str) else entry
        stream = "stderr" if "stderr" in one else "stdout"
        whole = bytes.fromhex(one["hex"]) if "hex" in one else text(one).encode()
        cut = one.get("cut", len(whole))
        parts = [whole[:cut], *([whole[cut:]] if cut < len(whole) else [])]
        for number, part in enumerate(parts, start=1):
            tag = "P" if "part" in one or number < len(parts) else "F"
            yield f"2026-11-23T10:00:00.123456789+09:00 {stream} {tag} ".encode() + part


def text(one: dict[str, Any]) -> str:
    for kind in ("text", "stderr", "part"):
        if kind in one:
            return str(one[kind]) * one.get("times", 1)
    raise KeyError(f"none of text, stderr, part: {one}")


def expected(case: dict[str, Any]) -> list[dict[str, Any]]:
    wanted: list[dict[str, Any]] = [
        {"environment": "dev", "stream": "stdout", **{name: event[name] for name in FIELDS if name in event}}
        for event in case["events"]
    ]
    return in_order({**one, "message": message(one["message"])} for one in wanted)


def message(told: Any) -> str:
    return told if isinstance(told, str) else text(told)


def told(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a case is about; an object that says nothing is left out."""
    return in_order({name: event[name] for name in FIELDS if event.get(name) not in (None, {})} for event in events)


def in_order(events: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(events, key=lambda event: str(event["message"]))


def made_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The events that the stand-in for Fluentd makes of a case."""
    return Fluentd(TEXT).read(f"/var/log/containers/{file_name(0, case)}", content(case))
