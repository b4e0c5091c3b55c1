"""Kubelets whose pods fare as the first four digits of their image's digest say."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

NEVER_READY = "dead"
CANNOT_BE_PULLED = "bad0"
CRASHES = "c4a5"
SLOW = "510a"

SLOW_SECONDS = 10

_MARK = '.spec.containers[0].image | split("@sha256:") | .[1] | .[0:4]'


def stages(stock: Path, folder: Path) -> None:
    """Writes kwok's own stages into a folder, and ours beside them. https://kwok.sigs.k8s.io/docs/user/stages-configuration/."""
    for file in stock.glob("*.yaml"):
        (folder / file.name).write_text(file.read_text())
    ready = yaml.safe_load((stock / "pod-ready.yaml").read_text())
    slow = copy.deepcopy(ready)
    slow["metadata"]["name"] = "pod-ready-slow"
    _only(slow, "In", SLOW)
    slow["spec"]["delay"] = {"durationMilliseconds": SLOW_SECONDS * 1000}
    _only(ready, "NotIn", NEVER_READY, CANNOT_BE_PULLED, CRASHES, SLOW)
    for stage in (
        ready,
        slow,
        _waiting("pull", CANNOT_BE_PULLED, "Pending", "ImagePullBackOff", "Back-off pulling image: not found"),
        _waiting("crash", CRASHES, "Running", "CrashLoopBackOff", "back-off 10s restarting failed container"),
    ):
        (folder / f"{stage['metadata']['name']}.yaml").write_text(yaml.safe_dump(stage))


def _only(stage: dict[str, Any], operator: str, *marks: str) -> None:
    stage["spec"]["selector"]["matchExpressions"].append({"key": _MARK, "operator": operator, "values": list(marks)})


def _waiting(name: str, mark: str, phase: str, reason: str, message: str) -> dict[str, Any]:
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
        "metadata": {"name": f"pod-{name}"},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {
                "matchExpressions": [
                    {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
                    {"key": ".spec.nodeName", "operator": "Exists"},
                    {"key": ".status.containerStatuses", "operator": "DoesNotExist"},
                    {"key": _MARK, "operator": "In", "values": [mark]},
                ]
            },
            "next": {"statusTemplate": status},
        },
    }
