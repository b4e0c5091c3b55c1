"""The configuration file, and the order of its stages: lines, stack traces, masks, fields, outputs."""

from __future__ import annotations

from collections.abc import Sequence

from components.logging.fluentd import fields, lines, lost, masks, monitoring, outputs, releases, requests, traces
from components.logging.fluentd.outputs import Elasticsearch
from components.logging.fluentd.syntax import Section, label, relabel, section

WHOLE = "@WHOLE"
EVENTS = "@EVENTS"
TRACES = (
    ("@OPENINGS", traces.openings),
    ("@BLOCKS", traces.blocks),
    ("@TRACEBACKS", traces.tracebacks),
    ("@HEADLINES", traces.headlines),
    ("@ERRORS", traces.errors),
    ("@DETAILS", traces.details),
)
"""The stages that join lines, in order, each in a label of its own: what a stage held for too long goes to the next."""

SYSTEM = section("system", {"log_level": "info"})


def configuration(
    *,
    environments: Sequence[str],
    elasticsearch: Elasticsearch,
    folder: str,
    state: str,
    own_files: str,
    buffer_mib: int,
) -> str:
    """The text of Fluentd's configuration file.

    Args:
        environments: Names of the environments, which are their namespaces. The data stream `platform` has the events
            of all other namespaces.
        elasticsearch: Address of Elasticsearch, and Fluentd's user.
        folder: Directory of the configuration file, and of the program `lost.NAME`.
        state: Directory of the node for read positions and buffers.
        own_files: Glob pattern of the log files of Fluentd's own containers.
        buffer_mib: Size limit of the buffer on the node's disk, in MiB.
    """
    parts = [
        SYSTEM,
        *monitoring.metrics(),
        *monitoring.heartbeat(),
        *lost.counted(folder, state, lines.positions(state)),
        lines.tail(state, own_files),
        *stages(environments),
        *outputs.outputs(elasticsearch, state=state, buffer_mib=buffer_mib),
    ]
    return "\n".join(part.text for part in parts)


def stages(environments: Sequence[str]) -> list[Section]:
    """The stages between input and outputs, which make events of lines."""
    return [
        lines.joined(WHOLE),
        label(WHOLE, lines.valid_utf8(), lines.without_colours(), relabel(TRACES[0][0])),
        *(
            label(name, stage(after), relabel(after))
            for (name, stage), after in zip(TRACES, [*(name for name, _ in TRACES[1:]), EVENTS], strict=True)
        ),
        label(
            EVENTS,
            *masks.masks(),
            *fields.from_message(),
            fields.kubernetes(),
            *requests.of_pod(),
            releases.of_reconciler(),
            fields.tag_by_environment(environments, outputs.NAMED),
        ),
    ]
