"""Conditions of rules, and AWS's refusals."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.errors import RehearsalError
from rehearsal.front_door.conditions import acls, pattern, quoted
from tests.unit.rehearsal.front_door.account import condition

ON = "Rule public:1"


def refusal(*described: dict[str, Any]) -> str:
    with pytest.raises(RehearsalError) as refused:
        acls(described, on=ON)
    assert refused.value.problem.startswith(f"{ON}: ")
    return refused.value.problem


def fits(wildcards: str, text: str) -> bool:
    """What a text with wildcards means, letter by letter."""
    if not wildcards:
        return not text
    if wildcards[0] == "*":
        return any(fits(wildcards[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and wildcards[0] in ("?", text[0]) and fits(wildcards[1:], text[1:])


@given(st.text("ab.*?/$(", max_size=8), st.text("ab./$(", max_size=8))
def test_a_pattern_means_what_its_wildcards_do_and_no_other_character_means_anything(wildcards: str, text: str) -> None:
    assert (re.search(pattern(wildcards), text) is not None) == fits(wildcards, text)


def test_an_escaped_wildcard_is_itself() -> None:
    assert re.match(pattern(r"a\*b"), "a*b")
    assert not re.match(pattern(r"a\*b"), "axb")


@given(st.text(st.characters(max_codepoint=126), max_size=20))
def test_a_quoted_word_is_one_word_of_the_configuration(text: str) -> None:
    assert unquoted(quoted(text)) == text


def unquoted(word: str) -> str:
    """The one word that HAProxy reads: https://docs.haproxy.org/2.6/configuration.html#2.2 ."""
    found, inside, at = "", False, 0
    while at < len(word):
        if word[at] == "'":
            inside = not inside
        elif word[at] == "\\" and not inside:
            at += 1
            found += {"n": "\n", "r": "\r"}.get(word[at], word[at])
        else:
            assert inside or word[at] not in ' \t\n\r#"$', "the word ends here"
            assert word[at] not in "\n\r", "the line ends here"
            found += word[at]
        at += 1
    assert not inside
    return found


ACLS = {
    "{ var(txn.host) -m reg -i -- '^a\\.example\\.com$' '^.*\\.b\\.org$' }": condition(
        "host-header", "a.example.com", "*.b.org"
    ),
    "{ path -m reg -- '^/Api$' '^/Api/.*$' }": condition("path-pattern", "/Api", "/Api/*"),
    "{ req.fhdr(X-Preview) -m reg -i -- '^idle$' '^.*b=1.*$' }": condition(
        "http-header", "idle", "*b=1*", HttpHeaderName="X-Preview"
    ),
    "{ src -- '127.0.0.1' '192.0.2.0/24' '2001:db8::/32' }": condition("source-ip", "192.0.2.0/24", "2001:db8::/32"),
}


@pytest.mark.parametrize("text", ACLS)
def test_each_condition_is_asked_as_aws_asks_it(text: str) -> None:
    assert acls([ACLS[text]], on=ON) == [text]


REFUSALS: dict[str, list[dict[str, Any]]] = {
    "condition http-header: nobody knows here what RegexValues means": [
        condition("http-header", "x", HttpHeaderName="X", RegexValues=["x"])
    ],
    "condition query-string: nobody knows": [condition("query-string", "x")],
    "nobody knows here what RegexValues means": [
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"], "RegexValues": ["a"]}}
    ],
    "nobody knows here what OtherConfig means": [{**condition("path-pattern", "/a"), "OtherConfig": {"Values": ["b"]}}],
    "a condition has 1-3 values, this one 4": [condition("path-pattern", "/a", "/b", "/c", "/d")],
    "a condition has 1-3 values, this one 0": [condition("path-pattern")],
    "at most 5 values, this one 6": [
        condition("host-header", "a.com", "b.com"),
        condition("path-pattern", "/a", "/b"),
        condition("source-ip", "192.0.2.0/26", "192.0.2.64/26"),
    ],
    "at most 5 wildcards": [condition("path-pattern", "/*/*/*", "/*/?/*")],
    "a rule has one condition path-pattern at most": [condition("path-pattern", "/a"), condition("path-pattern", "/b")],
    "only visible characters": [condition("path-pattern", "/\N{LATIN SMALL LETTER A WITH ACUTE}")],
}


@pytest.mark.parametrize("problem", REFUSALS)
def test_what_aws_refuses_or_nobody_knows_here_is_refused_by_name(problem: str) -> None:
    assert problem in refusal(*REFUSALS[problem])
