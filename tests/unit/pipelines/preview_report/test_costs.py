"""What a change costs, from the events of its preview."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

import config
from pipelines.costs import HOURS, Prices, difference, items, one_more
from pipelines.preview_report import screen
from pipelines.preview_report.costs import sentence
from pipelines.preview_report.events import Preview, read
from pipelines.preview_report.markdown import render
from tests.unit.program import configured, stack_config
from tools.program.graph import Graph, Registration

TABLE = Prices.read()


def graph(**changes: dict[str, Any]) -> Graph:
    """A stack with other settings, by their keys under the top-level one."""
    settings = stack_config("dev")
    for key, value in changes.items():
        name = f"{config.PROJECT}:{key}"
        settings[name] = json.dumps({**json.loads(settings[name]), **value})
    return configured(settings)


def nodes(environment: str, **values: object) -> dict[str, Any]:
    """The setting `environments` with other nodes of one."""
    environments = json.loads(stack_config("dev")[f"{config.PROJECT}:environments"])
    environments[environment]["nodes"].update(values)
    return environments


def states(of: Graph | None) -> dict[str, Registration]:
    """The resources as the engine has them: a managed node group has a group of its own, with the inputs."""
    found = dict(of.resources) if of else {}
    for one in list(found.values()):
        if one.type == "eks:index:ManagedNodeGroup":
            urn = f"{one.urn}$aws:eks/nodeGroup:NodeGroup"
            found[urn] = replace(one, type="aws:eks/nodeGroup:NodeGroup", urn=urn, parent=one.urn)
    return found


def preview(before: Graph | None, after: Graph | None) -> Preview:
    """The preview of a change from one to the other, through the engine's events."""
    old, new = states(before), states(after)

    def events() -> Iterable[str]:
        for urn in dict.fromkeys([*old, *new]):
            one = new.get(urn) or old[urn]
            op = "same" if urn in old and urn in new else "create" if urn in new else "delete"
            metadata: dict[str, Any] = {"op": op, "urn": urn, "type": one.type}
            for side, found in (("old", old), ("new", new)):
                if urn in found:
                    metadata[side] = {"parent": found[urn].parent, "inputs": dict(found[urn].inputs)}
            yield json.dumps({"resourcePreEvent": {"metadata": metadata}}, default=str)
        yield json.dumps({"summaryEvent": {"result": "succeeded"}})

    return read(events())


def test_a_node_more_costs_what_a_node_costs() -> None:
    before, after = graph(), graph(environments=nodes("prod", desired=3, max=4))
    old = next(one for one in items(before.resources.values(), TABLE) if one.part == "nodes of prod")
    each = one_more(list(items(before.resources.values(), TABLE)))["a node of prod (environments.prod.nodes)"]
    text = sentence(preview(before, after)) or ""
    assert text.startswith(f"This change: +${each * (3 - old.number):,.0f} a month before use (")
    assert "on demand (nodes of prod)" in text
    assert f"List prices of {TABLE.region}, {TABLE.date}." in text


def test_less_costs_less_and_the_whole_stack_what_make_costs_says() -> None:
    less = sentence(preview(graph(network={"natGateways": "per-zone"}), graph(network={"natGateways": "single"})))
    assert less is not None
    assert less.startswith("This change: -$")
    month = sum(item.month for item in items(graph().resources.values(), TABLE))
    assert f"+${month:,.0f} a month" in (sentence(preview(None, graph())) or "")
    assert f"-${month:,.0f} a month" in (sentence(preview(graph(), None)) or "")


def test_a_change_that_costs_nothing_has_no_line() -> None:
    same = preview(graph(), graph(logs={"snapshotDays": 9}))
    assert sentence(same) is None
    assert "This change" not in render(same, "dev")


def test_a_type_without_a_price_is_named() -> None:
    text = sentence(preview(graph(), graph(environments=nodes("prod", instanceType="x2iedn.xlarge")))) or ""
    assert "no price is known of x2iedn.xlarge, on demand" in text


@pytest.mark.parametrize("hidden", [{"values": "[secret]"}, {}], ids=["masked", "none"])
def test_values_that_are_hidden_are_no_error(hidden: dict[str, Any]) -> None:
    found = states(graph())
    for urn, one in found.items():
        if one.type == "kubernetes:helm.sh/v3:Release":
            found[urn] = replace(one, inputs=hidden)
    assert all("jenkins" not in item.what for item in items(found.values(), TABLE))


def test_comment_and_screen_have_it() -> None:
    found = preview(graph(), graph(network={"natGateways": "per-zone"}))
    text = str(difference(found.before, found.after, TABLE))
    assert text in render(found, "dev")
    console = Console(file=StringIO(), width=200)
    screen.show(console, "dev", found, verbose=False)
    assert text in console.file.getvalue()  # type: ignore[attr-defined]


def test_an_hour_is_a_730th_of_a_month() -> None:
    gateways = preview(graph(network={"natGateways": "single"}), graph(network={"natGateways": "per-zone"}))
    zones = len(json.loads(stack_config("dev")[f"{config.PROJECT}:network"])["zones"])
    found = difference(gateways.before, gateways.after, TABLE)
    assert found.parts["NAT gateway (network)"] == pytest.approx((zones - 1) * TABLE.others["nat-gateway"] * HOURS)
