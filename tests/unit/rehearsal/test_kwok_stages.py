"""Each pod matches one stage, by its image and its state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import kwok_stages
from rehearsal.demo_images import Fault
from rehearsal.kubelet import images

READY = """
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
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
NODE = "spec: {resourceRef: {apiGroup: v1, kind: Node}, selector: {matchExpressions: []}}"
DELETE = """
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector: {matchExpressions: [{key: .metadata.deletionTimestamp, operator: Exists}]}
"""


@pytest.fixture
def stages(tmp_path: Path) -> dict[str, Any]:
    """What is written, by file."""
    stock = tmp_path / "stock"
    stock.mkdir()
    for name, text in (("pod-ready", READY), ("pod-delete", DELETE), ("node-initialize", NODE)):
        metadata = {"metadata": {"name": name}}
        (stock / f"{name}.yaml").write_text(yaml.safe_dump({**metadata, **yaml.safe_load(text)}))
    return written(stock, tmp_path / "ours", containers_run=False)


def written(stock: Path, folder: Path, *, containers_run: bool) -> dict[str, Any]:
    kwok_stages.write_stages(stock, folder, containers_run=containers_run)
    return {file.stem: yaml.safe_load(file.read_text()) for file in folder.glob("*.yaml") if file.stem != "debugging"}


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
    assert stages["node-initialize"] == {"metadata": {"name": "node-initialize"}, **yaml.safe_load(NODE)}


def test_containers_that_wait_get_their_status_once(stages: dict[str, Any]) -> None:
    for name in ("pod-pull", "pod-crash"):
        once = {"key": ".status.containerStatuses", "operator": "DoesNotExist"}
        assert once in stages[name]["spec"]["selector"]["matchExpressions"]


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


def test_pods_whose_containers_run_go_through_no_stage(tmp_path: Path, stages: dict[str, Any]) -> None:
    left_alone = written(tmp_path / "stock", tmp_path / "theirs", containers_run=True)
    assert left_alone.keys() == stages.keys()
    for name, stage in left_alone.items():
        expressions = stage["spec"]["selector"]["matchExpressions"]
        others = [one for one in expressions if one["key"] != images.OURS]
        assert others == stages[name]["spec"]["selector"]["matchExpressions"]
        told = [{"key": images.OURS, "operator": "NotIn", "values": ["true"]}]
        assert expressions[len(others) :] == ([] if name == "node-initialize" else told)


def test_what_kubectl_says_of_a_simulated_pod_is_there(tmp_path: Path) -> None:
    (tmp_path / "stock").mkdir()
    for name, text in (("pod-ready", READY), ("pod-delete", DELETE)):
        (tmp_path / "stock" / f"{name}.yaml").write_text(
            yaml.safe_dump({"metadata": {"name": name}, **yaml.safe_load(text)})
        )
    written(tmp_path / "stock", tmp_path / "ours", containers_run=True)
    logs, execs, forwards = yaml.safe_load_all((tmp_path / "ours" / "debugging.yaml").read_text())
    (log,) = logs["spec"]["logs"]
    assert re.fullmatch(r"\S+Z stdout F No container .*\n", Path(log["logsFile"]).read_text())
    assert not Path(execs["spec"]["execs"][0]["local"]["workDir"]).exists()
    program, answer = forwards["spec"]["forwards"][0]["command"]
    head, _, body = Path(answer).read_bytes().partition(b"\r\n\r\n")
    assert (program, f"Content-Length: {len(body)}".encode() in head) == ("cat", True)
