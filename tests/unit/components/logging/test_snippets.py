"""What `docs/logging.md` has services log is what Fluentd makes fields of."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from string import Template
from typing import Any

import pytest

from rehearsal.layout import CHECKOUT
from tests.unit.components.logging.fluentd_emulator import Fluentd
from tests.unit.components.logging.golden_lines import TEXT, content, file_name

PAGE = (CHECKOUT / "docs/logging.md").read_text(encoding="utf-8")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
REQUEST = {"level": "info", "method": "GET", "path": "/orders/4711", "status": 200, "trace_id": TRACE}

RUN = """
import asyncio
async def application(scope, receive, send):
    if scope["path"] == "/broken":
        raise ValueError("no such order")
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})
async def send(message):
    pass
for path in ("/orders/4711", "/broken"):
    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"traceparent", b"PARENT")]}
    try:
        asyncio.run(AccessLog(application)(scope, None, send))
    except ValueError:
        pass
"""


def snippet(language: str) -> str:
    """The only code block of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def events(*lines: str) -> list[dict[str, Any]]:
    case: dict[str, Any] = {"log": list(lines)}
    return Fluentd(TEXT).read(f"/var/log/pods/{file_name(0, case)}", content(case))


def fields(event: dict[str, Any]) -> dict[str, Any]:
    """Those of a request; the index has levels in lower case."""
    return {name: event.get(name) for name in REQUEST} | {"level": event["level"].lower()}


def test_a_line_of_spring_boot_has_every_field() -> None:
    (event,) = events(snippet("json").strip())
    assert fields(event) == REQUEST
    assert (event["version"], event["duration_ms"]) == ("1.4.2", 12.0)


def test_fastapis_middleware_logs_every_field_and_an_exception_as_one_event() -> None:
    program = snippet("python") + RUN.replace("PARENT", PARENT)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    served, failed, broken = events(*run.stdout.splitlines())
    assert fields(served) == REQUEST
    assert 0 <= served["duration_ms"] < 10_000
    assert (failed["level"].lower(), failed["trace_id"]) == ("error", TRACE)
    assert "ValueError: no such order" in failed["json"]["stack"]
    assert (broken["path"], broken["status"]) == ("/broken", 500)
    assert run.stderr == ""


@pytest.mark.parametrize(("seconds", "milliseconds"), [("0.012", 12.0), ("3.004", 3004.0)])
def test_nginxs_format_has_every_field(seconds: str, milliseconds: float) -> None:
    """The format, with nginx' variables replaced; its own rules of `map` by the same regular expressions."""
    text = snippet("nginx")
    maps = re.findall(r'map \$(\w+) \$(\w+) \{\s*default "";\s*"~(.*)" (\S+);', text)
    values = {
        "request_method": "GET",
        "uri": "/orders/4711",
        "status": "200",
        "request_time": seconds,
        "http_traceparent": PARENT,
        "request_id": "0123456789abcdef0123456789abcdef",
        "body_bytes_sent": "612",
    }
    for source, target, expression, value in maps:
        found = re.search(expression.replace("(?<", "(?P<"), values[source])
        assert found
        values[target] = Template(value).substitute(found.groupdict())
    assert len(maps) == text.count("map $") == 2
    line = Template("".join(re.findall(r"^  '(.*)'", text, re.MULTILINE))).substitute(values)
    assert json.loads(line)["bytes"] == 612
    (event,) = events(line)
    assert fields(event) == REQUEST
    assert (event["duration_ms"], event["request_id"]) == (milliseconds, values["request_id"])
