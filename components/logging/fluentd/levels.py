r"""The level of an event, as one of `LEVELS`, from the field of a JSON object or from the beginning of a text.

What an application writes has many names: `"severity":"ERR"`, `"level":50`, `level=warn`, `[error]`, `E1123 10:00:00`,
`fail: Shop.Api[0]`. Each filter here finds one kind and writes it to the field `GIVEN`; `translated` makes a level of
it. A word that is no level, such as `audit`, gives none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.logging.fluentd.syntax import Section, filter_, parsed_by, section

GIVEN = "given_level"
"""Field of the word or number that an event gives as its level; removed at the end."""

LEVELS: Mapping[str, str] = {
    "trace": r"trace|trce|trc|verbose|vrb|finest|finer|silly|10",
    "debug": r"debug|dbug|dbg|fine|d|7|20",
    "info": r"info|information|informational|inf|notice|i|5|6|30",
    "warn": r"warn|warning|wrn|w|4|40",
    "error": r"error|err|eror|fail|failure|severe|e|3|50|at|file|goroutine",
    "fatal": r"fatal|ftl|critical|crit|crt|panic|dpanic|alert|emerg|emergency|f|c|a|0|1|2|60",
}
"""Levels, and what applications call them, in any case.

Numbers are those of pino and bunyan (10 to 60) and of syslog (0 to 7).
https://github.com/pinojs/pino/blob/main/docs/api.md#level-string, https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1
"""

KEYS = (
    *("level", "severity", "log.level", "lvl", "loglevel", "logLevel", "log_level", "LogLevel"),
    *("levelname", "level_name", "levelName", "Level", "LEVEL", "Severity"),
    *("severityText", "severity_text", "SeverityText", "@l"),
)
"""Keys of a JSON object for its level, in order of precedence. Only the object's own keys, not those of nested ones."""

WORDS = r"trace|debug|verbose|info|notice|warn|warning|error|err|fatal|critical|crit|severe|panic|alert|emerg"
SHORT = r"trc|vrb|dbg|inf|wrn|ftl|crt"
UPPER = r"TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|PANIC"

TEXT = r"\A(?!\s*\{)"
"""The beginning of a message that is no JSON object."""

NESTED = r'/\A\s*\{[\s\S]*?"log"\s*:\s*\{[^{}]{0,400}?"level"\s*:\s*"(?<given_level>[A-Za-z]{1,16})"/'
"""The level in the nested form of the Elastic Common Schema, `{"log": {"level": "error"}}`, as Spring Boot writes it.

https://docs.spring.io/spring-boot/reference/features/logging.html#features.logging.structured.ecs
"""

TRACE = (
    rf"/{TEXT}[^\n]*\n(?:[^\n]*\n)*?"
    r"[ \t]*(?<given_level>at(?= [^\n]*[(:])|File(?= \")|goroutine(?= \d))/"
)
"""A stack trace without a level of its own is an error; this takes the first word of a frame."""

LOGFMT = "|".join(
    rf"(?<={before}{key}={quote})"
    for key in ("level", "lvl", "severity", "loglevel", "log_level", "log.level".replace(".", r"\."))
    for before in (r"\A", r"[\s,\[]")
    for quote in ("", '"')
)

ANYWHERE = (
    rf"/{TEXT}(?>\s*)[^\n]{{0,2000}}?(?<given_level>"
    # As a word of its own in capital letters.
    rf"(?<![\w.\/=?&-])(?:{UPPER})(?![\w\/=-])|"
    # Alone in brackets, or last in them: [error], [core:error], [10:00:00 ERR].
    rf"(?:(?<=[\[<:])|(?<=\d ))(?i:{WORDS}|{SHORT})(?=\s?\])|"
    # As logfmt.
    rf"(?:{LOGFMT})(?i:[a-z]{{1,16}}|\d{{1,2}})\b)/"
)
"""The first mention of a level in the first line."""

START = (
    rf"/{TEXT}(?:[^A-Za-z\n{{]|(?<=\d)[TZ]){{0,48}}?(?<given_level>"
    # In front of a colon: `error: …`, `Error: …`, `FATAL:  …`.
    rf"(?i:{WORDS})(?=\s?:(?:\s|\z|[a-z]))|"
    # klog and glog; Ruby's Logger; the priority that systemd reads; .NET's console logger.
    r"\b[IWEF](?=\d{4} \d\d:\d\d:\d\d\.)|\b[DIWEFA](?=, \[)|(?<=\A<)[0-7](?=>)|"
    r"\b(?:trce|dbug|info|warn|fail|crit)(?=: [\w.`+]{1,200}\[\d))/"
)
"""A level at the beginning of a text, after its time at most; it precedes all others."""


def of_text() -> list[Section]:
    """The filters for text and for nested JSON, the weakest first: a later one overwrites what an earlier one found."""
    return [parsed_by(expression) for expression in (NESTED, TRACE, ANYWHERE, START)]


def translated() -> list[Section]:
    """Writes the field `level`, from the keys of the field `json`, else from what `of_text` has found."""
    alternatives = " || ".join([*(f'record.dig("json", "{key}")' for key in KEYS), f'record.dig("{GIVEN}")'])
    return [
        filter_(
            "record_modifier",
            {},
            section("record", {GIVEN: f"${{({alternatives}).to_s}}"}),
            *_replacements(),
        ),
        parsed_by(rf"/\A(?<level>{'|'.join(LEVELS)})\z/", key=GIVEN),
        filter_("record_modifier", {"remove_keys": GIVEN}),
    ]


def _replacements() -> Sequence[Section]:
    names = {
        r"\A\s{0,8}(?:\x1b\[[0-9;]{1,20}m){0,4}\s{0,8}(\w{1,16})\s{0,8}:?(?:\x1b\[[0-9;]{1,20}m){0,4}\s{0,8}\z": r"\1",
        **{rf"\A(?i:{names})\z": level for level, names in LEVELS.items()},
    }
    return [
        section("replace", {"key": GIVEN, "expression": f"/{expression}/", "replace": replacement})
        for expression, replacement in names.items()
    ]
