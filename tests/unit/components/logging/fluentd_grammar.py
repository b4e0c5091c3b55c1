"""Reads a Fluentd configuration, as far as ours goes. https://docs.fluentd.org/configuration/config-file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from components.logging.fluentd.syntax import Section, section


def parse(text: str) -> Section:
    """The whole file as one section without a name.

    Raises:
        ValueError: A line is none of Fluentd's, a section is not closed, or a parameter stands twice.
    """
    lines = iter(text.splitlines())
    root = _section("", "", lines)
    if rest := next(lines, None):
        raise ValueError(f"after the end: {rest}")
    return root


def _section(name: str, argument: str, lines: Iterator[str]) -> Section:
    parameters: dict[str, str] = {}
    sections: list[Section] = []
    for line in (line.strip() for line in lines):
        if not line or line.startswith("#"):
            continue
        if line == f"</{name}>":
            return section(name, parameters, *sections, argument=argument)
        if opened := re.fullmatch(r"<(\w+)(?: (.*))?>", line):
            sections.append(_section(opened[1], opened[2] or "", lines))
        elif parameter := re.fullmatch(r"(@?\w+) (.+)", line):
            if parameter[1] in parameters:
                raise ValueError(f"{name}: {parameter[1]} stands twice")
            parameters[parameter[1]] = parameter[2]
        else:
            raise ValueError(f"{name}: {line}")
    if name:
        raise ValueError(f"<{name}> is not closed")
    return section("", parameters, *sections)


def value(raw: str) -> str:
    """A parameter's text: in double quotes with JSON's escapes, in single quotes or without any as it stands.

    Raises:
        ValueError: Without quotes Fluentd takes it for a list or an object.
    """
    if raw.startswith(("[", "{")):
        raise ValueError(f"no text: {raw}")
    if raw.startswith("'"):
        return raw[1:-1]
    return str(json.loads(raw)) if raw.startswith('"') else raw


def pattern(raw: str) -> re.Pattern[str]:
    r"""A regular expression of Ruby's in Python's words.

    Alike in both, and all that ours use: classes, groups, look-around, `\A`, `\b`, scoped `(?i:…)`. Not used, since
    they differ: `^` and `$`, which are ends of lines in Ruby, and possessive or atomic groups.
    """
    found = re.fullmatch(r"/(.*)/([m]?)", raw, re.DOTALL)
    if not found:
        raise ValueError(f"no regular expression: {raw}")
    expression, option = found.groups()
    if re.search(r"(?<![\\\[(])[\^$](?![\]])", re.sub(r"\[[^\]]*\]", "", expression)):
        raise ValueError(f"^ and $ mean something else in Ruby: {raw}")
    # In Ruby \s, \d, \w and \b are of ASCII, and `m` lets a dot be a line's end.
    flags = re.ASCII | (re.DOTALL if option else re.NOFLAG)
    return re.compile(re.sub(r"\(\?<(?=\w)", "(?P<", expression.replace(r"\z", r"\Z")), flags)
