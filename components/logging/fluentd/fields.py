"""What an event says besides its text: what is JSON in it, its level, where it comes from."""

from __future__ import annotations

from collections.abc import Sequence

from components.logging.fluentd.syntax import Section, filter_, match, section

OBJECT = r"/\A\s*(?<object>\{.*\})\s*\z/m"
"""A JSON object. Of an array, Fluentd's parser makes an event a member, and of an empty one none at all."""

LEVEL = r"/\b(?<level>TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)\b/"
JSON_LEVEL = r'/"(?:level|severity|log\.level)"\s*:\s*"(?<level>[A-Za-z]{1,16})"/'

DURATION = r'/"(?:duration_ms|durationMs|elapsed_ms)"\s*:\s*(?<duration_ms>\d{1,12}(?:\.\d{1,9})?)\b/'

PLATFORM = "platform"
"""The environment of what is in no environment: the cluster's own programs and the tools."""


def _found(expression: str, types: str = "") -> Section:
    """A field from the text; where nothing is found, the event is as it was."""
    return _parsed(
        "message",
        section("parse", {"@type": "regexp", "expression": expression, **({"types": types} if types else {})}),
    )


def _parsed(key: str, parse: Section, **more: str) -> Section:
    kept = {"reserve_data": "true", "reserve_time": "true", "emit_invalid_record_to_error": "false"}
    return filter_("parser", {"key_name": key, **kept, **more}, parse)


def from_text() -> list[Section]:
    """`json`, `level` and `duration_ms`, where the text has them; the text stays as it is.

    What is JSON stands in a field of its own: no service can overwrite what the platform says of it.
    """
    # A field `time` of a service's may be anything: the container runtime's time counts.
    json = section("parse", {"@type": "json", "time_key": "none"})
    return [
        _found(OBJECT),
        _parsed("object", json, hash_value_field="json"),
        filter_("record_modifier", {"remove_keys": "object"}),
        _found(LEVEL),
        _found(JSON_LEVEL),
        _found(DURATION, types="duration_ms:float"),
    ]


def kubernetes() -> Section:
    """Pod, container, node and labels, from the Kubernetes API: pods of this node and namespaces, nothing else.

    https://github.com/fabric8io/fluent-plugin-kubernetes_metadata_filter
    """
    return filter_(
        "kubernetes_metadata",
        {
            "@id": "kubernetes",
            # An event's own fields say nothing about where it comes from.
            "lookup_from_k8s_field": "false",
            "skip_namespace_metadata": "true",
            "skip_master_url": "true",
            "@log_level": "warn",
        },
    )


def by_environment(environments: Sequence[str], out: str) -> Section:
    """Gives an event its environment as tag: its namespace where that is one, else `platform`.

    Args:
        environments: Namespaces that are environments.
        out: The label that gets the events.
    """
    rules = [
        section("rule", {"key": key, "pattern": pattern, "tag": tag})
        for key, pattern, tag in (
            ("$.kubernetes.namespace_name", rf"/\A({'|'.join(environments)})\z/", "$1"),
            ("stream", "/./", PLATFORM),
        )
    ]
    return match("rewrite_tag_filter", {"@label": out, "@log_level": "warn"}, *rules)


def named() -> Section:
    """Writes the tag, which is the environment now, into the event."""
    return filter_("record_transformer", {}, section("record", {"environment": "${tag}"}))
