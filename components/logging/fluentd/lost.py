"""Counts what was lost: bytes of log files that the kubelet rotated away before Fluentd had read them."""

from __future__ import annotations

from pathlib import Path

from components.logging.fluentd.fields import PLATFORM
from components.logging.fluentd.outputs import NAMED
from components.logging.fluentd.syntax import Section, filter_, label, relabel, section, source

NAME = "lost.rb"
"""File name of the program, beside the configuration."""

LOGS = "/var/log/pods"
INTERVAL = "5s"
"""How often it looks: between a rotation and the next, a file is uncompressed for at least ten seconds.

https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ (`containerLogMonitorInterval`)
"""

METRIC = "hello_lost_bytes_total"


def program() -> str:
    """The text of the program, in Ruby, as is Fluentd."""
    return (Path(__file__).parent / NAME).read_text(encoding="utf-8")


def counted(folder: str, state: str, positions: str) -> list[Section]:
    """An event of the platform for each container with a loss, and a Prometheus counter.

    Args:
        folder: Directory of the program.
        state: Directory of its state.
        positions: Fluentd's position file.
    """
    parameters = {
        "@label": "@LOST",
        "tag": PLATFORM,
        # Without RubyGems, which it does not need, it starts in a third of the time.
        "command": f"ruby --disable-gems {folder}/{NAME} {LOGS} {positions} {state}/lost.json",
        "run_interval": INTERVAL,
    }
    by_container = {name: f"$.kubernetes.{name}_name" for name in ("namespace", "container")}
    metric = {
        "name": METRIC,
        "type": "counter",
        "desc": "Bytes of log files that were rotated away before Fluentd had read them",
        "key": "lost_bytes",
    }
    return [
        source("exec", parameters, section("parse", {"@type": "json"})),
        label(
            "@LOST",
            filter_("prometheus", {}, section("metric", metric, section("labels", by_container))),
            relabel(NAMED),
        ),
    ]
