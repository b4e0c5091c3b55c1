"""How a Fluentd configuration is written: sections with parameters, and sections in them.

https://docs.fluentd.org/configuration/config-file
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

INDENT = "  "


@dataclass(frozen=True, kw_only=True)
class Section:
    """`<name argument>`, its parameters, and the sections in it.

    Attributes:
        name: `source`, `filter`, `match`, `label`, `buffer`, ….
        argument: What stands behind the name: a pattern of tags, a label, chunk keys.
        parameters: By name, each a text of one line, as Fluentd reads it.
        sections: In the order in which events pass them.
    """

    name: str
    argument: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    sections: Sequence[Section] = ()

    def __post_init__(self) -> None:
        """Refuses a value of more than one line, and one whose rest Fluentd would take for a comment."""
        for name, value in self.parameters.items():
            if "\n" in value or " #" in value or value != value.strip():
                raise ValueError(f"{self.name}: {name} {value!r}: one line, without a space at its ends or before a #")

    @property
    def text(self) -> str:
        """The section as Fluentd reads it."""
        lines = [
            f"<{f'{self.name} {self.argument}'.strip()}>",
            *(f"{INDENT}{name} {value}" for name, value in self.parameters.items()),
            *(f"{INDENT}{line}" for section in self.sections for line in section.text.splitlines()),
            f"</{self.name}>",
        ]
        return "\n".join(lines) + "\n"


def section(name: str, parameters: Mapping[str, str], *sections: Section, argument: str = "") -> Section:
    """A section, whatever its name is."""
    return Section(name=name, argument=argument, parameters=parameters, sections=sections)


def source(type_: str, parameters: Mapping[str, str], *sections: Section) -> Section:
    """Where events come from."""
    return section("source", {"@type": type_, **parameters}, *sections)


def filter_(type_: str, parameters: Mapping[str, str], *sections: Section) -> Section:
    """What every event of a label passes."""
    return section("filter", {"@type": type_, **parameters}, *sections, argument="**")


def match(type_: str, parameters: Mapping[str, str], *sections: Section, tags: str = "**") -> Section:
    """Where the events of a label, or those with some tags, leave it."""
    return section("match", {"@type": type_, **parameters}, *sections, argument=tags)


def label(name: str, *sections: Section) -> Section:
    """A part of the way: events enter by its name, and pass its sections in their order."""
    return section("label", {}, *sections, argument=name)


def relabel(name: str) -> Section:
    """Hands every event on to another label."""
    return match("relabel", {"@label": name})
