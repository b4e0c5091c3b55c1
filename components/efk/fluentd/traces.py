"""A stack trace is one event, together with the line that announces it."""

from __future__ import annotations

from components.efk.fluentd.syntax import Section, filter_

PATIENCE = "2s"
"""How long after a line a further one still belongs to it."""

CONTINUES = (
    # A blank line, and whatever is indented: frames of Java and Python, code, its marks, pretty-printed JSON.
    r"\s|\z",
    # Java: what follows the frames, and the exception behind the line that announces it.
    r"Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames omitted)",
    # Python: the head behind the line that announces it, and what stands between two traces.
    r"Traceback \(most recent call last\):",
    r"During handling of the above exception, another exception occurred:",
    r"The above exception was the direct cause of the following exception:",
    # The exception itself, `a.b.NotFound: text` or `ValueError`: first in Java, last in Python.
    r"(?:[A-Za-z_][\w$]*\.)+[A-Z][\w$]*(?:: |\s*\z)",
    r"[A-Z][\w$]*(?:Error|Exception|Warning|Interrupt|Exit|Group|Throwable)(?:: |\s*\z)",
)
"""How lines begin that belong to the one before."""

STARTS = rf"/\A(?!{'|'.join(CONTINUES)})/"
"""The beginning of a line that is an event of its own.

The plugin `detect_exceptions` is made for this; its rules for Python end at the marks (`~~~^^^`) that Python prints
since 3.11, and it leaves the line that announces a trace alone.
"""


def traces(out: str) -> Section:
    """Joins a trace's lines, each stream of each container for itself.

    Args:
        out: The label that gets an event once no further line has come.
    """
    return filter_(
        "concat",
        {
            "key": "message",
            "separator": r'"\n"',
            "multiline_start_regexp": STARTS,
            "stream_identity_key": "stream",
            "use_first_timestamp": "true",
            "flush_interval": PATIENCE,
            "timeout_label": out,
            "@log_level": "warn",
        },
    )
