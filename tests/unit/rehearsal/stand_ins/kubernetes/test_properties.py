"""Property bags on the wire and back."""

from __future__ import annotations

from typing import Any

from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.stand_ins.kubernetes.properties import (
    UNKNOWN,
    Secret,
    decode,
    encode,
    has_unknown,
    revealed,
    with_secrets_of,
)

names = st.text("abcxyz", min_size=1, max_size=3)
leaves = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=5), st.just(UNKNOWN))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3), st.builds(Secret, inner)
    ),
    max_leaves=10,
)
bags = st.dictionaries(names, values, max_size=4)


@given(bags)
def test_what_is_encoded_is_decoded_again(bag: dict[str, Any]) -> None:
    assert decode(encode(bag)) == bag


@given(bags)
def test_every_encoded_value_says_what_it_is(bag: dict[str, Any]) -> None:
    def check(value: struct_pb2.Value) -> None:
        assert value.WhichOneof("kind") is not None
        for inner in (*value.list_value.values, *value.struct_value.fields.values()):
            check(inner)

    message = struct_pb2.Struct.FromString(encode(bag).SerializeToString())
    for value in message.fields.values():
        check(value)


def test_empty_lists_and_objects_reach_the_engine_as_such() -> None:
    message = struct_pb2.Struct.FromString(encode({"list": [], "object": {}}).SerializeToString())
    assert {key: value.WhichOneof("kind") for key, value in message.fields.items()} == {
        "list": "list_value",
        "object": "struct_value",
    }


@given(bags)
def test_nothing_revealed_is_secret(bag: dict[str, Any]) -> None:
    assert "Secret(" not in repr(revealed(bag))


def test_a_null_is_as_if_it_had_not_been_given() -> None:
    struct = struct_pb2.Struct()
    struct.fields["gone"].null_value = struct_pb2.NULL_VALUE
    struct.fields["here"].number_value = 1
    assert decode(struct) == {"here": 1}


def test_unknown_values_are_found_at_any_depth() -> None:
    assert has_unknown({"a": [{"b": Secret(UNKNOWN)}]})
    assert not has_unknown({"a": [{"b": Secret(1)}]})


def test_secrecy_follows_objects_and_covers_lists_whole() -> None:
    marked = with_secrets_of({"a": {"b": 1, "c": 2}, "l": [1, 2]}, {"a": {"b": Secret(1)}, "l": [1, Secret(2)]})
    assert marked == {"a": {"b": Secret(1), "c": 2}, "l": Secret([1, 2])}


def test_the_data_of_a_secret_are_secret_whoever_gave_them() -> None:
    marked = with_secrets_of({"kind": "Secret", "data": {"a": "eA=="}, "type": "Opaque"}, {"kind": "Secret"})
    assert marked == {"kind": "Secret", "data": Secret({"a": "eA=="}), "type": "Opaque"}
