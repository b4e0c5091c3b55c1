"""Which stage a pod goes through is one, by its image and by what has to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import kubelets
from rehearsal.demo_images import Fault

READY = """
spec:
  selector:
    matchExpressions: [{key: .status.phase, operator: In, values: [Pending]}]
  next:
    statusTemplate: |
      conditions:
      - lastTransitionTime: {{ $now | Quote }}
        status: "True"
        type: Initialized
      - lastTransitionTime: {{ $now | Quote }}
        status: "True"
        type: Ready
      - lastTransitionTime: {{ $now | Quote }}
        status: "True"
        type: ContainersReady
      containerStatuses:
      - ready: true
"""
DELETE = "spec: {selector: {matchExpressions: [{key: .metadata.deletionTimestamp, operator: Exists}]}}"


@pytest.fixture
def stages(tmp_path: Path) -> dict[str, Any]:
    """What is written, by file."""
    stock = tmp_path / "stock"
    stock.mkdir()
    for name, text in (("pod-ready", READY), ("pod-delete", DELETE), ("node-initialize", "spec: {}")):
        metadata = {"metadata": {"name": name}}
        (stock / f"{name}.yaml").write_text(yaml.safe_dump({**metadata, **yaml.safe_load(text)}))
    kubelets.write_stages(stock, tmp_path / "ours")
    return {file.stem: yaml.safe_load(file.read_text()) for file in (tmp_path / "ours").glob("*.yaml")}


def added(stage: dict[str, Any]) -> tuple[str, set[str]]:
    """What a stage asks for on top: the operator and its values."""
    expression = stage["spec"]["selector"]["matchExpressions"][-1]
    return expression["operator"], set(expression["values"])


def test_an_image_goes_through_one_stage(stages: dict[str, Any]) -> None:
    one_by_one = {
        "pod-ready-slowly": Fault.SLOW_START,
        "pod-never-ready": Fault.NEVER_READY,
        "pod-pull": Fault.CANNOT_BE_PULLED,
        "pod-crash": Fault.CRASH_LOOP,
    }
    for name, fault in one_by_one.items():
        assert added(stages[name]) == ("In", {f"de30{fault.mark}"})
    assert added(stages["pod-ready"]) == ("NotIn", {f"de30{fault.mark}" for fault in one_by_one.values()})
    assert stages["node-initialize"] == {"metadata": {"name": "node-initialize"}, "spec": {}}


def test_containers_that_are_never_ready_run(stages: dict[str, Any]) -> None:
    text: str = stages["pod-never-ready"]["spec"]["next"]["statusTemplate"]
    template = yaml.safe_load(text.replace("{{ $now | Quote }}", "x"))
    assert {one["type"]: one["status"] for one in template["conditions"]} == {
        "Initialized": "True",
        "Ready": "False",
        "ContainersReady": "False",
    }
    assert template["containerStatuses"] == [{"ready": False}]


def test_a_pod_ends_at_once_or_after_its_grace_period(stages: dict[str, Any]) -> None:
    assert added(stages["pod-delete"]) == ("NotIn", {"true"})
    assert added(stages["pod-kill"]) == ("In", {"true"})
    assert "delay" not in stages["pod-delete"]["spec"]
    assert stages["pod-kill"]["spec"]["delay"] == {"durationFrom": {"expressionFrom": ".metadata.deletionTimestamp"}}
    assert stages["pod-ready-slowly"]["spec"]["delay"] == {"durationMilliseconds": 10_000}
