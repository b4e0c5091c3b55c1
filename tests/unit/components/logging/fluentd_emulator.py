"""Emulates Fluentd and the plugins in use, by their sources, as far as they transform events.

Not emulated: time, buffers, outputs. `test_golden.py` compares it with the real Fluentd, where there is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from components.logging.fluentd.syntax import Section
from tests.unit.components.logging.fluentd_grammar import parse, pattern, value

Record = dict[str, Any]


@dataclass
class Fluentd:
    """A run of Fluentd over the log files of containers."""

    text: str
    written: list[Record] = field(default_factory=list[Record])
    _held: dict[tuple[int, str, str], list[Record]] = field(default_factory=dict[tuple[int, str, str], list[Record]])

    def __post_init__(self) -> None:
        root = parse(self.text)
        self._labels = {part.argument: part for part in root.sections if part.name == "label"}
        (self._tail,) = [part for part in root.sections if part.parameters.get("@type") == "tail"]

    def read(self, path: str, lines: Iterable[bytes]) -> list[Record]:
        """The events of a file's lines, including those that Fluentd would emit after a timeout."""
        if any(fnmatchcase(path, excluded) for excluded in json.loads(self._tail.parameters["exclude_path"])):
            return []
        assert fnmatchcase(path, self._tail.parameters["path"])
        before = len(self.written)
        tag = self._tail.parameters["tag"].replace("*", path.strip("/").replace("/", "."))
        for line in lines:
            _time, stream, logtag, message = line.split(b" ", 3)
            record = {"stream": stream.decode(), "logtag": logtag.decode(), "message": message}
            self._enter(self._tail.parameters["@label"], tag, record)
        while self._held:
            self._time_out(next(iter(self._held)))
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
                return _modified(section, record)
            case "parser":
                return _parsed(section, record)
            case "kubernetes_metadata":
                _, namespace, container = tag.rpartition("containers.")[2].removesuffix(".log").split("_")
                return {**record, "kubernetes": {"namespace_name": namespace, "container_name": container[:-65]}}
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
        elif pattern(section.parameters["multiline_start_regexp"]).search(record["message"]):
            earlier = self._flushed(key, section) if held else None
            self._held[key] = [record]
            if earlier is not None:
                self._pass(rest, tag, earlier)
        elif held and pattern(section.parameters.get("continuous_line_regexp", "//")).search(record["message"]):
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


def _matches(argument: str, tag: str) -> bool:
    return argument in {"**", tag}


def _at(record: Mapping[str, Any], key: str) -> str:
    value_: Any = record
    for name in key.removeprefix("$.").split("."):
        value_ = value_.get(name, "")
    return str(value_)


def _modified(section: Section, record: Record) -> Record:
    record = {**record}
    for name in section.parameters.get("remove_keys", "").split(","):
        record.pop(name, None)
    if "char_encoding" in section.parameters:
        record["message"] = record["message"].decode("utf-8", "replace")
    for replace in section.sections:
        expression, new = replace.parameters["expression"], value(replace.parameters["replace"])
        record["message"] = pattern(expression).sub(new, record["message"])
    return record


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
                values[name] = {"float": float}[type_](values[name])
    return {**record, **({parameters["hash_value_field"]: values} if "hash_value_field" in parameters else values)}
