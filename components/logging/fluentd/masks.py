"""Masks for secrets and personal identifiers in the message of events.

They apply before the message is parsed as JSON, so that no field has an unmasked value. The name of a named secret is
kept, such as `password=[masked]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.logging.fluentd.syntax import Section, filter_, section

MASKED = "[masked]"

NAMES = (
    "(?i:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|secret[_-]?key|private[_-]?key|"
    "credentials?|session[_-]?id)"
)
"""Endings of secrets' names. `total_tokens` does not match."""


@dataclass(frozen=True, kw_only=True)
class Mask:
    r"""A regular expression and its replacement.

    Attributes:
        name: Description of what is masked, for readers.
        pattern: A Ruby regular expression, without slashes.
        replacement: The replacement; `\1` is the pattern's first group.
    """

    name: str
    pattern: str
    replacement: str = MASKED


NAME_AND_MASK = rf"\1{MASKED}"

MASKS: Sequence[Mask] = (
    Mask(
        name="Authorization header",
        pattern=r"((?i:authorization)\\*\"?\s*[:=]\s*\\*\"?(?:[A-Za-z]+\s+)?)[^\s\",;\\]+",
        replacement=NAME_AND_MASK,
    ),
    Mask(name="bearer token", pattern=r"(\b(?i:bearer)\s+)[A-Za-z0-9._~+/=-]{8,}", replacement=NAME_AND_MASK),
    Mask(name="cookies", pattern=r"((?i:cookie)\\*\"?\s*[:=]\s*\\*\"?)[^\"\r\n\\]+", replacement=NAME_AND_MASK),
    Mask(name="JSON Web Token", pattern=r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"),
    Mask(
        name="named secret in JSON inside JSON",
        pattern=rf"({NAMES}\\+\"\s*:\s*\\+\")[^\"\\]*",
        replacement=NAME_AND_MASK,
    ),
    Mask(
        name="named secret in quotes",
        pattern=rf"({NAMES}\"?\s*[:=]\s*)\"(?:[^\"\\]|\\.)*\"",
        replacement=rf'\1"{MASKED}"',
    ),
    Mask(name="named secret in single quotes", pattern=rf"({NAMES}'?\s*[:=]\s*)'[^']*'", replacement=rf"\1'{MASKED}'"),
    Mask(
        name="named secret, a number in JSON",
        pattern=rf"({NAMES}\"\s*:\s*)-?\d[\d.eE+-]*",
        replacement=rf'\1"{MASKED}"',
    ),
    Mask(name="named secret", pattern=rf"({NAMES}\s*[:=]\s*)[^\s\"',;&}}\])]+", replacement=NAME_AND_MASK),
    Mask(name="password in a URL", pattern=r"(://[^\s:/@]{1,64}:)[^\s/@]{1,256}(?=@)", replacement=NAME_AND_MASK),
    Mask(name="AWS access key", pattern=r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    Mask(
        name="vendors' API keys",
        pattern=r"\b(?:sk-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{35}|gh[oprsu]_[A-Za-z0-9]{36,})",
    ),
    Mask(
        name="Korean resident registration number",
        pattern=r"(?<!\d)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ -][1-8]\d{6}(?!\d)",
    ),
    # Thirteen digits may also be a Unix time in milliseconds: those of 2020 to 2033 begin with 16 to 20.
    Mask(
        name="Korean resident registration number without separator",
        pattern=r"(?<!\d)(?!1[6-9]|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[1-8]\d{6}(?!\d)",
    ),
)
"""In order of application. Resident registration numbers: 주민등록법 시행규칙 제2조, https://www.law.go.kr ."""


def masks() -> Section:
    """The filter that applies `MASKS` to the message of every event."""
    replacements = [
        section("replace", {"key": "message", "expression": f"/{mask.pattern}/", "replace": _quoted(mask)})
        for mask in MASKS
    ]
    return filter_("record_modifier", {}, *replacements)


def _quoted(mask: Mask) -> str:
    """The replacement, in quotes where it begins with a bracket, which Fluentd would parse as an array."""
    return f"'{mask.replacement}'" if mask.replacement.startswith("[") else mask.replacement
