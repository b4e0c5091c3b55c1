"""Fluentd's own monitoring: Prometheus metrics, which the probes use too, and a heartbeat event a minute."""

from __future__ import annotations

from components.logging.fluentd.fields import PLATFORM
from components.logging.fluentd.outputs import NAMED
from components.logging.fluentd.syntax import Section, filter_, label, relabel, section, source

PORT = 24231
PATH = "/metrics"
NODE_VARIABLE = "K8S_NODE_NAME"
"""Environment variable with the node's name; the metadata plugin reads it as well."""

HEARTBEAT_FIELDS = (
    "plugin_id,retry_count,emit_records,buffer_queue_length,buffer_total_queued_size,"
    "buffer_available_buffer_space_ratios"
)
"""Fields of a heartbeat, about the outputs `events` and `refused`: sizes in bytes, the ratio in percent.

https://docs.fluentd.org/input/monitor_agent
"""


def metrics() -> list[Section]:
    """`GET /metrics`: buffers, retries and read positions; also the path of the probes."""
    labels = section("labels", {"node": f"\"#{{ENV['{NODE_VARIABLE}']}}\""})
    return [
        source("prometheus", {"bind": "0.0.0.0", "port": str(PORT), "metrics_path": PATH}),  # noqa: S104 - in its pod
        source("prometheus_monitor", {}, labels),
        source("prometheus_output_monitor", {}, labels),
        source("prometheus_tail_monitor", {}, labels),
    ]


def heartbeat() -> list[Section]:
    """An event a minute for each output with the state of its buffer: a node without a working Fluentd has none."""
    record = section("record", {"stream": "heartbeat", "message": "Fluentd is alive", "kubernetes": _node()})
    return [
        source(
            "monitor_agent",
            {"@label": "@HEARTBEAT", "tag": PLATFORM, "emit_interval": "60s", "include_config": "false"},
        ),
        label(
            "@HEARTBEAT",
            filter_("grep", {}, section("regexp", {"key": "plugin_id", "pattern": r"/\A(?:events|refused)\z/"})),
            filter_("record_transformer", {"keep_keys": HEARTBEAT_FIELDS, "renew_record": "true"}, record),
            relabel(NAMED),
        ),
    ]


def _node() -> str:
    return f'"{{\\"host\\":\\"#{{ENV[\'{NODE_VARIABLE}\']}}\\"}}"'
