"""From the files of containers to whole lines of valid text."""

from __future__ import annotations

from components.logging.fluentd.syntax import Section, filter_, label, relabel, section, source

LINES = "@LINES"

WAIT = "5s"
"""How long the rest of a line may take: the container runtime cuts what it has already got."""


def tail(state: str, own_files: str, out: str = LINES) -> Section:
    """Every container's file, each from where it was left.

    Files are followed by inode: one that is renamed while Fluentd is away is still read to its end.
    https://docs.fluentd.org/input/tail

    Args:
        state: The directory that remembers how far each file was read.
        own_files: Pattern of Fluentd's own files: what it says of a failure must not become a further event.
        out: The label that gets the lines.
    """
    parameters = {
        "@id": "containers",
        "@label": out,
        "path": "/var/log/containers/*.log",
        "exclude_path": f'["{own_files}"]',
        "pos_file": f"{state}/containers.pos",
        "tag": "kubernetes.*",
        "read_from_head": "true",
        "follow_inodes": "true",
        "enable_stat_watcher": "false",
        "refresh_interval": "5s",
    }
    # TIME STREAM P|F TEXT. No parser inside it: what is JSON is known once the line is whole.
    return source("tail", parameters, section("parse", {"@type": "cri", "keep_time_key": "false"}))


def joined(out: str) -> Section:
    """Joins what the container runtime cut at 16 KiB: `P` ends a part, `F` the last one.

    https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md

    Args:
        out: The label that gets the whole lines.
    """
    parameters = {
        "key": "message",
        "separator": '""',
        "use_partial_cri_logtag": "true",
        "partial_cri_logtag_key": "logtag",
        # The plugin takes this field away; the name of the stream is to stay.
        "partial_cri_stream_key": "none",
        "stream_identity_key": "stream",
        "use_first_timestamp": "true",
        "flush_interval": WAIT,
        "timeout_label": out,
        "@log_level": "warn",
    }
    return label(LINES, filter_("concat", parameters), relabel(out))


def readable() -> Section:
    """Makes a line valid UTF-8, once it is whole: the runtime cuts bytes, also in the middle of a letter."""
    return filter_("record_modifier", {"char_encoding": "utf-8:utf-8", "remove_keys": "logtag"})
