r"""Joins the lines of a stack trace, of a pretty-printed object and of a PEM block to one event.

The plugin `concat` knows of a line only what the line itself shows; so each stage joins one shape, of what the stage
before has joined:

1. `openings`: the sentence between two chained tracebacks of Python with the headline of the second; a PEM block.
2. `blocks`: indented lines, closing brackets and `Caused by: …` with the line before.
3. `tracebacks`: a traceback of Python with the line after it, which names the exception, whatever that is called.
4. `headlines`: a line that names an exception with the block of stack frames after it, also where the exception's
   message has a second line.
5. `errors`: a warning or an error, or a panic of Go, with the traces after it.
6. `details`: a trace without such a line before it with the lines that belong to it.

Shapes, not names of exceptions: a line that has none of them is an event of its own. Each stage holds only lines that
may be continued, and `details` none that `errors` has held.
"""

from __future__ import annotations

from components.logging.fluentd.syntax import Section, filter_

BLOCK_TIMEOUT = "2s"
"""How long to wait for the next line of a block."""

TRACE_TIMEOUT = "4s"
"""How long a later stage waits for a block: `BLOCK_TIMEOUT`, and time for the plugin's timer to notice it."""

TRACEBACK = r"Traceback \(most recent call last\):"
"""Headline of a traceback of Python."""

CHAINED = (
    r"During handling of the above exception, another exception occurred:|"
    r"The above exception was the direct cause of the following exception:"
)
"""Python's sentences between two chained tracebacks."""

PEM_BEGIN = r"-----BEGIN [A-Z0-9 ]{0,40}-----"
PEM_END = r"-----END [A-Z0-9 ]{0,40}-----"
PEM_LINE = r"[A-Za-z0-9+/=]{1,76}\s*\z"

NODE_SOURCE = r"(?:file://)?/\S{1,300}:\d{1,6}\n"
"""First line of an uncaught error of Node: the place in the source, above an excerpt."""

CLASS_NAME = r"(?:[A-Za-z_$][\w$]{0,99}[.:/\\]{1,2}){0,20}[A-Za-z_$][\w$]{0,99}"
HEADLINE = (
    r"(?:Exception in thread \"[^\"\n]{0,200}\" |Unhandled exception\. |Uncaught |Caused by: )?"
    rf"{CLASS_NAME}(?: \[[\w-]{{1,60}}\])?:(?: |\s*(?:\n|\z))|"
    r"(?:[A-Za-z_$][\w$]{0,99}\.){1,20}[A-Z][\w$]{0,99}\s*(?:\n|\z)"
)
"""The line that names an exception: a class name and its message, or a qualified class name alone."""

FRAME = r"\n[ \t]+at [^\n]*[(:]"
"""A stack frame of Java, Node or .NET."""

GO_FRAME = r"\n\t\S{1,400}\.go:\d"
"""A stack frame of Go, below the name of its function."""

EVENT = (
    r"\[?\d{4}[-/]\d\d[-/]\d\d|\[?\d\d:\d\d:\d\d|\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|ERROR|FATAL|CRITICAL)|"
    r"(?:trace|debug|info|warn|warning|error|fatal)\b|[A-Z]{3,7} /|\{|\d{1,3}(?:\.\d{1,3}){3} |[IWEF]\d{4} |"
    r"(?:time|level|ts)="
)
"""The beginning of a line that is an event of its own, even if stack frames follow."""

DETAIL = (
    r"\[\w{1,40}[: ][^\n]*\]\s*\z|\([^\n]*\)\s*\z|[A-Z]{4,10}:  |"
    r"[\w.]{1,200}\n {2}\S|Node\.js v\d|exit status \d{1,3}\z"
)
"""A line that a driver or a runtime adds to a trace: the statement, a link, a hint."""

GO_BLOCK = rf"goroutine \d{{1,9}} \[|created by \S|[^\n]{{1,400}}{GO_FRAME}"
TRACE = rf"(?:{TRACEBACK}|{GO_BLOCK}|(?!{EVENT})[^\n]{{0,4000}}\n(?:[^\n]*\n)*?[ \t]+at [^\n]*[(:])"

ERROR = (
    r"[^\n]{0,2000}?(?:\b(?:WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|panic)\b|"
    r"\[(?:\w{1,40}:)?(?:warn|warning|error|crit|alert|emerg)\]|\blevel=\"?(?:warn|warning|err|error|fatal|panic)\b)|"
    rf"(?![^\n]*{FRAME})[^A-Za-z\n{{]{{0,48}}(?i:warn|warning|error|fatal|critical|fatal error)\s?:|[WEF]\d{{4}} \d\d:"
)
"""A line to which a following trace belongs."""


def openings(out: str) -> Section:
    """Joins lines that begin something with the lines that complete the beginning."""
    return _concat(
        out,
        BLOCK_TIMEOUT,
        multiline_start_regexp=rf"/\A(?:{CHAINED}|{PEM_BEGIN}\s*\z)/",
        continuous_line_regexp=rf"/\A(?:\s*\z|{PEM_LINE}|[A-Za-z-]{{1,30}}: [^\n]{{1,80}}\z)/",
        multiline_end_regexp=rf"/\A(?:{TRACEBACK}|{PEM_END})/",
    )


def blocks(out: str) -> Section:
    """Joins lines to blocks, for each stream of each container.

    Args:
        out: The label that receives a block after `BLOCK_TIMEOUT`.
    """
    return _concat(
        out,
        BLOCK_TIMEOUT,
        multiline_start_regexp=rf"/\A(?!\s|\z|[}}\]]|Caused by: |Suppressed: |{CHAINED})/",
    )


def tracebacks(out: str) -> Section:
    """Joins a traceback of Python with the block after it, and so on to the last of chained ones."""
    return _concat(
        out,
        TRACE_TIMEOUT,
        multiline_start_regexp=rf"/\A{TRACEBACK}/",
        multiline_end_regexp=rf"/\A(?!{TRACEBACK})(?:(?!\n{TRACEBACK})[\s\S])*\z/",
    )


def headlines(out: str) -> Section:
    """Joins a line that names an exception with the stack frames after it."""
    return _concat(
        out,
        TRACE_TIMEOUT,
        multiline_start_regexp=rf"/\A(?!{EVENT})(?:{HEADLINE})/",
        continuous_line_regexp=r"/\A(?!)/",
        multiline_end_regexp=rf"/\A(?!{EVENT}|{NODE_SOURCE})[^\n]*{FRAME}/",
    )


def errors(out: str) -> Section:
    """Joins traces to the error line before them.

    Args:
        out: The label that receives an event after `TRACE_TIMEOUT`.
    """
    return _concat(
        out,
        TRACE_TIMEOUT,
        multiline_start_regexp=rf"/\A(?!{TRACEBACK}|{GO_BLOCK})(?:{ERROR}|{NODE_SOURCE})/",
        continuous_line_regexp=rf"/\A(?:{TRACE}|{DETAIL})/",
    )


def details(out: str) -> Section:
    """Joins a trace that no line announces with the lines that belong to it."""
    return _concat(
        out,
        TRACE_TIMEOUT,
        multiline_start_regexp=rf"/\A(?:{TRACEBACK}|(?!{EVENT}|{ERROR}|{NODE_SOURCE})[^\n]*{FRAME})/",
        continuous_line_regexp=rf"/\A(?:{DETAIL})/",
    )


def _concat(out: str, timeout: str, **patterns: str) -> Section:
    return filter_(
        "concat",
        {
            "key": "message",
            "separator": r'"\n"',
            **patterns,
            "flush_interval": timeout,
            "stream_identity_key": "stream",
            "use_first_timestamp": "true",
            "timeout_label": out,
            "@log_level": "warn",
        },
    )
