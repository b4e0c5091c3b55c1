"""A stack trace is one event, together with the line that announces it.

In two steps, since a line that begins a trace may as well follow the one that announces it: lines become blocks, then
a block that is a trace joins the one before it, where that tells of a warning or an error.
"""

from __future__ import annotations

from components.logging.fluentd.syntax import Section, filter_

PATIENCE = "2s"
"""How long after a line a further one still belongs to it."""

PATIENCE_FOR_A_TRACE = "4s"
"""How long after the line that announces a trace: the trace's own patience, and a second in which it is noticed."""

HEADS = (
    r"Traceback \(most recent call last\):",
    # A Java package begins with `java`, or with a domain turned round; modules of Python do not.
    r"(?:java|javax|jakarta|jdk|sun|kotlin|reactor|com|org|net|io|kr|co|dev)\.(?:[\w$]+\.)*[A-Z][\w$]*(?:: |\s*\z)",
)
"""How a trace begins: in Python, and in Java where no thread is named."""

CONTINUES = (
    # A blank line, and whatever is indented: frames of Java and Python, code, its marks, pretty-printed JSON.
    r"\s|\z",
    # Java: what follows the frames.
    r"Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames omitted)",
    # Python: what stands between two traces.
    r"During handling of the above exception, another exception occurred:",
    r"The above exception was the direct cause of the following exception:",
    # Python: the exception itself, behind its frames, `a.b.NotFound: text` or `ValueError`.
    r"(?:[A-Za-z_][\w$]*\.)+[A-Z][\w$]*(?:: |\s*\z)",
    r"[A-Z][\w$]*(?:Error|Exception|Warning|Interrupt|Exit|Group|Throwable)(?:: |\s*\z)",
)
"""How lines begin that belong to the one before."""

STARTS = rf"/\A(?:{'|'.join(HEADS)}|(?!{'|'.join(CONTINUES)}))/"
"""The beginning of a block.

The plugin `detect_exceptions` is made for this; its rules for Python end at the marks (`~~~^^^`) that Python prints
since 3.11, and it leaves the line that announces a trace alone.
"""

TRACE = rf"/\A(?:{'|'.join(HEADS)})/"

ANNOUNCES = rf"/\A(?!{'|'.join(HEADS)})[^\n]*\b(?:WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE)\b/"
"""A block that a trace belongs to: all others go on at once."""


def blocks(out: str) -> Section:
    """Joins a trace's lines, each stream of each container for itself.

    Args:
        out: The label that gets a block once no further line has come.
    """
    return _joined(out, {"multiline_start_regexp": STARTS, "flush_interval": PATIENCE})


def announced(out: str) -> Section:
    """Joins traces to the line that announces them.

    Args:
        out: The label that gets an event once no further trace has come.
    """
    return _joined(
        out,
        {
            "multiline_start_regexp": ANNOUNCES,
            "continuous_line_regexp": TRACE,
            "flush_interval": PATIENCE_FOR_A_TRACE,
        },
    )


def _joined(out: str, which: dict[str, str]) -> Section:
    return filter_(
        "concat",
        {
            "key": "message",
            "separator": r'"\n"',
            **which,
            "stream_identity_key": "stream",
            "use_first_timestamp": "true",
            "timeout_label": out,
            "@log_level": "warn",
        },
    )
