"""The syntax of Fluentd's configuration: sections with parameters and nested sections.

https://docs.fluentd.org/configuration/config-file
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

INDENT = "  "


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section `<name argument>`.

    Attributes:
        name: `source`, `filter`, `match`, `label`, `buffer`, ….
        argument: Text after the name: a tag pattern, a label, chunk keys.
        parameters: Values by name, each on one line, in Fluentd's syntax.
        sections: Nested sections, in the order in which events pass them.
    """

    name: str
    argument: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    sections: Sequence[Section] = ()

    def __post_init__(self) -> None:
        """Checks that each value is on one line, and that Fluentd takes no part of it for a comment.

        Raises:
            ValueError: A value has a line break, a space at one of its ends, or a space before a `#`.
        """
        for name, value in self.parameters.items():
            if "\n" in value or " #" in value or value != value.strip():
                raise ValueError(f"{self.name}: {name} {value!r}: one line, without a space at its ends or before a #")

    @property
    def text(self) -> str:
        """The section in Fluentd's syntax."""
        lines = [
            f"<{f'{self.name} {self.argument}'.strip()}>",
            *(f"{INDENT}{name} {value}" for name, value in self.parameters.items()),
            *(f"{INDENT}{line}" for section in self.sections for line in section.text.splitlines()),
            f"</{self.name}>",
        ]
        return "\n".join(lines) + "\n"


def section(name: str, parameters: Mapping[str, str], *sections: Section, argument: str = "") -> Section:
    """A section of any name."""
    return Section(name=name, argument=argument, parameters=parameters, sections=sections)


def source(type_: str, parameters: Mapping[str, str], *sections: Section) -> Section:
    """A `source`, an input of events."""
    return section("source", {"@type": type_, **parameters}, *sections)


def filter_(type_: str, parameters: Mapping[str, str], *sections: Section, tags: str = "**") -> Section:
    """A `filter` for all events of its label, or for those with some tags."""
    return section("filter", {"@type": type_, **parameters}, *sections, argument=tags)


def match(type_: str, parameters: Mapping[str, str], *sections: Section, tags: str = "**") -> Section:
    """A `match`, an output for the events of its label, or for those with some tags."""
    return section("match", {"@type": type_, **parameters}, *sections, argument=tags)


def label(name: str, *sections: Section) -> Section:
    """A `label`: events that are sent to its name pass its sections in order."""
    return section("label", {}, *sections, argument=name)


def relabel(name: str) -> Section:
    """A `match` that sends all events to another label."""
    return match("relabel", {"@label": name})


def parsed_by(expression: str, *, key: str = "message", types: str = "") -> Section:
    """A `filter` that adds the named groups of a regular expression as fields, and leaves other events as they are.

    Args:
        expression: A Ruby regular expression, with slashes.
        key: The field that it is applied to.
        types: Types of groups that are no text, such as `duration_ms:float`.
    """
    parameters = {"@type": "regexp", "expression": expression, **({"types": types} if types else {})}
    return parser(key, section("parse", parameters))


def parser(key: str, parse: Section, **parameters: str) -> Section:
    """A `filter` that adds what a parser makes of a field, and keeps the event where it makes nothing of it."""
    reserve = {"reserve_data": "true", "reserve_time": "true", "emit_invalid_record_to_error": "false"}
    return filter_("parser", {"key_name": key, **reserve, **parameters}, parse)
