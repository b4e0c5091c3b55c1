"""Joins a stack trace with the log line before it to one event.

In two steps: first, lines are joined to blocks, of which a stack trace is one; then a stack trace is joined to the
block before it, where that has the level of a warning or an error.
"""

from __future__ import annotations

from components.logging.fluentd.syntax import Section, filter_

BLOCK_TIMEOUT = "2s"
"""How long to wait for the next line of a block."""

TRACE_TIMEOUT = "4s"
"""How long to wait for a trace after an error line: `BLOCK_TIMEOUT`, and time for the plugin's timer to notice it."""

TRACE_STARTS = (
    r"Traceback \(most recent call last\):",
    # Java packages begin with `java` or a reversed domain name, unlike Python modules.
    r"(?:java|javax|jakarta|jdk|sun|kotlin|reactor|com|org|net|io|kr|co|dev)\.(?:[\w$]+\.)*[A-Z][\w$]*(?:: |\s*\z)",
)
"""First lines of stack traces: of Python, and of Java without `Exception in thread`."""

CONTINUATIONS = (
    # Blank and indented lines: stack frames, source lines and their markers, pretty-printed JSON.
    r"\s|\z",
    # Java: lines after the frames.
    r"Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames omitted)",
    # Python: lines between two traces.
    r"During handling of the above exception, another exception occurred:",
    r"The above exception was the direct cause of the following exception:",
    # Python: the exception after the frames, `a.b.NotFound: text` or `ValueError`.
    r"(?:[A-Za-z_][\w$]*\.)+[A-Z][\w$]*(?:: |\s*\z)",
    r"[A-Z][\w$]*(?:Error|Exception|Warning|Interrupt|Exit|Group|Throwable)(?:: |\s*\z)",
)
"""Beginnings of lines that belong to the line before."""

BLOCK_START = rf"/\A(?:{'|'.join(TRACE_STARTS)}|(?!{'|'.join(CONTINUATIONS)}))/"
"""The first line of a block.

Not by the plugin `detect_exceptions`: its rules for Python stop at the markers (`~~~^^^`) of Python 3.11 and newer, and
it does not join the line before a trace.
"""

TRACE = rf"/\A(?:{'|'.join(TRACE_STARTS)})/"

ERROR_BLOCK = rf"/\A(?!{'|'.join(TRACE_STARTS)})[^\n]*\b(?:WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE)\b/"
"""A block to which a following trace is joined. All other blocks pass without delay."""


def blocks(out: str) -> Section:
    """Joins lines to blocks, for each stream of each container.

    Args:
        out: The label that receives a block after `BLOCK_TIMEOUT`.
    """
    return _concat(out, {"multiline_start_regexp": BLOCK_START, "flush_interval": BLOCK_TIMEOUT})


def errors(out: str) -> Section:
    """Joins traces to the error line before them.

    Args:
        out: The label that receives an event after `TRACE_TIMEOUT`.
    """
    return _concat(
        out,
        {
            "multiline_start_regexp": ERROR_BLOCK,
            "continuous_line_regexp": TRACE,
            "flush_interval": TRACE_TIMEOUT,
        },
    )


def _concat(out: str, parameters: dict[str, str]) -> Section:
    return filter_(
        "concat",
        {
            "key": "message",
            "separator": r'"\n"',
            **parameters,
            "stream_identity_key": "stream",
            "use_first_timestamp": "true",
            "timeout_label": out,
            "@log_level": "warn",
        },
    )
