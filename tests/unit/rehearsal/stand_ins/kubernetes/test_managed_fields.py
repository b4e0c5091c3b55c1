"""Who owns what, and what an apply therefore says."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rehearsal.stand_ins.kubernetes.managed_fields import adopted, owns, union, without_ignored

OURS, THEIRS = "pulumi-kubernetes-12345678", "release"

steps = st.sampled_from(["f:a", "f:b", "f:c", 'k:{"name":"x"}'])
NOTHING: dict[str, Any] = {}


def _below(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(steps, inner, min_size=1, max_size=3).map(_as_member)


def _as_member(tree: dict[str, Any]) -> dict[str, Any]:
    return {".": {}, **tree}


trees: st.SearchStrategy[dict[str, Any]] = st.recursive(st.just(NOTHING), _below, max_leaves=6)
paths = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3)


def entry(manager: str, fields: dict[str, Any], operation: str = "Apply", **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def live(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "api", "managedFields": list(entries)}, **fields}


def ignoring(inputs: dict[str, Any], obj: dict[str, Any], *paths: str) -> dict[str, Any]:
    return without_ignored(inputs, obj, manager=OURS, ignore_changes=paths)


@given(trees, trees, paths)
def test_a_union_owns_what_either_owns(one: dict[str, Any], other: dict[str, Any], path: list[str]) -> None:
    assert owns(union(one, other), path) == (owns(one, path) or owns(other, path))


@given(trees, trees)
def test_a_union_does_not_depend_on_the_order_and_repeats_nothing(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert union(one, other) == union(other, one)
    assert union(one, one) == one


def test_what_only_others_own_is_left_out() -> None:
    obj = live(entry(THEIRS, {"f:spec": {"f:replicas": {}}}), spec={"replicas": 3})
    assert ignoring({"spec": {"replicas": 0, "paused": False}}, obj, "spec.replicas") == {"spec": {"paused": False}}


def test_what_we_own_too_is_applied_as_it_is_live() -> None:
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    obj = live(entry(THEIRS, fields), entry(OURS, fields), spec={"replicas": 3})
    assert ignoring({"spec": {"replicas": 0}}, obj, "spec.replicas") == {"spec": {"replicas": 3}}


def test_what_nobody_made_yet_is_applied_as_given() -> None:
    assert ignoring({"spec": {"replicas": 0}}, live(spec={}), "spec.replicas") == {"spec": {"replicas": 0}}


def test_a_path_with_an_index_is_not_understood_as_in_the_real_provider() -> None:
    fields: dict[str, Any] = {"f:spec": {"f:containers": {'k:{"name":"api"}': {".": {}, "f:image": {}}}}}
    inputs = {"spec": {"containers": [{"name": "api", "image": "img:1"}]}}
    obj = live(entry(THEIRS, fields), spec={"containers": [{"name": "api", "image": "img:2"}]})
    assert ignoring(inputs, obj, "spec.containers[0].image") == inputs


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)), st.sampled_from("abc"), st.booleans(), st.booleans())
def test_an_ignored_value_is_never_applied_as_given_where_a_live_one_exists(
    spec: dict[str, int], name: str, ours: bool, theirs: bool
) -> None:
    fields: dict[str, Any] = {"f:spec": {f"f:{name}": {}}}
    entries = [entry(OURS, fields)] * ours + [entry(THEIRS, fields)] * theirs
    inputs = {"spec": {**spec, name: 99}}
    result = ignoring(inputs, live(*entries, spec={**spec, name: 7}), f"spec.{name}")["spec"]
    assert result.get(name, 7) == 7
    assert {key: value for key, value in result.items() if key != name} == {
        key: value for key, value in spec.items() if key != name
    }
    assert inputs["spec"][name] == 99


def test_the_creations_fields_become_the_resources_own() -> None:
    created = entry("pulumi-kubernetes", {"f:spec": {"f:a": {}}}, "Update")
    other = entry(THEIRS, {"f:spec": {"f:b": {}}})
    assert adopted([created, other], OURS) == [other, entry(OURS, {"f:spec": {"f:a": {}}})]
    assert adopted([other, entry(OURS, {"f:spec": {}})], OURS) is None


def test_what_kubectl_changed_since_is_merged_into_the_resources_own() -> None:
    own = entry(OURS, {"f:spec": {"f:a": {}}})
    by_hand = entry("kubectl-patch", {"f:spec": {"f:b": {}}}, "Update")
    merged = adopted([own, by_hand], OURS)
    assert merged == [entry(OURS, {"f:spec": {"f:a": {}, "f:b": {}}})]


def test_a_status_is_nobodys_to_take_over() -> None:
    status = entry("kubectl-edit", {"f:status": {}}, "Update", subresource="status")
    assert adopted([status], OURS) is None
