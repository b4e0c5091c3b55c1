"""The helpers of other tests record what was registered, and fail where nothing was checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi.runtime import is_dry_run
from pulumi.runtime.config import get_config
from pulumi.runtime.settings import get_root_resource

from tests.unit.program import run
from tools.program.graph import UNKNOWN, Graph, Reference, Secret, every
from tools.program.monitor import DuplicateUrnError, plain

SMALL = """
import pulumi

class Box(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("test:index:Box", name, {}, opts)
        if name != "open":
            self.register_outputs({"name": name})

class Thing(pulumi.CustomResource):
    made: pulumi.Output[str]

    def __init__(self, name, opts=None, **props):
        super().__init__("test:index:Thing", name, {**props, "arn": None}, opts)

box = Box("box")
first = Thing("first", plain=1, opts=pulumi.ResourceOptions(parent=box, protect=True, retain_on_delete=True))
second = Thing(
    "second",
    hidden=pulumi.Output.secret("shh"),
    first=first.id,
    resource=first,
    opts=pulumi.ResourceOptions(ignore_changes=["spec"]),
)
inner = Thing("inner", opts=pulumi.ResourceOptions(parent=Box("open", pulumi.ResourceOptions(depends_on=[second]))))
pulumi.export("id", first.id)
pulumi.export("hidden", pulumi.Output.secret("shh"))
"""


def small(tmp_path: Path, *, more: str = "", preview: bool = False) -> Graph:
    program = tmp_path / "program.py"
    program.write_text(SMALL + more, encoding="utf-8")
    return run(program, stack="test", settings={"hello-platform:region": "here"}, preview=preview)


def test_an_invariant_over_nothing_fails() -> None:
    with pytest.raises(AssertionError, match="nothing was checked: there is no Ingress"):
        every([], "Ingress")
    assert every(iter([1, 2])) == [1, 2]


def test_a_selection_that_finds_nothing_fails(tmp_path: Path) -> None:
    graph = small(tmp_path)
    for select in (
        lambda: graph.of_type("test:index:Other"),
        lambda: graph.named("test:index:Thing", "third"),
        lambda: graph.of_kind("Service"),
        lambda: graph.children(graph.named("test:index:Thing", "second")),
        graph.objects,
    ):
        with pytest.raises(AssertionError, match="nothing was checked"):
            select()


def test_two_resources_of_one_urn_fail(tmp_path: Path) -> None:
    with pytest.raises(DuplicateUrnError, match="Thing::second"):
        small(tmp_path, more="Thing('second')")


def test_two_resources_of_one_name_under_different_parents_stand_beside_each_other(tmp_path: Path) -> None:
    graph = small(tmp_path, more="Thing('second', opts=pulumi.ResourceOptions(parent=box))")
    assert len([one for one in graph.of_type("test:index:Thing") if one.name == "second"]) == 2


def test_an_error_of_the_program_reaches_the_test(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        small(tmp_path, more="1 / 0")
    with pytest.raises(ZeroDivisionError):
        small(tmp_path, more="first.id.apply(lambda known: 1 / 0)")


def test_inputs_options_parents_and_outputs_are_recorded(tmp_path: Path) -> None:
    graph = small(tmp_path)
    box = graph.named("test:index:Box", "box")
    first, second = (graph.named("test:index:Thing", name) for name in ("first", "second"))
    assert first.parent == box.urn
    assert (first.protect, first.retain_on_delete, first.ignore_changes) == (True, True, ())
    assert (second.protect, second.retain_on_delete, second.ignore_changes) == (False, False, ("spec",))
    assert first.inputs == {"plain": 1}
    assert second.inputs["hidden"] == Secret("shh")
    assert second.inputs["resource"] == Reference(first.urn)
    assert second.dependencies == {first.urn}
    inner = graph.named("test:index:Thing", "inner")
    assert not inner.dependencies
    assert graph.comes_after(inner) == {second.urn}
    assert box.outputs == {"name": "box"}
    assert graph.named("test:index:Box", "open").outputs is None
    assert graph.outputs["hidden"] == Secret("shh")
    assert graph.outputs["id"] == second.inputs["first"] != UNKNOWN


def test_a_preview_knows_no_id(tmp_path: Path) -> None:
    graph = small(tmp_path, preview=True)
    assert graph.outputs["id"] == UNKNOWN
    assert graph.named("test:index:Thing", "second").inputs["first"] == UNKNOWN


def test_a_run_leaves_nothing_behind(tmp_path: Path) -> None:
    small(tmp_path, preview=True)
    assert not is_dry_run()
    assert get_root_resource() is None
    assert get_config("hello-platform:region") is None


def test_a_value_of_an_unknown_kind_is_no_plain_value() -> None:
    with pytest.raises(AssertionError, match="no test knows"):
        plain({"4dabf18193072939515e22adb298388d": "something new"})
