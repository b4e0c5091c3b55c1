"""Parser for the subset of Fluentd's configuration syntax in use. https://docs.fluentd.org/configuration/config-file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from components.logging.fluentd.syntax import Section, section


def parse(text: str) -> Section:
    """The file as one section without a name.

    Raises:
        ValueError: A line is not valid, a section is not closed, or a parameter is given twice.
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
                raise ValueError(f"{name}: {parameter[1]} is given twice")
            parameters[parameter[1]] = parameter[2]
        else:
            raise ValueError(f"{name}: {line}")
    if name:
        raise ValueError(f"<{name}> is not closed")
    return section("", parameters, *sections)


def value(raw: str) -> str:
    """The string value of a parameter: double-quoted with JSON's escapes, single-quoted or unquoted without escapes.

    Raises:
        ValueError: Fluentd would parse the unquoted value as an array or an object.
    """
    if raw.startswith(("[", "{")):
        raise ValueError(f"not a string: {raw}")
    if raw.startswith("'"):
        return raw[1:-1]
    return str(json.loads(raw)) if raw.startswith('"') else raw


def pattern(raw: str) -> re.Pattern[str]:
    r"""Translates a Ruby regular expression to Python.

    The expressions in use have constructs only that both languages share: classes, groups, look-around, `\A`, `\b`,
    scoped `(?i:…)`. Not supported are `^` and `$`, which match at lines in Ruby, and possessive or atomic groups.
    """
    literal = re.fullmatch(r"/(.*)/([m]?)", raw, re.DOTALL)
    if not literal:
        raise ValueError(f"not a regular expression: {raw}")
    expression, option = literal.groups()
    if re.search(r"(?<![\\\[(])[\^$](?![\]])", re.sub(r"\[[^\]]*\]", "", expression)):
        raise ValueError(f"^ and $ have another meaning in Ruby: {raw}")
    # In Ruby, \s, \d, \w and \b are ASCII-only, and with `m` a dot matches line breaks.
    flags = re.ASCII | (re.DOTALL if option else re.NOFLAG)
    return re.compile(re.sub(r"\(\?<(?=\w)", "(?P<", expression.replace(r"\z", r"\Z")), flags)
