"""What Fluentd says of itself: metrics to Prometheus and probes, and a sign of life a minute as an event."""

from __future__ import annotations

from components.logging.fluentd.fields import PLATFORM
from components.logging.fluentd.outputs import NAMED
from components.logging.fluentd.syntax import Section, filter_, label, relabel, section, source

PORT = 24231
PATH = "/metrics"
NODE_VARIABLE = "K8S_NODE_NAME"
"""The environment variable that has the node's name; the metadata plugin asks for this node's pods by it, too."""

KEPT = "plugin_id,retry_count,buffer_queue_length,buffer_total_queued_size,buffer_available_buffer_space_ratios"
"""What a heartbeat tells of the output `events`; bytes, and per cent that are free.

https://docs.fluentd.org/input/monitor_agent
"""


def metrics() -> list[Section]:
    """`GET /metrics`: buffers, retries, files. Who asks for it knows as well that Fluentd is alive."""
    labels = section("labels", {"node": f"\"#{{ENV['{NODE_VARIABLE}']}}\""})
    return [
        source("prometheus", {"bind": "0.0.0.0", "port": str(PORT), "metrics_path": PATH}),  # noqa: S104 - in its pod
        source("prometheus_monitor", {}, labels),
        source("prometheus_output_monitor", {}, labels),
        source("prometheus_tail_monitor", {}, labels),
    ]


def heartbeat() -> list[Section]:
    """An event a minute from every node, with the state of its buffer: silence is a finding, also of an idle node."""
    named = section("record", {"stream": "heartbeat", "message": "Fluentd is alive", "kubernetes": _node()})
    return [
        source(
            "monitor_agent",
            {"@label": "@HEARTBEAT", "tag": PLATFORM, "emit_interval": "60s", "include_config": "false"},
        ),
        label(
            "@HEARTBEAT",
            filter_("grep", {}, section("regexp", {"key": "plugin_id", "pattern": r"/\Aevents\z/"})),
            filter_("record_transformer", {"keep_keys": KEPT, "renew_record": "true"}, named),
            relabel(NAMED),
        ),
    ]


def _node() -> str:
    return f'"{{\\"host\\":\\"#{{ENV[\'{NODE_VARIABLE}\']}}\\"}}"'
