"""A change of inputs is located, and replaces the resource if it cannot be changed in place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.emulators.aws.kinds import KINDS
from rehearsal.emulators.aws.lifecycle import difference
from rehearsal.emulators.aws.properties import DEFAULTED, UNKNOWN, changed_paths, from_struct, known_values, to_struct

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
BAGS = st.dictionaries(st.text("abc", min_size=1, max_size=2), VALUES, max_size=4)


@given(BAGS)
def test_a_bag_survives_the_message_it_travels_in(bag: dict[str, Any]) -> None:
    assert from_struct(to_struct(bag)) == bag


@given(BAGS)
def test_a_bag_does_not_differ_from_itself(bag: dict[str, Any]) -> None:
    assert list(changed_paths(bag, bag)) == []


@given(BAGS, st.text("abc", min_size=1, max_size=2), VALUES.filter(lambda value: value is not None))
def test_a_property_that_is_set_anew_is_where_the_bags_differ(bag: dict[str, Any], name: str, value: Any) -> None:
    old, new = {**bag, name: None}, {**bag, name: value}
    assert list(changed_paths(old, new)) == [name]
    assert list(changed_paths(new, old)) == [name]


@pytest.mark.parametrize(
    ("type_token", "old", "new", "paths"),
    [
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "a"}, {"cidrBlock": "b"}, {"cidrBlock": True}),
        ("aws:ec2/vpc:Vpc", {"tags": {"a": "1"}}, {"tags": {"a": "2"}}, {"tags.a": False}),
        ("aws:ec2/vpc:Vpc", {"tags": {"a": "1"}}, {}, {"tags": False}),
        ("aws:ec2/subnet:Subnet", {"vpcId": "vpc-1"}, {"vpcId": UNKNOWN}, {"vpcId": True}),
        (
            "aws:eks/nodeGroup:NodeGroup",
            {"scalingConfig": {"minSize": 1, "maxSize": 2}},
            {"scalingConfig": {"minSize": 1, "maxSize": 3}},
            {"scalingConfig.maxSize": False},
        ),
        ("aws:eks/nodeGroup:NodeGroup", {"subnetIds": ["a"]}, {"subnetIds": ["a", "b"]}, {"subnetIds[1]": True}),
        (
            "aws:eks/nodeGroup:NodeGroup",
            {"launchTemplate": {"id": "a", "version": "1"}},
            {"launchTemplate": {"id": "a", "version": "2"}},
            {"launchTemplate.version": False},
        ),
        ("aws:eks/nodeGroup:NodeGroup", {}, {"launchTemplate": {"id": "a"}}, {"launchTemplate": True}),
        ("aws:iam/role:Role", {"name": "a", DEFAULTED: ["name"]}, {"name": "a"}, {}),
    ],
)
def test_a_change_replaces_only_where_it_must(
    type_token: str, old: dict[str, Any], new: dict[str, Any], paths: dict[str, bool]
) -> None:
    found = difference(KINDS[type_token], old, new)
    assert found.paths == paths


@pytest.mark.parametrize(
    ("old", "new", "delete_first"),
    [
        ({"name": "a", "path": "/x/"}, {"name": "a", "path": "/y/"}, True),
        ({"name": "a", "path": "/x/"}, {"name": "b", "path": "/y/"}, False),
        ({"name": "a", "path": "/x/", DEFAULTED: ["name"]}, {"name": "a", "path": "/y/", DEFAULTED: ["name"]}, False),
    ],
)
def test_the_old_one_goes_first_only_where_both_would_have_one_given_name(
    old: dict[str, Any], new: dict[str, Any], delete_first: bool
) -> None:
    assert difference(KINDS["aws:iam/role:Role"], old, new).delete_first is delete_first


def test_values_are_found_through_lists() -> None:
    bag = {"a": [{"b": [1, UNKNOWN]}, {"b": 2}, {"c": 3}, UNKNOWN], "d": None}
    assert list(known_values(bag, "a.b")) == [1, 2]
    assert list(known_values(bag, "d")) == []
    assert list(known_values(bag, "a.b.c")) == []
