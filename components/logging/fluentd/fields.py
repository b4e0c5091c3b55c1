"""The fields of an event besides its message: parsed JSON, level, duration, Kubernetes metadata, environment."""

from __future__ import annotations

from collections.abc import Sequence

from components.logging.fluentd import levels, requests
from components.logging.fluentd.syntax import Section, filter_, match, parsed_by, parser, section

OBJECT = r"/\A\s*(?<object>\{.*\})\s*\z/m"
"""A message that is a JSON object. Not an array: Fluentd's parser emits an event for each of its items."""

PLATFORM = "platform"
"""The environment of events from namespaces that are no environment: the cluster's add-ons and the tools."""


def from_message() -> list[Section]:
    """Adds `json`, `level` and the fields of a request where the message has them; the message stays unchanged.

    Parsed JSON goes to the field `json`, so that no service can overwrite fields that the platform sets.
    """
    # The event's time is the container runtime's, not a field `time` of the service.
    json = section("parse", {"@type": "json", "time_key": "none"})
    return [
        parsed_by(OBJECT),
        parser("object", json, hash_value_field="json"),
        filter_("record_modifier", {"remove_keys": "object"}),
        *levels.of_text(),
        *levels.translated(),
        *requests.of_request(),
    ]


POD_OF_TAG = (
    r"var\.log\.pods\.(?<namespace>[^_.]+)_(?<pod_name>[^_]+)_(?<pod_uuid>[a-z0-9-]+)"
    r"\.(?<container_name>[^.]+)\.\d+\.log(?:\.[\d-]+)?$"
)
"""Pod and container of a tag, which is the path of a log file; the plugin's own pattern knows no rotated files."""


def kubernetes() -> Section:
    """Adds pod, container, node and labels from the Kubernetes API, of which it reads this node's pods and namespaces.

    https://github.com/fabric8io/fluent-plugin-kubernetes_metadata_filter
    """
    return filter_(
        "kubernetes_metadata",
        {
            "@id": "kubernetes",
            # A field `kubernetes` of the event itself is not trusted.
            "lookup_from_k8s_field": "false",
            "tag_to_kubernetes_name_regexp": POD_OF_TAG,
            "skip_namespace_metadata": "true",
            "skip_master_url": "true",
            "@log_level": "warn",
        },
    )


def tag_by_environment(environments: Sequence[str], out: str) -> Section:
    """Replaces the tag of an event by its environment: the namespace where it is an environment, else `platform`.

    An event of a release has its environment already.

    Args:
        environments: Namespaces that are environments.
        out: The label that receives the events.
    """
    environment = rf"/\A({'|'.join(environments)})\z/"
    rules = [
        section("rule", {"key": key, "pattern": pattern, "tag": tag})
        for key, pattern, tag in (
            ("environment", environment, "$1"),
            ("$.kubernetes.namespace_name", environment, "$1"),
            ("stream", "/./", PLATFORM),
        )
    ]
    return match("rewrite_tag_filter", {"@label": out, "@log_level": "warn"}, *rules)


def environment_field() -> Section:
    """Adds the field `environment`, which is the tag after `tag_by_environment`."""
    return filter_("record_transformer", {}, section("record", {"environment": "${tag}"}))
