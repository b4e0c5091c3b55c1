"""Outputs: a file buffer on the node, then Elasticsearch; a second output for events that Elasticsearch rejects.

No event in the buffer is dropped. While Elasticsearch is unavailable, the buffer fills; once it is full, Fluentd stops
reading, and resumes at the same position when there is space again, in files that the kubelet has not compressed since.
https://docs.fluentd.org/configuration/buffer-section
"""

from __future__ import annotations

from dataclasses import dataclass

from components.logging.fluentd.fields import environment_field
from components.logging.fluentd.syntax import Section, filter_, label, match, relabel, section

NAMED = "@NAMED"
"""Label that receives events, tagged with their environment."""

OUT = "@OUT"

REFUSED_MIB = 256
"""Size limit of the buffer of rejected events, in MiB."""

ID = "event_id"
"""Field with the document's id, which makes repeated requests idempotent.

It stays in the event: when Elasticsearch rejects single events, the plugin needs it to send them again.
"""


@dataclass(frozen=True, kw_only=True)
class Elasticsearch:
    """Address of Elasticsearch, and Fluentd's user.

    Attributes:
        host: DNS name, which Elasticsearch's certificate has.
        ca_file: Path of the CA's certificate.
        user: Name of the user.
        password_from: Environment variable with the user's password.
        data_streams: Prefix of the data streams' names; the environment follows.
    """

    host: str
    ca_file: str
    user: str
    password_from: str
    data_streams: str


def outputs(elasticsearch: Elasticsearch, *, state: str, buffer_mib: int) -> list[Section]:
    """The last labels of the configuration.

    An event that Elasticsearch rejects for a temporary reason, such as full disks, is sent again; where the buffer has
    no space for it, the whole request is. An event that it rejects with 400 is sent again without its parsed fields;
    if it is rejected once more, Fluentd writes it to its own log.

    Args:
        elasticsearch: Address of Elasticsearch, and Fluentd's user.
        state: Directory of the buffers.
        buffer_mib: Size limit of the buffer on the node's disk, in MiB.
    """
    return [
        label(NAMED, environment_field(), filter_("elasticsearch_genid", {"hash_id_key": ID}), relabel(OUT)),
        label(OUT, _output(elasticsearch, "events", state, buffer_mib, overflow_action="block")),
        label(
            "@ERROR",
            filter_("record_modifier", {"remove_keys": "json"}),
            _output(elasticsearch, "refused", state, REFUSED_MIB, overflow_action="throw_exception"),
        ),
    ]


def _output(elasticsearch: Elasticsearch, name: str, state: str, limit_mib: int, *, overflow_action: str) -> Section:
    """An output to the data stream of each event's environment, over TLS."""
    parameters = {
        "@id": name,
        "scheme": "https",
        "host": elasticsearch.host,
        "port": "9200",
        "ca_file": elasticsearch.ca_file,
        "ssl_verify": "true",
        "ssl_min_version": "TLSv1_2",
        "ssl_max_version": "TLSv1_3",
        "user": elasticsearch.user,
        "password": f"\"#{{ENV['{elasticsearch.password_from}']}}\"",
        "index_name": f"{elasticsearch.data_streams}-${{environment}}",
        # A data stream accepts the operation `create` only.
        "write_operation": "create",
        "id_key": ID,
        "include_timestamp": "true",
        # No request for which the user has no right; no discovery of other addresses than the Service's.
        "verify_es_version_at_startup": "false",
        "default_elasticsearch_version": "9",
        "reload_connections": "false",
        "reload_on_failure": "false",
        "reconnect_on_error": "true",
        "request_timeout": "30s",
        # No error, such as 429, makes it give up a chunk.
        "unrecoverable_error_types": "[]",
        "log_es_400_reason": "true",
    }
    return match("elasticsearch", parameters, _buffer(name, state, limit_mib, overflow_action), _secondary(name, state))


def _buffer(name: str, state: str, limit_mib: int, overflow_action: str) -> Section:
    return section(
        "buffer",
        {
            "@type": "file",
            "path": f"{state}/buffer/{name}",
            "total_limit_size": f"{limit_mib}m",
            "chunk_limit_size": "8m",
            "overflow_action": overflow_action,
            "flush_mode": "interval",
            "flush_interval": "5s",
            "flush_thread_count": "2",
            "flush_at_shutdown": "false",
            "retry_type": "exponential_backoff",
            "retry_max_interval": "60s",
            "retry_timeout": "7d",
        },
        argument="environment",
    )


def _secondary(name: str, state: str) -> Section:
    """Keeps a chunk as a file when its retries end, or when an error cannot be retried."""
    return section("secondary", {"@type": "secondary_file", "directory": f"{state}/kept", "basename": name})
