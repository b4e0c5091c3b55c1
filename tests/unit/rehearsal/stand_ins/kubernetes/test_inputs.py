"""Inputs in the API server's form, and what of a live object they speak about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from rehearsal.stand_ins.kubernetes.inputs import normalized, pruned, with_what_the_server_drops
from rehearsal.stand_ins.kubernetes.properties import UNKNOWN
from rehearsal.stand_ins.kubernetes.quantities import canonical

names = st.text("abc", min_size=1, max_size=2)
objects = st.recursive(
    st.one_of(st.booleans(), st.integers(0, 3), st.text("xy", max_size=2)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=10,
)
bags = st.dictionaries(names, objects, max_size=4)


@pytest.mark.parametrize(
    ("given_as", "comes_back"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1500m", "1500m"),
        ("2000", "2k"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1500Mi", "1500Mi"),
        ("1Ki", "1Ki"),
        ("0", "0"),
        ("1e3", "1e3"),
        ("100", "100"),
        ("half", "half"),
    ],
)
def test_quantities_come_back_as_the_api_server_writes_them(given_as: str, comes_back: str) -> None:
    assert canonical(given_as) == comes_back


# A binary amount that 1024 does not divide loses its unit, and a number without one is decimal when it is read again.
@example(127437, "Ki", ".5")
@given(
    st.integers(0, 10**6),
    st.sampled_from(["", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi"]),
    st.sampled_from(["", ".5", ".25"]),
)
def test_a_canonical_quantity_is_the_same_amount_and_canonical(whole: int, unit: str, fraction: str) -> None:
    quantity = f"{whole}{fraction}{unit}"
    result = canonical(quantity)
    assert canonical(result) == result or (unit.endswith("i") and result.isdigit())
    amount, wanted = Decimal(str(parse_quantity(result))), Decimal(str(parse_quantity(quantity)))
    assert wanted <= amount < wanted + max(Decimal(1) if unit.endswith("i") else Decimal(0), Decimal("1e-9"))


def test_quantities_are_normalized_where_they_are_quantities_only() -> None:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"labels": {"limits": "1000m"}, "uid": "x"},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"resources": {"limits": {"cpu": "1000m"}}, "env": [{"name": "value", "value": "1000m"}]}
                    ],
                    "volumes": [{"emptyDir": {"sizeLimit": "1024Mi"}}],
                }
            }
        },
    }
    result: Any = normalized(deployment)
    spec = result["spec"]["template"]["spec"]
    assert spec["containers"][0]["resources"] == {"limits": {"cpu": "1"}}
    assert spec["containers"][0]["env"] == [{"name": "value", "value": "1000m"}]
    assert spec["volumes"] == [{"emptyDir": {"sizeLimit": "1Gi"}}]
    assert result["metadata"] == {"labels": {"limits": "1000m"}}


def test_custom_resources_and_unknown_values_are_left_as_they_are() -> None:
    custom = {"apiVersion": "example.org/v1", "kind": "X", "spec": {"requests": {"cpu": "1000m"}}}
    assert normalized(custom) == custom
    early = {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": UNKNOWN}}
    assert normalized(early) == early


def test_a_secrets_strings_become_data_and_win_over_them() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA==\n", "b": "eA=="}, "stringData": {"b": "y"}}
    assert normalized(secret) == {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA==", "b": "eQ=="}}


@given(bags)
def test_an_object_pruned_to_itself_is_itself(bag: dict[str, Any]) -> None:
    assert pruned(bag, bag) == bag


@given(bags, bags)
def test_pruning_keeps_only_what_the_inputs_name(live: dict[str, Any], inputs: dict[str, Any]) -> None:
    result = pruned(live, inputs)
    assert set(result) == set(live) & set(inputs)
    assert pruned(result, inputs) == result


def test_what_the_server_never_kept_is_no_change_and_what_was_taken_away_is() -> None:
    inputs = {"apiVersion": "v1", "spec": {"hostNetwork": False, "a": 1, "b": 2}}
    before = {"apiVersion": "v1", "spec": {"a": 1, "b": 2, "defaulted": 3}}
    now = {"apiVersion": "v1", "spec": {"a": 1, "defaulted": 3}}
    completed = with_what_the_server_drops(pruned(now, inputs), inputs, before)
    assert completed == {"apiVersion": "v1", "spec": {"a": 1, "hostNetwork": False}}


def test_a_custom_resource_keeps_everything_so_nothing_counts_as_dropped() -> None:
    inputs = {"apiVersion": "example.org/v1", "spec": {"a": 0}}
    assert with_what_the_server_drops({"spec": {}}, inputs, {"spec": {}}) == {"spec": {}}
