"""Emulates Fluentd and the plugins in use, by their sources, as far as they transform events.

Not emulated: time, buffers, outputs. `test_golden.py` compares it with the real Fluentd, where there is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, cast

from components.logging.fluentd.masks import CARD_CHECK, MASKED, RESIDENT_CHECK
from components.logging.fluentd.syntax import Section
from tests.unit.components.logging.fluentd_grammar import parse, pattern, value

Record = dict[str, Any]


@dataclass
class Fluentd:
    """A run of Fluentd over the log files of containers."""

    text: str
    pod: Mapping[str, Any] = field(default_factory=dict[str, Any])
    written: list[Record] = field(default_factory=list[Record])
    _held: dict[tuple[int, str, str], list[Record]] = field(default_factory=dict[tuple[int, str, str], list[Record]])

    def __post_init__(self) -> None:
        root = parse(self.text)
        self._labels = {part.argument: part for part in root.sections if part.name == "label"}
        self._order = {id(part): place for place, part in enumerate(_descendants(root))}
        (self._tail,) = [part for part in root.sections if part.parameters.get("@type") == "tail"]

    def read(self, path: str, lines: Iterable[bytes]) -> list[Record]:
        """The events of a file's lines, including those that Fluentd would emit after a timeout."""
        if any(fnmatchcase(path, excluded) for excluded in json.loads(self._tail.parameters["exclude_path"])):
            return []
        assert any(fnmatchcase(path, one) for one in self._tail.parameters["path"].split(","))
        before = len(self.written)
        tag = self._tail.parameters["tag"].replace("*", path.strip("/").replace("/", "."))
        for line in lines:
            _time, stream, logtag, message = line.split(b" ", 3)
            record = {"stream": stream.decode(), "logtag": logtag.decode(), "message": message}
            self._enter(self._tail.parameters["@label"], tag, record)
        # A stage's timeout is longer than what the stages before it take.
        while self._held:
            self._time_out(min(self._held, key=lambda key: self._order[key[0]]))
        return self.written[before:]

    def _enter(self, name: str, tag: str, record: Record) -> None:
        self._pass([*self._labels[name].sections], tag, record)

    def _pass(self, sections: list[Section], tag: str, record: Record) -> None:
        for index, section in enumerate(sections):
            if not _matches(section.argument, tag):
                continue
            if section.name == "match":
                self._leave(section, tag, record)
                return
            filtered = self._filtered(section, tag, record, sections[index + 1 :])
            if filtered is None:
                return
            record = filtered

    def _filtered(self, section: Section, tag: str, record: Record, rest: list[Section]) -> Record | None:
        parameters = section.parameters
        match parameters["@type"]:
            case "concat":
                self._concat(section, tag, record, rest)
                return None
            case "record_modifier":
                return modified(section, record)
            case "parser":
                return _parsed(section, record)
            case "kubernetes_metadata":
                found = re.search(parameters["tag_to_kubernetes_name_regexp"].replace("(?<", "(?P<"), tag)
                assert found is not None, tag
                kubernetes = {"namespace_name": found["namespace"], "container_name": found["container_name"]}
                return {**record, "kubernetes": {**kubernetes, **self.pod}}
            case "record_transformer":
                (fields,) = section.sections
                return {**record, **{name: raw.replace("${tag}", tag) for name, raw in fields.parameters.items()}}
            case "elasticsearch_genid":
                return record
            case other:
                raise ValueError(f"not emulated: {other}")

    def _leave(self, section: Section, tag: str, record: Record) -> None:
        match section.parameters["@type"]:
            case "relabel":
                self._enter(section.parameters["@label"], tag, record)
            case "rewrite_tag_filter":
                for rule in section.sections:
                    match_ = pattern(rule.parameters["pattern"]).search(_at(record, rule.parameters["key"]))
                    if match_:
                        new_tag = rule.parameters["tag"].replace("$1", match_[1] if match_.re.groups else "")
                        self._enter(section.parameters["@label"], new_tag, record)
                        return
                raise AssertionError(f"no rule matches: {record}")
            case _:
                self.written.append(record)

    def _concat(self, section: Section, tag: str, record: Record, rest: list[Section]) -> None:
        key = (id(section), tag, record["stream"])
        held = self._held.setdefault(key, [])
        self._rest = {**getattr(self, "_rest", {}), key: (section, tag)}
        if section.parameters.get("use_partial_cri_logtag"):
            held.append(record)
            if record["logtag"] == "F":
                self._pass(rest, tag, self._flushed(key, section))
            return
        # `process_regexp`: https://github.com/fluent-plugins-nursery/fluent-plugin-concat/blob/master/lib/fluent/plugin/filter_concat.rb
        text = record["message"]
        if _finds(section, "multiline_start_regexp", text):
            earlier = self._flushed(key, section) if held else None
            self._held[key] = [record]
            if earlier is not None:
                self._pass(rest, tag, earlier)
            if _finds(section, "multiline_end_regexp", text):
                self._pass(rest, tag, self._flushed(key, section))
        elif _finds(section, "multiline_end_regexp", text):
            held.append(record)
            self._pass(rest, tag, self._flushed(key, section))
        elif held and (
            "continuous_line_regexp" not in section.parameters or _finds(section, "continuous_line_regexp", text)
        ):
            held.append(record)
        else:
            for event in [*([self._flushed(key, section)] if held else []), record]:
                self._pass(rest, tag, event)

    def _flushed(self, key: tuple[int, str, str], section: Section) -> Record:
        held = self._held.pop(key)
        separator = value(section.parameters["separator"])
        texts = [event["message"] for event in held]
        joined = b"".join(texts) if isinstance(texts[0], bytes) else separator.join(texts)
        return {**held[0], "message": joined}

    def _time_out(self, key: tuple[int, str, str]) -> None:
        section, tag = self._rest[key]
        if self._held[key]:
            self._enter(section.parameters["timeout_label"], tag, self._flushed(key, section))
        else:
            del self._held[key]


def _descendants(section: Section) -> Iterator[Section]:
    for part in section.sections:
        yield part
        yield from _descendants(part)


def _finds(section: Section, name: str, text: str) -> bool:
    """Whether a text has the pattern of a parameter; False where that is not given."""
    return name in section.parameters and pattern(section.parameters[name]).search(text) is not None


def _matches(argument: str, tag: str) -> bool:
    """Whether a pattern has a tag: `*` is one part of it, or within one, and `**` any number of parts.

    https://docs.fluentd.org/configuration/config-file#how-do-the-match-patterns-work
    """
    parts = re.escape(argument)
    for glob, expression in ((r"\.\*\*", r"(\..+)?"), (r"\*\*\.", r"(.+\.)?"), (r"\*\*", ".+"), (r"\*", "[^.]*")):
        parts = parts.replace(glob, expression)
    return re.fullmatch(parts, tag) is not None


def _at(record: Mapping[str, Any], key: str) -> str:
    value_: Any = record
    for name in key.removeprefix("$.").split("."):
        value_ = value_.get(name, "")
    return str(value_)


def modified(section: Section, record: Record) -> Record:
    record = {**record}
    for name in section.parameters.get("remove_keys", "").split(","):
        record.pop(name, None)
    if "char_encoding" in section.parameters:
        record["message"] = record["message"].decode("utf-8", "replace")
    for assigned in (part for part in section.sections if part.name == "record"):
        record.update({name: _ruby(raw, record) for name, raw in assigned.parameters.items()})
    for replace in (part for part in section.sections if part.name == "replace" and part.parameters["key"] in record):
        expression, new = replace.parameters["expression"], value(replace.parameters["replace"])
        key = replace.parameters["key"]
        record[key] = pattern(expression).sub(new, record[key])
    return record


NUMBERS = re.compile(
    r'\$\{record\["message"\]\.gsub\(/(?P<pattern>.*)/\) '
    r'\{ \|n\| d = n\.delete\("\^0-9"\)\.chars\.map\(&:to_i\); (?P<check>.*) \? "\[masked\]" : n \}\}'
)


def _digits(text: str) -> list[int]:
    return [int(digit) for digit in text if digit.isdigit()]


def _resident(digits: list[int]) -> bool:
    total = sum(digit * weight for digit, weight in zip(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=True))
    return ((13 if digits[6] > 4 else 11) - total % 11) % 10 == digits[12]


def _card(digits: list[int]) -> bool:
    doubled = [sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


CHECKS = {RESIDENT_CHECK: _resident, CARD_CHECK: _card}
"""The checks in Python, by their Ruby text: `test_masks.py` compares the two where there is a Ruby."""

DIG = re.compile(r'record\.dig\((?P<path>"[\w.@-]+"(?:, "[\w.@-]+")*)\)')


def _ruby(raw: str, record: Mapping[str, Any]) -> Any:
    """The value of one kind of Ruby expression: the first of several fields that is there, or nil.

    Raises:
        ValueError: The expression is of another kind.
    """
    if numbers := NUMBERS.fullmatch(raw):
        found, is_right = pattern(f"/{numbers['pattern']}/"), CHECKS[numbers["check"]]
        return found.sub(lambda one: MASKED if is_right(_digits(one[0])) else one[0], record["message"])
    whole = re.fullmatch(r"\$\{(?P<text>\()?(?P<alternatives>.*?)(?(text)\)\.to_s)\}", raw)
    found = None
    for alternative in (whole["alternatives"] if whole else raw).split(" || "):
        call = DIG.fullmatch(alternative)
        if not call:
            raise ValueError(f"not emulated: {raw}")
        if found is None or found is False:
            found = _dug(record, json.loads(f"[{call['path']}]"))
    return _to_s(found) if whole and whole["text"] else found


def _dug(record: Any, path: list[str]) -> Any:
    for name in path:
        if record is None:
            return None
        # Ruby raises an error at a value that has no `dig`, and Fluentd would not send the event.
        assert isinstance(record, Mapping), f"{record!r} has no dig"
        record = cast("Mapping[str, Any]", record).get(name)
    return record


def _to_s(value_: Any) -> str:
    if value_ is None or isinstance(value_, str):
        return value_ or ""
    return json.dumps(value_) if isinstance(value_, (bool, dict, list)) else str(value_)


def _parsed(section: Section, record: Record) -> Record:
    parameters = section.parameters
    (parse_section,) = section.sections
    text = record.get(parameters["key_name"])
    values: Record = {}
    if text is not None:
        if parse_section.parameters["@type"] == "json":
            try:
                values = json.loads(text)
            except ValueError:
                values = {}
        elif match_ := pattern(parse_section.parameters["expression"]).search(text):
            values = match_.groupdict()
        for name, type_ in (pair.split(":") for pair in parse_section.parameters.get("types", "").split(",") if pair):
            if name in values:
                values[name] = {"float": float, "integer": int}[type_](values[name])
    return {**record, **({parameters["hash_value_field"]: values} if "hash_value_field" in parameters else values)}
