"""The KWOK project's stages, with those of pods adapted to demo images' faults, `preStop` hooks, and our kubelet.

https://kwok.sigs.k8s.io/docs/user/stages-configuration/
"""

from __future__ import annotations

import copy
from pathlib import Path
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

    Args:
        stock: Folder of the KWOK project's own stages. `pod-ready.yaml` and `pod-delete.yaml` are adapted, the others
            copied.
        folder: Target folder, created if missing.
        containers_run: Whether `rehearsal/kubelet/` runs; the stages then leave out the pods that belong to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ready, delete = (_read(stock / f"{name}.yaml") for name in ("pod-ready", "pod-delete"))
    stages: list[dict[str, Any]] = [
        *(_read(file) for file in stock.glob("*.yaml")),
        _with(ready, "pod-ready", _image_is("NotIn", *_NOT_AT_ONCE)),
        {
            **(slow := _with(ready, "pod-ready-slowly", _image_is("In", Fault.SLOW_START))),
            "spec": {**slow["spec"], "delay": {"durationMilliseconds": SLOW_START_SECONDS * 1000}},
        },
        _never_ready(_with(ready, "pod-never-ready", _image_is("In", Fault.NEVER_READY))),
        _waiting(
            "pod-pull", Fault.CANNOT_BE_PULLED, "Pending", "ImagePullBackOff", "Back-off pulling image: not found"
        ),
        _waiting(
            "pod-crash", Fault.CRASH_LOOP, "Running", "CrashLoopBackOff", "back-off 10s restarting failed container"
        ),
        _with(delete, "pod-delete", {"key": _ENDS_SLOWLY, "operator": "NotIn", "values": ["true"]}),
        _at_the_end(_with(delete, "pod-kill", {"key": _ENDS_SLOWLY, "operator": "In", "values": ["true"]})),
    ]
    left_alone = {"key": images.OURS, "operator": "NotIn", "values": ["true"]}
    for stage in {stage["metadata"]["name"]: stage for stage in stages}.values():
        if containers_run and stage["spec"].get("resourceRef", {}).get("kind") == "Pod":
            stage["spec"]["selector"]["matchExpressions"].append(left_alone)
        (folder / f"{stage['metadata']['name']}.yaml").write_text(yaml.safe_dump(stage))


_NOT_AT_ONCE = (Fault.SLOW_START, Fault.NEVER_READY, Fault.CANNOT_BE_PULLED, Fault.CRASH_LOOP)


def _read(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text())


def _image_is(operator: str, *faults: Fault) -> dict[str, Any]:
    return {"key": _MARK, "operator": operator, "values": [f"{PREFIX}{fault.mark}" for fault in faults]}


def _with(stage: dict[str, Any], name: str, expression: dict[str, Any]) -> dict[str, Any]:
    """A copy of the stage under another name, with one more match expression."""
    mine = copy.deepcopy(stage)
    mine["metadata"]["name"] = name
    mine["spec"]["selector"]["matchExpressions"].append(expression)
    return mine


def _never_ready(ready: dict[str, Any]) -> dict[str, Any]:
    """The containers run and are not ready."""
    template: str = ready["spec"]["next"]["statusTemplate"]
    for condition in ("Ready", "ContainersReady"):
        template = template.replace(f'status: "True"\n  type: {condition}\n', f'status: "False"\n  type: {condition}\n')
    ready["spec"]["next"]["statusTemplate"] = template.replace("ready: true", "ready: false")
    return ready


def _at_the_end(delete: dict[str, Any]) -> dict[str, Any]:
    """Deletes at the end of the grace period, unless the pod simulator has ended the pod before."""
    delete["spec"]["delay"] = {"durationFrom": {"expressionFrom": ".metadata.deletionTimestamp"}}
    return delete


def _waiting(name: str, fault: Fault, phase: str, reason: str, message: str) -> dict[str, Any]:
    status = f"""
phase: {phase}
conditions:
- {{type: Ready, status: "False", lastTransitionTime: {{{{ Now | Quote }}}}}}
containerStatuses:
{{{{ range .spec.containers }}}}
- image: {{{{ .image | Quote }}}}
  name: {{{{ .name | Quote }}}}
  ready: false
  restartCount: 3
  state: {{waiting: {{reason: {reason}, message: "{message}"}}}}
{{{{ end }}}}
"""
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {
                "matchExpressions": [
                    {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
                    {"key": ".spec.nodeName", "operator": "Exists"},
                    {"key": ".status.containerStatuses", "operator": "DoesNotExist"},
                    _image_is("In", fault),
                ]
            },
            "next": {"statusTemplate": status},
        },
    }
