"""Input: the log files of containers, from which it makes whole lines of valid UTF-8."""

from __future__ import annotations

from components.logging.fluentd.syntax import Section, filter_, label, relabel, section, source

LINES = "@LINES"

FILES = tuple(f"/var/log/pods/*/*/*.log{suffix}" for suffix in ("", ".????????-??????"))
"""Glob patterns of the current log file of each container, and of the rotated one that is not compressed."""

PARTIAL_LINE_TIMEOUT = "5s"
"""How long to wait for the rest of a line that the container runtime has written in part."""


def positions(state: str) -> str:
    """Path of the file with the read positions."""
    return f"{state}/containers.pos"


def tail(state: str, own_files: str, out: str = LINES) -> Section:
    """Reads the log files of every container, on from the last read position.

    A file is followed by inode to its rotated name, which the kubelet leaves uncompressed until the next rotation. So
    what is lost is what was not read two rotations later (`lost.py` counts it). A watcher that outlived the rotation
    would read the file a second time, hence no `rotate_wait`.
    https://docs.fluentd.org/input/tail#follow_inodes
    https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/logs/container_log_manager.go

    Args:
        state: Directory of the read positions.
        own_files: Glob pattern of Fluentd's own log files, which are excluded: its errors must not cause more events.
        out: The label that receives the lines.
    """
    parameters = {
        "@id": "containers",
        "@label": out,
        "path": ",".join(FILES),
        "exclude_path": f'["{own_files}"]',
        "pos_file": positions(state),
        "tag": "kubernetes.*",
        "read_from_head": "true",
        "follow_inodes": "true",
        "rotate_wait": "0",
        "enable_stat_watcher": "false",
        "refresh_interval": "5s",
    }
    # The CRI log format, TIME STREAM P|F TEXT. No nested JSON parser, since the line may be partial.
    return source("tail", parameters, section("parse", {"@type": "cri", "keep_time_key": "false"}))


def joined(out: str) -> Section:
    """Joins lines that the container runtime split at 16 KiB, by the tags `P` (partial) and `F` (full).

    https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md

    Args:
        out: The label that receives the whole lines.
    """
    parameters = {
        "key": "message",
        "separator": '""',
        "use_partial_cri_logtag": "true",
        "partial_cri_logtag_key": "logtag",
        # The plugin removes the field of this name; `stream` has to stay.
        "partial_cri_stream_key": "none",
        "stream_identity_key": "stream",
        "use_first_timestamp": "true",
        "flush_interval": PARTIAL_LINE_TIMEOUT,
        "timeout_label": out,
        "@log_level": "warn",
    }
    return label(LINES, filter_("concat", parameters), relabel(out))


def valid_utf8() -> Section:
    """Makes the message valid UTF-8. After the join: the runtime may split a line inside a multi-byte character."""
    return filter_("record_modifier", {"char_encoding": "utf-8:utf-8", "remove_keys": "logtag"})


def without_colours() -> Section:
    """Removes the escape sequences of terminals, such as colours, which would hide words from every later pattern."""
    replace = section("replace", {"key": "message", "expression": r"/\x1b\[[0-9;]{0,20}[A-Za-z]/", "replace": "''"})
    return filter_("record_modifier", {}, replace)
