"""What must not be written down: secrets, and the numbers that identify a person.

Masks look at text, before it is read as JSON, so that no field keeps what the text has lost. Where a name tells the
secret, the name stays.
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
"""How the name of a secret ends. `total_tokens` is none: it is a number that people look for."""


@dataclass(frozen=True, kw_only=True)
class Mask:
    r"""What is replaced.

    Attributes:
        what: What it is, for readers.
        pattern: A regular expression of Ruby's, without slashes.
        replacement: What stands there instead; `\1` is the pattern's first group.
    """

    what: str
    pattern: str
    replacement: str = MASKED


KEPT = rf"\1{MASKED}"

MASKS: Sequence[Mask] = (
    Mask(
        what="Authorization header",
        pattern=r"((?i:authorization)\\*\"?\s*[:=]\s*\\*\"?(?:[A-Za-z]+\s+)?)[^\s\",;\\]+",
        replacement=KEPT,
    ),
    Mask(what="bearer token", pattern=r"(\b(?i:bearer)\s+)[A-Za-z0-9._~+/=-]{8,}", replacement=KEPT),
    Mask(what="cookies", pattern=r"((?i:cookie)\\*\"?\s*[:=]\s*\\*\"?)[^\"\r\n\\]+", replacement=KEPT),
    Mask(what="JSON Web Token", pattern=r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"),
    Mask(what="named secret in JSON inside JSON", pattern=rf"({NAMES}\\+\"\s*:\s*\\+\")[^\"\\]*", replacement=KEPT),
    Mask(
        what="named secret in quotes",
        pattern=rf"({NAMES}\"?\s*[:=]\s*)\"(?:[^\"\\]|\\.)*\"",
        replacement=rf'\1"{MASKED}"',
    ),
    Mask(what="named secret in single quotes", pattern=rf"({NAMES}'?\s*[:=]\s*)'[^']*'", replacement=rf"\1'{MASKED}'"),
    Mask(
        what="named secret, a number in JSON",
        pattern=rf"({NAMES}\"\s*:\s*)-?\d[\d.eE+-]*",
        replacement=rf'\1"{MASKED}"',
    ),
    Mask(what="named secret", pattern=rf"({NAMES}\s*[:=]\s*)[^\s\"',;&}}\])]+", replacement=KEPT),
    Mask(what="password in a URL", pattern=r"(://[^\s:/@]{1,64}:)[^\s/@]{1,256}(?=@)", replacement=KEPT),
    Mask(what="AWS access key", pattern=r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    Mask(
        what="vendors' API keys",
        pattern=r"\b(?:sk-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{35}|gh[oprsu]_[A-Za-z0-9]{36,})",
    ),
    Mask(
        what="Korean resident registration number",
        pattern=r"(?<!\d)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ -][1-8]\d{6}(?!\d)",
    ),
    # Thirteen digits are a point of time in milliseconds as well: those of 2020 to 2033 begin with 16 to 20.
    Mask(
        what="Korean resident registration number in one",
        pattern=r"(?<!\d)(?!1[6-9]|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[1-8]\d{6}(?!\d)",
    ),
)
"""In this order. What a resident registration number is made of: 주민등록법 시행규칙 제2조, https://www.law.go.kr ."""


def masks() -> Section:
    """Masks the text of every event."""
    replaced = [
        section("replace", {"key": "message", "expression": f"/{mask.pattern}/", "replace": _quoted(mask)})
        for mask in MASKS
    ]
    return filter_("record_modifier", {}, *replaced)


def _quoted(mask: Mask) -> str:
    """Without quotes, Fluentd takes what begins with a bracket for a list."""
    return f"'{mask.replacement}'" if mask.replacement.startswith("[") else mask.replacement
