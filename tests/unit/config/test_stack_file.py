"""A stack's file as YAML reads it, and keys that are there twice."""

from __future__ import annotations

import pytest
import yaml

from config import stack_file

TWICE = """
config:
  hello-platform:services:
    api: {port: 8080}
  hello-platform:domain: hello.example.com
  hello-platform:services:
    search: {port: 8081}
"""


def test_a_key_that_is_there_twice_is_refused_with_both_lines() -> None:
    with pytest.raises(yaml.YAMLError, match="hello-platform:services is there twice, in line 3 and in line 6"):
        stack_file.parse(TWICE)


@pytest.mark.parametrize("text", ["a: {b: 1, b: 2}", "a: {b: 1, b: 1}", "- {b: 1, 'b': 2}", "a:\n  b: 1\n  b: 2"])
def test_wherever_it_is(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="b is there twice"):
        stack_file.parse(text)


@pytest.mark.parametrize(
    "text", ["a: {b: 1}\nc: {b: 1}", "[{b: 1}, {b: 1}]", "a: b\nb: a", "x: &x {a: 1}\ny: {<<: *x, b: 2}"]
)
def test_the_same_key_in_two_places_is_not(text: str) -> None:
    assert stack_file.parse(text) == yaml.safe_load(text)
