"""`pulumi.com/waitFor`: what an object itself has to show before it counts as ready.

https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""

from __future__ import annotations

import re
from typing import Any, cast

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.kubernetes.annotations import annotation
from rehearsal.stand_ins.kubernetes.readiness import Rule, Seen, Verdict
from release.kubernetes_api import KubernetesObject

WAIT_FOR = "pulumi.com/waitFor"

_JSONPATH = re.compile(r"jsonpath=\{((?:\.\w+|\[\d+\])+)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def rule(obj: KubernetesObject) -> Rule | None:
    """The rule that an object asks to be judged by; None where it has no such annotation.

    Of the real provider's forms it knows one: a JSONPath of names and indices that has to lead to a value.

    Raises:
        RehearsalError: The annotation has another form.
    """
    text = annotation(obj, WAIT_FOR)
    if text is None:
        return None
    found = _JSONPATH.fullmatch(text)
    if found is None:
        raise RehearsalError(
            f"the kubernetes stand-in cannot wait for {text}",
            remedy="write jsonpath={.status.…}, or teach it in rehearsal/stand_ins/kubernetes/wait_for.py.",
        )
    path = found[1]

    def judge(seen: Seen) -> Verdict:
        return Verdict() if _leads_somewhere(seen.target, path) else Verdict((f"waiting for {path}",))

    return Rule(judge, on_refresh=True)


def _leads_somewhere(value: Any, path: str) -> bool:
    for name, index in _STEP.findall(path):
        if name and isinstance(value, dict):
            value = cast("dict[str, Any]", value).get(name)
        elif index and isinstance(value, list):
            items = cast("list[Any]", value)
            value = items[int(index)] if int(index) < len(items) else None
        else:
            return False
    return value is not None
