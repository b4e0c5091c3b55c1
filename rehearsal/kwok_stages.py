"""The KWOK project's stages, with those of pods adapted to demo images' faults, `preStop` hooks, and our kubelet.

https://kwok.sigs.k8s.io/docs/user/stages-configuration/
"""

from __future__ import annotations

import copy
from pathlib import Path
from string import Template
from typing import Any

import yaml

from rehearsal.demo_images import MARK_DIGITS, PREFIX, Fault
from rehearsal.kubelet import images

SLOW_START_SECONDS = 10

_MARK = f'.spec.containers[0].image | split("@sha256:") | .[1] | .[0:{MARK_DIGITS}]'

_ENDS_SLOWLY = ".status.containerStatuses[0].state.running and .spec.containers[0].lifecycle.preStop"
"""A jq expression: whether a deleted pod has a running container with a `preStop` hook. Other pods end at once."""


def write_stages(stock: Path, folder: Path, *, containers_run: bool) -> None:
    """Writes the stages into a folder, one file each.

    `stock` is the folder of the KWOK project's own stages: those of ready and deleted pods are adapted, the others
    copied. If `containers_run`, the stages leave out the pods that belong to `rehearsal/kubelet/`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stages = {file.stem: yaml.safe_load(file.read_text()) for file in stock.glob("*.yaml")}
    ready, delete = stages["pod-ready"], stages["pod-delete"]
    ends_slowly, ends_at_once = (
        {"key": _ENDS_SLOWLY, "operator": word, "values": ["true"]} for word in ("In", "NotIn")
    )
    kill_at = {"durationFrom": {"expressionFrom": ".metadata.deletionTimestamp"}}
    own = [
        _with(ready, "pod-ready", _image_is("NotIn", *_NOT_READY_AT_ONCE)),
        _with(
            ready,
            "pod-ready-slowly",
            _image_is("In", Fault.SLOW_START),
            delay={"durationMilliseconds": SLOW_START_SECONDS * 1000},
        ),
        _never_ready(ready),
        _waiting(ready, "pod-pull", Fault.CANNOT_BE_PULLED, _CANNOT_BE_PULLED),
        _waiting(ready, "pod-crash", Fault.CRASH_LOOP, _CRASH_LOOP),
        _with(delete, "pod-delete", ends_at_once),
        # At the end of the grace period, unless the pod simulator has ended the pod before.
        _with(delete, "pod-kill", ends_slowly, delay=kill_at),
    ]
    stages |= {stage["metadata"]["name"]: stage for stage in own}
    (folder / "debugging.yaml").write_text(_DEBUGGING.substitute(folder=Path(__file__).parent))
    left_out = {"key": images.OURS, "operator": "NotIn", "values": ["true"]}
    for name, stage in stages.items():
        if containers_run and stage["spec"].get("resourceRef", {}).get("kind") == "Pod":
            stage["spec"]["selector"]["matchExpressions"].append(left_out)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(stage))


_DEBUGGING = Template(Path(__file__).with_name("kwok_debugging.yaml").read_text())
_WAITING = Template(Path(__file__).with_name("kwok_waiting.tmpl").read_text())
_NOT_READY_AT_ONCE = (Fault.SLOW_START, Fault.NEVER_READY, Fault.CANNOT_BE_PULLED, Fault.CRASH_LOOP)
_CANNOT_BE_PULLED = "Pending", "ImagePullBackOff", "Back-off pulling image: not found"
_CRASH_LOOP = "Running", "CrashLoopBackOff", "back-off 10s restarting failed container"
"""Phase of the pod, reason and message of its containers."""


def _image_is(operator: str, *faults: Fault) -> dict[str, Any]:
    return {"key": _MARK, "operator": operator, "values": [f"{PREFIX}{fault.mark}" for fault in faults]}


def _with(stage: dict[str, Any], name: str, expression: dict[str, Any], **spec: object) -> dict[str, Any]:
    """A copy of the stage under another name, with one more match expression and these fields of `spec`."""
    copied = copy.deepcopy(stage)
    copied["metadata"]["name"] = name
    copied["spec"]["selector"]["matchExpressions"].append(expression)
    copied["spec"] |= spec
    return copied


def _never_ready(ready: dict[str, Any]) -> dict[str, Any]:
    """The containers run and are not ready."""
    template: str = ready["spec"]["next"]["statusTemplate"].replace("ready: true", "ready: false")
    for condition in ("Ready", "ContainersReady"):
        template = template.replace(f'status: "True"\n  type: {condition}\n', f'status: "False"\n  type: {condition}\n')
    return _with(ready, "pod-never-ready", _image_is("In", Fault.NEVER_READY), next={"statusTemplate": template})


def _waiting(ready: dict[str, Any], name: str, fault: Fault, status: tuple[str, str, str]) -> dict[str, Any]:
    """The containers wait, which is written once."""
    phase, reason, message = status
    template = _WAITING.substitute(phase=phase, reason=reason, message=message)
    stage = _with(ready, name, {"key": ".status.containerStatuses", "operator": "DoesNotExist"})
    return _with(stage, name, _image_is("In", fault), next={"statusTemplate": template})
