"""The price of a stack before anybody uses it, from its resources and a table."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import config
from pipelines.costs import HOURS, PRICES, Item, Prices, items, one_more
from tests.unit.program import CHECKOUT, FIXTURES, STACKS, configured, platform, stack_config
from tools.program.graph import every

TABLE = Prices.read(PRICES)


def found(stack: str = "dev", **changes: object) -> dict[tuple[str, str], Item]:
    """What a stack is charged for, with other settings."""
    settings = stack_config(stack)
    for key, value in changes.items():
        name = f"{config.PROJECT}:{key}"
        settings[name] = json.dumps({**json.loads(settings[name]), **(value if isinstance(value, dict) else {})})
    graph = configured(settings, stack=stack)
    return {(item.part, item.what): item for item in items(graph.resources.values(), TABLE)}


def month(of: dict[tuple[str, str], Item]) -> float:
    """The sum of all."""
    return sum(item.month for item in every(of.values()))


@pytest.mark.parametrize("stack", STACKS)
def test_every_item_has_a_price_and_a_number(stack: str) -> None:
    for item in every(items(platform(stack, preview=False).resources.values(), TABLE)):
        assert item.each
        assert item.number > 0


@pytest.mark.parametrize(
    ("instance_type", "hour"),
    [
        ("t3.large", 0.0832),
        ("t3.medium", 0.0416),
        ("m7i.large", 0.1008),
        ("m7i.4xlarge", 0.8064),
        ("m7g.xlarge", 0.1632),
    ],
)
def test_a_size_costs_in_proportion(instance_type: str, hour: float) -> None:
    """https://aws.amazon.com/ec2/pricing/on-demand/."""
    assert TABLE.instance(instance_type) == pytest.approx(hour * HOURS)


@pytest.mark.parametrize("instance_type", ["p5.48xlarge", "m7i.metal-24xl"])
def test_a_type_that_the_table_lacks_has_no_price(instance_type: str) -> None:
    assert TABLE.instance(instance_type) is None


def test_a_gateway_in_each_zone_costs_what_is_said_of_one_more() -> None:
    network = json.loads(stack_config("dev")[f"{config.PROJECT}:network"])
    few, many = found(network={"natGateways": "single"}), found(network={"natGateways": "per-zone"})
    more = one_more(list(few.values()))["a NAT gateway in another zone (network.natGateways)"]
    assert month(many) - month(few) == pytest.approx(more * (len(network["zones"]) - 1))


@pytest.mark.parametrize("environment", config.ENVIRONMENTS)
def test_a_node_more_costs_what_is_said_of_it(environment: str) -> None:
    environments = json.loads(stack_config("dev")[f"{config.PROJECT}:environments"])
    more = one_more(list(found().values()))[f"a node of {environment} (environments.{environment}.nodes)"]
    environments[environment]["nodes"]["desired"] += 1
    assert month(found(environments=environments)) - month(found()) == pytest.approx(more)


def test_spot_nodes_cost_at_most_what_they_cost_on_demand() -> None:
    environments = json.loads(stack_config("dev")[f"{config.PROJECT}:environments"])
    environments["dev"]["serviceNodes"] = {"instanceTypes": ["t3.large", "t3a.large"], "spot": True, "min": 2, "max": 4}
    nodes = found(environments=environments)["nodes of dev for services", "t3.large, Spot, at most"]
    assert (nodes.number, nodes.each) == (2, TABLE.instance("t3.large"))


def test_more_logs_cost_what_is_said_of_them() -> None:
    logs = json.loads(stack_config("dev")[f"{config.PROJECT}:logs"])
    more = one_more(list(found().values()))["100 GiB of logs (logs.storageGib)"]
    larger = found(logs={"storageGib": logs["storageGib"] + 100})
    assert month(larger) - month(found()) == pytest.approx(more * logs["nodes"])


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """The command."""
    command = [sys.executable, "-m", "tools.costs", *words]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_the_command_prints_each_stack_and_what_is_not_in_it(tmp_path: Path) -> None:
    for stack in STACKS:
        shutil.copy(FIXTURES / f"Pulumi.{stack}.yaml", tmp_path)
    printed = run(*STACKS, "--stacks", str(tmp_path)).stdout
    for stack in STACKS:
        assert f"Stack {stack}" in printed
    assert TABLE.date in printed
    assert "Not included" in printed


def test_a_stack_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused = run("staging", "--stacks", str(tmp_path))
    assert refused.returncode == 1
    assert "there is no stack staging" in refused.stderr
