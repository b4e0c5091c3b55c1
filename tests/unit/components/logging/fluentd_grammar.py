"""Parser for the subset of Fluentd's configuration syntax in use. https://docs.fluentd.org/configuration/config-file."""

from __future__ import annotations

import functools
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


@functools.cache
def pattern(raw: str) -> re.Pattern[str]:
    r"""Translates a Ruby regular expression to Python.

    The expressions in use have constructs only that both languages share: classes, groups, look-around, atomic groups,
    `\A`, `\b`, scoped `(?i:…)`. Constructs that the two understand differently are refused: `^` and `$` are ends of
    lines in Ruby, `&&` and `[` inside of a class are operators, and `{n,m}+` is not possessive.
    https://github.com/k-takata/Onigmo/blob/master/doc/RE

    Raises:
        ValueError: It is not a regular expression, or has a construct with another meaning in Python.
    """
    literal = re.fullmatch(r"/(.*)/([m]?)", raw, re.DOTALL)
    if not literal:
        raise ValueError(f"not a regular expression: {raw}")
    expression, option = literal.groups()
    classes = [found[0] for found in CLASS.finditer(expression)]
    outside = ESCAPE.sub("", CLASS.sub("", expression))
    if re.search(r"[\^$]", outside):
        raise ValueError(f"^ and $ have another meaning in Ruby: {raw}")
    if re.search(r"\{\d*,?\d*\}\+", outside):
        raise ValueError(f"{{n,m}}+ is not possessive in Ruby: {raw}")
    if any("&&" in inner or "[" in ESCAPE.sub("", inner[1:]) for inner in classes):
        raise ValueError(f"&& and [ in a class have another meaning in Ruby: {raw}")
    # In Ruby, \s, \d and \w are ASCII-only, but \b is not; with `m` a dot matches line breaks.
    flags = re.ASCII | (re.DOTALL if option else re.NOFLAG)
    for ruby, python in ((r"\z", r"\Z"), (r"\b", r"(?u:\b)")):
        expression = re.sub(rf"(?<!\\)((?:\\\\)*)\{ruby}", lambda found, to=python: found[1] + to, expression)
    return re.compile(re.sub(r"\(\?<(?=\w)", "(?P<", expression), flags)


ESCAPE = re.compile(r"\\.")
CLASS = re.compile(r"(?<!\\)(?:\\\\)*\[\^?\]?(?:[^\]\\]|\\.)*\]")
"""A character class, with an escaped bracket inside."""
