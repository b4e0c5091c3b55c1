"""Finds events by Kibana's query language, as far as our queries go.

https://www.elastic.co/docs/explore-analyze/query-filter/languages/kql
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from components.logging.bootstrap.job.elasticsearch import PROPERTIES

TOKEN = re.compile(r'\s*("[^"]*"|[()]|<=|>=|<|>|:|[^\s()"<>:]+)')
COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def found(query: str, event: Mapping[str, Any]) -> bool:
    """Whether a query finds an event.

    Raises:
        KeyError: It names a field that the index template does not have: Kibana would find nothing, and not say so.
    """
    return _Query(TOKEN.findall(query), event).whole()


@dataclass
class _Query:
    tokens: list[str]
    event: Mapping[str, Any]

    def whole(self) -> bool:
        found = self._either(self._condition)
        if self.tokens:
            raise ValueError(f"not read: {self.tokens}")
        return found

    def _either(self, one: Callable[[], bool]) -> bool:
        found = self._both(one)
        while self._next("or"):
            found = self._both(one) or found
        return found

    def _both(self, one: Callable[[], bool]) -> bool:
        found = one()
        while self._next("and"):
            found = one() and found
        return found

    def _condition(self) -> bool:
        if self._next("("):
            return self._closed(self._condition)
        name, sign = self.tokens.pop(0), self.tokens.pop(0)
        kind, value = field(name, self.event)
        if sign in COMPARED:
            limit = float(self.tokens.pop(0))
            return value is not None and COMPARED[sign](float(value), limit)
        if self._next("("):
            return self._closed(lambda: _equal(kind, value, self.tokens.pop(0)))
        return _equal(kind, value, self.tokens.pop(0))

    def _closed(self, one: Callable[[], bool]) -> bool:
        found = self._either(one)
        if not self._next(")"):
            raise ValueError(f"not closed before {self.tokens}")
        return found

    def _next(self, word: str) -> bool:
        there = self.tokens[:1] == [word]
        del self.tokens[: int(there)]
        return there


def field(name: str, event: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any]:
    """What the index template says of a field, and its value in an event."""
    level: Mapping[str, Any] = {"properties": PROPERTIES}
    value: Any = event
    for part in name.split("."):
        if level.get("type") != "flattened":
            level = level["properties"][part]
        if level.get("type") == "alias":
            return field(level["path"], event)
        value = cast("Mapping[str, Any]", value).get(part) if isinstance(value, Mapping) else None
    return level, value


def _equal(kind: Mapping[str, Any], value: Any, wanted: str) -> bool:
    if value is None:
        return False
    words = wanted.strip('"')
    if kind["type"] == "match_only_text":
        return re.search(rf"\b{re.escape(words)}\b", str(value), re.IGNORECASE) is not None
    if kind.get("normalizer") == "lowercase":
        return str(value).lower() == words.lower()
    return str(value) == words
