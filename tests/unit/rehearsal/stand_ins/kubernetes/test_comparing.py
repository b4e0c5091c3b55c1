"""Paths, changes, replacements."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.stand_ins.kubernetes.checkpoints import Checkpoint
from rehearsal.stand_ins.kubernetes.comparing import Comparison, compared
from rehearsal.stand_ins.kubernetes.differences import Kind
from rehearsal.stand_ins.kubernetes.paths import contains, parse, render
from rehearsal.stand_ins.kubernetes.properties import UNKNOWN
from rehearsal.stand_ins.kubernetes.replacements import Mutability, replacing_fields, touches

names = st.text('ab./"[]-', min_size=1, max_size=6).filter(lambda name: name != "*")
paths = st.lists(st.one_of(names, st.integers(0, 9)), min_size=1, max_size=5).map(tuple)


@given(paths)
def test_a_path_is_read_as_it_was_written(path: tuple[str | int, ...]) -> None:
    assert parse(render(path)) == path


@pytest.mark.parametrize("text", ["a[", "a[x]", 'a["b]', "]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no property path"):
        parse(text)


def test_a_path_contains_what_is_below_it_and_stars_stand_for_any_step() -> None:
    assert contains(parse("spec"), parse("spec.template.spec"))
    assert contains(parse("spec.containers[*].image"), parse("spec.containers[1].image"))
    assert not contains(parse("spec.selector"), parse("spec"))


def difference(
    live: dict[str, Any],
    inputs: dict[str, Any],
    *ignored: str,
    old: dict[str, Any] | None = None,
    kind: str = "Service",
) -> Comparison:
    api_version = "apps/v1" if kind == "Deployment" else "v1"
    base = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "api", "namespace": "dev"}}
    return compared(
        Checkpoint({**base, **(inputs if old is None else old)}, {**base, **live}, api_version, "m"),
        {**base, **inputs},
        ignore_changes=ignored,
        namespaced=True,
        mutability=Mutability(),
    )


def changes(comparison: Comparison) -> dict[str, str]:
    return {render(change.path): change.kind.value for change in comparison.changes}


def test_what_the_cluster_filled_in_is_no_change() -> None:
    assert changes(difference({"spec": {"a": 1, "clusterIP": "10.0.0.1"}}, {"spec": {"a": 1}})) == {}


def test_changes_are_told_by_path() -> None:
    comparison = difference(
        {"spec": {"a": 1, "b": 2, "list": [1, 2], "map": {"x": 1}}},
        {"spec": {"a": 2, "c": 3, "list": [1], "map": {"x": UNKNOWN}}},
        old={"spec": {"a": 1, "b": 2, "list": [1, 2], "map": {"x": 1}}},
    )
    assert changes(comparison) == {
        "spec.a": Kind.UPDATE.value,
        "spec.b": Kind.DELETE.value,
        "spec.c": Kind.ADD.value,
        "spec.list[1]": Kind.DELETE.value,
        "spec.map.x": Kind.UPDATE.value,
    }


def test_changes_of_ignored_values_do_not_count() -> None:
    assert changes(difference({"spec": {"a": 1}}, {"spec": {"a": 2}}, "spec", old={"spec": {"a": 1}})) == {}


def test_a_replacement_under_the_same_name_deletes_first() -> None:
    comparison = difference(
        {"spec": {"selector": {"matchLabels": {"app": "a"}}}},
        {"spec": {"selector": {"matchLabels": {"app": "b"}}}},
        kind="Deployment",
    )
    assert [render(change.path) for change in comparison.replacing] == ["spec.selector.matchLabels.app"]
    assert comparison.delete_first


def test_a_generated_name_lets_the_successor_come_first() -> None:
    autonamed = {"metadata": {"name": "api", "namespace": "dev", "annotations": {"pulumi.com/autonamed": "true"}}}
    comparison = difference({**autonamed, "data": {"a": "1"}}, {**autonamed, "data": {"a": "2"}}, kind="ConfigMap")
    assert comparison.replacing
    assert not comparison.delete_first


def test_another_name_or_namespace_is_another_object() -> None:
    comparison = difference({}, {"metadata": {"name": "api", "namespace": "prod"}})
    assert [render(change.path) for change in comparison.replacing] == ["metadata.namespace"]
    assert not comparison.delete_first


def config(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", **more}


def test_data_is_replaced_unless_the_provider_says_it_is_mutable_and_the_object_agrees() -> None:
    mutable = Mutability(config_maps=True, secrets=True)
    assert ("data",) in replacing_fields(config(), Mutability())
    assert ("data",) not in replacing_fields(config(), mutable)
    assert ("data",) in replacing_fields(config(immutable=True), mutable)
    assert ("data",) in replacing_fields({"apiVersion": "v1", "kind": "Secret"}, Mutability(config_maps=True))


@pytest.mark.parametrize(
    ("path", "value", "field", "reached"),
    [
        ("spec.selector.matchLabels.app", "b", "spec.selector", True),
        ("spec", {"selector": {}}, "spec.selector", True),
        ("spec", {"replicas": 1}, "spec.selector", False),
        ("spec", None, "spec.selector", False),
        ("spec.containers[0].image", "b", "spec.containers[*].image", True),
        ("spec.containers", [{"name": "a"}, {"image": "b"}], "spec.containers[*].image", True),
        ("spec.containers[0].name", "b", "spec.containers[*].image", False),
    ],
)
def test_a_change_reaches_a_field_from_inside_or_brings_it_along(
    path: str, value: Any, field: str, reached: bool
) -> None:
    assert touches(parse(path), value, parse(field)) is reached
