"""Where events go: a file buffer on the node, from there to Elasticsearch, and elsewhere what it refuses.

Nothing is dropped. While Elasticsearch is away the buffer fills; once it is full, reading stops, and goes on from the
same place when there is room again. https://docs.fluentd.org/configuration/buffer-section
"""

from __future__ import annotations

from dataclasses import dataclass

from components.logging.fluentd.fields import named
from components.logging.fluentd.syntax import Section, filter_, label, match, relabel, section

NAMED = "@NAMED"
"""Where events come in, their environment as their tag."""

OUT = "@OUT"

REFUSED_MIB = 256
"""Of the buffer of events that Elasticsearch has refused."""

ID = "event_id"
"""The id of the document: an event that is sent twice is there once.

It stays in the event: the plugin reads it again where Elasticsearch refuses single events, and loses them without it.
"""


@dataclass(frozen=True, kw_only=True)
class Elasticsearch:
    """Where Elasticsearch is, and as whom Fluentd writes.

    Attributes:
        host: DNS name, one that its certificate has.
        ca_file: The certificate of who signed that.
        user: A user that creates documents and nothing else.
        password_from: The environment variable that has its password.
        data_streams: Names of the data streams begin with it; the environment follows.
    """

    host: str
    ca_file: str
    user: str
    password_from: str
    data_streams: str


def outputs(elasticsearch: Elasticsearch, *, state: str, buffer_mib: int) -> list[Section]:
    """The labels at the end of the way.

    What Elasticsearch refuses for now, such as while its disks are full, comes again; where the buffer has no room for
    it, the request as a whole. What it refuses for good, by 400, comes again as text alone; if that is refused too, it
    stands in Fluentd's own log.

    Args:
        elasticsearch: Where it is.
        state: The directory of the buffers.
        buffer_mib: How much of the node's disk events may take, MiB.
    """
    return [
        label(NAMED, named(), filter_("elasticsearch_genid", {"hash_id_key": ID}), relabel(OUT)),
        label(OUT, _output(elasticsearch, "events", state, buffer_mib, full="block")),
        label(
            "@ERROR",
            filter_("record_modifier", {"remove_keys": "json,duration_ms"}),
            _output(elasticsearch, "refused", state, REFUSED_MIB, full="throw_exception"),
        ),
    ]


def _output(elasticsearch: Elasticsearch, name: str, state: str, limit_mib: int, *, full: str) -> Section:
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
        # A data stream only takes what is new.
        "write_operation": "create",
        "id_key": ID,
        "include_timestamp": "true",
        "suppress_type_name": "true",
        # It asks nothing that its user may not know, and stays with the one address that the Service has.
        "verify_es_version_at_startup": "false",
        "default_elasticsearch_version": "9",
        "reload_connections": "false",
        "reload_on_failure": "false",
        "reconnect_on_error": "true",
        "request_timeout": "30s",
        # Too many requests are no reason to give up.
        "unrecoverable_error_types": "[]",
        "log_es_400_reason": "true",
    }
    return match("elasticsearch", parameters, _buffer(name, state, limit_mib, full), _elsewhere(name, state))


def _buffer(name: str, state: str, limit_mib: int, full: str) -> Section:
    return section(
        "buffer",
        {
            "@type": "file",
            "path": f"{state}/buffer/{name}",
            "total_limit_size": f"{limit_mib}m",
            "chunk_limit_size": "8m",
            "overflow_action": full,
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


def _elsewhere(name: str, state: str) -> Section:
    """A chunk that could not be handed over for most of a week, or never can be, is kept as a file, not lost."""
    return section("secondary", {"@type": "secondary_file", "directory": f"{state}/kept", "basename": name})
