"""Fluentd's configuration: it loses no line, and reports on itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import versions
from components.logging.bootstrap.job.elasticsearch import PROPERTIES
from components.logging.collector import STATE, text
from components.logging.fluentd.monitoring import NODE_VARIABLE, PATH, PORT
from components.logging.fluentd.syntax import Section
from config import Logs
from tests.unit.components.logging.fluentd_grammar import parse, value
from tests.unit.components.logging.test_logs import of_kind, pods
from tools.program.graph import Graph

ROOT = parse(text(Logs.model_validate({"bufferMib": 700})))
OUTPUTS = ("events", "refused")


def label(name: str) -> Section:
    (match,) = (one for one in ROOT.sections if one.name == "label" and one.argument == name)
    return match


def source(type_: str) -> Section:
    (match,) = (one for one in ROOT.sections if one.name == "source" and one.parameters["@type"] == type_)
    return match


def child(section: Section, name: str) -> Section:
    (match,) = (one for one in section.sections if one.name == name)
    return match


def output(identity: str) -> Section:
    """The output of an id, in its label or in a `copy` beside other sinks."""
    (match,) = (part for part in descendants(ROOT) if part.parameters.get("@id") == identity)
    return match


def descendants(section: Section) -> Iterator[Section]:
    for part in section.sections:
        yield part
        yield from descendants(part)


def test_a_full_buffer_makes_reading_wait_and_drops_nothing() -> None:
    assert child(output("events"), "buffer").parameters["overflow_action"] == "block"
    # Rejected events come from the output itself: if it blocked, it would wait for itself.
    assert child(output("refused"), "buffer").parameters["overflow_action"] == "throw_exception"


def test_the_buffer_is_on_the_nodes_disk_and_as_large_as_the_settings_say() -> None:
    buffers = {identity: child(output(identity), "buffer").parameters for identity in OUTPUTS}
    assert {one["@type"] for one in buffers.values()} == {"file"}
    assert {one["path"] for one in buffers.values()} == {f"{STATE}/buffer/{identity}" for identity in OUTPUTS}
    assert buffers["events"]["total_limit_size"] == "700m"


def test_what_cannot_be_handed_over_for_a_week_is_kept_as_a_file() -> None:
    for identity in OUTPUTS:
        assert child(output(identity), "buffer").parameters["retry_timeout"] == "7d"
        kept = child(output(identity), "secondary").parameters
        assert kept == {"@type": "secondary_file", "directory": f"{STATE}/kept", "basename": identity}


def test_an_event_that_is_sent_twice_is_there_once() -> None:
    filters = [part for part in label("@NAMED").sections if part.parameters["@type"] == "elasticsearch_genid"]
    (key,) = (part.parameters["hash_id_key"] for part in filters)
    for identity in OUTPUTS:
        assert output(identity).parameters["id_key"] == key
        assert output(identity).parameters["write_operation"] == "create"


def test_every_file_is_read_from_its_beginning_and_on_from_where_it_was_left() -> None:
    tail = source("tail").parameters
    assert tail["read_from_head"] == tail["follow_inodes"] == "true"
    assert tail["pos_file"].startswith(f"{STATE}/")


def test_an_events_own_fields_do_not_say_where_it_comes_from() -> None:
    (metadata,) = (one for one in label("@EVENTS").sections if one.parameters["@type"] == "kubernetes_metadata")
    assert metadata.parameters["lookup_from_k8s_field"] == "false"


def test_each_node_gives_a_sign_of_life_a_minute_with_the_state_of_its_buffer() -> None:
    monitor = source("monitor_agent").parameters
    assert monitor["emit_interval"] == "60s"
    grep, transformer, _ = label(monitor["@label"]).sections
    assert child(grep, "regexp").parameters == {"key": "plugin_id", "pattern": r"/\A(?:events|refused)\z/"}
    assert set(transformer.parameters["keep_keys"].split(",")) <= set(PROPERTIES)
    record = child(transformer, "record").parameters
    assert record["stream"] == "heartbeat"
    assert NODE_VARIABLE in value(record["kubernetes"])


def test_metrics_are_where_the_probes_look(known: Graph) -> None:
    served = source("prometheus").parameters
    (container,) = pods(of_kind(known, "DaemonSet"))["containers"]
    ports: dict[str, int] = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"metrics": int(served["port"])} == {"metrics": PORT}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        request: dict[str, Any] = container[probe]["httpGet"]
        assert request == {"path": served["metrics_path"], "port": "metrics"} == {"path": PATH, "port": "metrics"}


def test_fluentd_finds_a_directory_for_its_locks_that_is_its_own(known: Graph) -> None:
    (container,) = pods(of_kind(known, "DaemonSet"))["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    (path,) = (one["value"] for one in container["env"] if one["name"] == "TMPDIR")
    (mount,) = (one for one in container["volumeMounts"] if one["mountPath"] == path)
    (volume,) = (one for one in pods(of_kind(known, "DaemonSet"))["volumes"] if one["name"] == mount["name"])
    # The kubelet creates this type with mode 0755, and an `emptyDir` with 0777: https://kubernetes.io/docs/concepts/storage/volumes/
    assert volume["hostPath"]["type"] == "DirectoryOrCreate"
    assert not mount.get("readOnly")


IMAGE_PLUGINS = {
    *("tail", "cri", "regexp", "json", "relabel", "grep", "record_transformer", "monitor_agent", "file", "parser"),
    *("secondary_file", "concat", "record_modifier", "kubernetes_metadata", "rewrite_tag_filter"),
    *("elasticsearch", "elasticsearch_genid"),
    *("exec", "prometheus", "prometheus_monitor", "prometheus_output_monitor", "prometheus_tail_monitor"),
    *("copy", "forward", "http"),
}
"""Plugins of Fluentd itself or of gems in the image: those in use, and those of a second sink.

https://github.com/fluent/fluentd-kubernetes-daemonset/blob/master/docker-image/v1.19/debian-elasticsearch9/Gemfile
"""


def test_every_plugin_is_in_the_image() -> None:
    used = {line.split()[1] for line in text(Logs()).splitlines() if line.strip().startswith("@type ")}
    assert used <= IMAGE_PLUGINS
    assert "debian-elasticsearch9" in versions.FLUENTD_IMAGE


@pytest.mark.parametrize("type_", ["prometheus_monitor", "prometheus_output_monitor", "prometheus_tail_monitor"])
def test_metrics_tell_of_buffers_outputs_and_files_by_node(type_: str) -> None:
    assert NODE_VARIABLE in child(source(type_), "labels").parameters["node"]
