"""Evaluates the subset of Kibana's query language (KQL) that the queries use.

https://www.elastic.co/docs/explore-analyze/query-filter/languages/kql
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from components.logging.bootstrap.job.elasticsearch import ANALYSIS, PROPERTIES

TOKEN = re.compile(r'\s*("[^"]*"|[()]|<=|>=|<|>|:|[^\s()"<>:]+)')
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(query: str, event: Mapping[str, Any]) -> bool:
    """Whether an event matches a query.

    Raises:
        KeyError: The query has a field that the index template does not: Kibana would return no events, and no error.
    """
    return _Query(TOKEN.findall(query), event).evaluate()


@dataclass
class _Query:
    tokens: list[str]
    event: Mapping[str, Any]

    def evaluate(self) -> bool:
        result = self._or(self._condition)
        if self.tokens:
            raise ValueError(f"unexpected tokens: {self.tokens}")
        return result

    def _or(self, operand: Callable[[], bool]) -> bool:
        result = self._and(operand)
        while self._next("or"):
            result = self._and(operand) or result
        return result

    def _and(self, operand: Callable[[], bool]) -> bool:
        result = operand()
        while self._next("and"):
            result = operand() and result
        return result

    def _condition(self) -> bool:
        if self._next("("):
            return self._parenthesized(self._condition)
        name, sign = self.tokens.pop(0), self.tokens.pop(0)
        kind, value = field(name, self.event)
        if sign in COMPARISONS:
            limit = float(self.tokens.pop(0))
            return value is not None and COMPARISONS[sign](float(value), limit)
        if self._next("("):
            return self._parenthesized(lambda: _equal(kind, value, self.tokens.pop(0)))
        return _equal(kind, value, self.tokens.pop(0))

    def _parenthesized(self, operand: Callable[[], bool]) -> bool:
        result = self._or(operand)
        if not self._next(")"):
            raise ValueError(f"missing parenthesis before {self.tokens}")
        return result

    def _next(self, word: str) -> bool:
        is_next = self.tokens[:1] == [word]
        del self.tokens[: int(is_next)]
        return is_next


def field(name: str, event: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any]:
    """The mapping of a field in the index template, and its value in an event."""
    level: Mapping[str, Any] = {"properties": PROPERTIES}
    value: Any = event
    for part in name.split("."):
        if level.get("type") != "flattened":
            level = level["properties"][part]
        if level.get("type") == "alias":
            return field(level["path"], event)
        value = cast("Mapping[str, Any]", value).get(part) if isinstance(value, Mapping) else None
    return level, value


def _equal(kind: Mapping[str, Any], value: Any, literal: str) -> bool:
    if value is None:
        return False
    if literal == "*":
        return True
    words = literal.strip('"')
    if kind["type"] == "text":
        return _found(analyzed(kind["analyzer"], words), analyzed(kind["analyzer"], str(value)), literal[:1] == '"')
    if kind.get("normalizer") == "lowercase":
        return str(value).lower() == words.lower()
    return str(value) == words


def _found(wanted: list[str], tokens: list[str], phrase: bool) -> bool:
    """Whether a text has one of the tokens, or all of them in a row."""
    if not phrase:
        return not {*wanted}.isdisjoint(tokens)
    return any(tokens[at : at + len(wanted)] == wanted for at in range(len(tokens) - len(wanted) + 1))


HANGUL = "\uac00-\ud7a3"
SPLIT = re.compile(rf"[{HANGUL}]+|[^\W{HANGUL}]+(?:[.':][^\W{HANGUL}]+)*")
"""The tokenizer `standard`, as far as letters, digits and Hangul go: https://unicode.org/reports/tr29/#Word_Boundaries."""


def analyzed(analyzer: str, text: str) -> list[str]:
    """The tokens of a text by an analyzer of the index template, or by `standard`.

    Raises:
        ValueError: A filter is not emulated.
    """
    filters: list[str] = ["lowercase"] if analyzer == "standard" else ANALYSIS["analyzer"][analyzer]["filter"]
    tokens = SPLIT.findall(text)
    for name in filters:
        match name:
            case "lowercase":
                tokens = [token.lower() for token in tokens]
            case "cjk_width":
                tokens = [unicodedata.normalize("NFKC", token) for token in tokens]
            case "cjk_bigram":
                tokens = [pair for token in tokens for pair in _pairs(token)]
            case other:
                raise ValueError(f"not emulated: {other}")
    return tokens


def _pairs(token: str) -> list[str]:
    """Pairs of letters of a Korean word; a single letter, and any other word, as it is."""
    if len(token) == 1 or not re.fullmatch(rf"[{HANGUL}]+", token):
        return [token]
    return [token[at : at + 2] for at in range(len(token) - 1)]
