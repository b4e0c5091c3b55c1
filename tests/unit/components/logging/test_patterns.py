"""No regular expression of the configuration takes long for any line, and each means the same in Ruby and in Python."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from components.logging.fluentd.syntax import Section
from tests.unit.components.logging.fluentd_grammar import parse, pattern
from tests.unit.components.logging.golden_lines import TEXT
from tools.program.graph import every

PARAMETERS = (
    *("expression", "pattern"),
    *("multiline_start_regexp", "continuous_line_regexp", "multiline_end_regexp"),
)
LENGTH = 16384
"""A line as long as the container runtime writes one."""

SECONDS = 0.25
"""CPU time for a hostile line: fifty times what the slowest pattern takes on a slow machine."""

UNITS = (
    *(
        "a",
        " ",
        "\n",
        "\t",
        "a.",
        "A:",
        "a:\n",
        "[",
        "[a",
        "a\n",
        "1",
        "1 ",
        "4111 ",
        "010-",
        '"',
        "\\",
        '\\"',
        "{",
        "{}",
    ),
    *('"level":', '"log":{', "level=", "password=", "password: ", "password=a", '"password":{', '"password":["a",'),
    *("://", "://a:", "://a:@", "@", "a@", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "eyJ", "eyJaaaaa.", "sk-"),
    *(
        "Traceback (most recent call last):\n",
        "\n\tat ",
        "a\n at ",
        "\n  File ",
        "at (",
        "ERROR ",
        "[error",
        "\t/a.go:1\n",
    ),
    *(
        "가",
        "비밀번호",
        "비밀번호: ",
        "Authorization:",
        "Bearer ",
        "Cookie:",
        "a_",
        "a-",
        "token",
        "=a&",
        "%",
        "/",
        "</",
    ),
    *("\x1b[", "<password>", "--password ", "key_", "Key", "<<hide>>", '<<hide>>"', "<<hide>>{"),
)
"""What a hostile line repeats."""


def patterns(section: Section) -> Iterator[str]:
    for part in section.sections:
        yield from (part.parameters[name] for name in PARAMETERS if name in part.parameters)
        yield from patterns(part)


PATTERNS = sorted({*every(patterns(parse(TEXT)))})


@pytest.mark.parametrize("raw", PATTERNS, ids=lambda raw: raw[:50])
def test_no_line_keeps_a_pattern_busy(raw: str) -> None:
    compiled = pattern(raw)
    for unit in UNITS:
        for before in ("", '{"', "ERROR "):
            line = (before + unit * LENGTH)[:LENGTH]
            start = time.process_time()
            compiled.sub("", line)
            assert time.process_time() - start < SECONDS, (before, unit)


def test_a_pattern_that_blows_up_is_noticed() -> None:
    with pytest.raises(AssertionError):
        test_no_line_keeps_a_pattern_busy(r"/[a-z]+\d|\s+x/")


@pytest.mark.parametrize("raw", ["/a$/", "/^a/", "/[a&&b]/", "/[a[b]]/", "/a{1,3}+/", "a"])
def test_what_ruby_and_python_understand_differently_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match=r"Ruby|not a regular expression"):
        pattern(raw)


def test_a_word_ends_beside_a_letter_of_any_language() -> None:
    # `"한ERROR" =~ /\bERROR/` is nil in Ruby 3.4, though `\w` has no Korean letters there.
    assert not pattern(r"/\bERROR\b/").search("한ERROR")
    assert pattern(r"/(?<!\w)ERROR(?!\w)/").search("한ERROR")
    assert re.search(r"\bERROR", "한ERROR", re.ASCII)
