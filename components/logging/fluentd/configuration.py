"""The whole configuration."""

from __future__ import annotations

from collections.abc import Sequence

from components.logging.fluentd import fields, lines, masks, monitoring, outputs, traces
from components.logging.fluentd.outputs import Elasticsearch
from components.logging.fluentd.syntax import Section, label, relabel, section

WHOLE = "@WHOLE"
BLOCKS = "@BLOCKS"
EVENTS = "@EVENTS"

SYSTEM = section("system", {"log_level": "info"})


def configuration(
    *,
    environments: Sequence[str],
    elasticsearch: Elasticsearch,
    state: str,
    own_files: str,
    buffer_mib: int,
) -> str:
    """Fluentd's configuration, from the files of containers to data streams.

    Args:
        environments: Namespaces that are environments; everything else is the platform's.
        elasticsearch: Where events go.
        state: A directory of the node that only Fluentd writes to.
        own_files: Pattern of Fluentd's own containers' files.
        buffer_mib: How much of the node's disk events may take, MiB.
    """
    parts = [
        SYSTEM,
        *monitoring.metrics(),
        *monitoring.heartbeat(),
        lines.tail(state, own_files),
        *way(environments),
        *outputs.outputs(elasticsearch, state=state, buffer_mib=buffer_mib),
    ]
    return "\n".join(part.text for part in parts)


def way(environments: Sequence[str]) -> list[Section]:
    """From lines to events: what happens in between, without beginning and end."""
    return [
        lines.joined(WHOLE),
        label(WHOLE, lines.readable(), traces.blocks(BLOCKS), relabel(BLOCKS)),
        label(BLOCKS, traces.announced(EVENTS), relabel(EVENTS)),
        label(
            EVENTS,
            masks.masks(),
            *fields.from_text(),
            fields.kubernetes(),
            fields.by_environment(environments, outputs.NAMED),
        ),
    ]
