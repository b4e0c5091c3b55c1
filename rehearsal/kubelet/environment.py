"""Environment variables and command of a container, from the pod and the objects that it refers to.

The functions raise `MissingError` if something does not exist that they need, or is not supported.
https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from kube.client import KubernetesObject

Objects: TypeAlias = Callable[[str, str], KubernetesObject | None]
"""Gets a ConfigMap or Secret of the pod's namespace by kind and name; None if it does not exist."""

_REFERRING = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
_WHOLE = {"configMapRef": "ConfigMap", "secretRef": "Secret"}


class MissingError(Exception):
    """Something that a pod needs does not exist."""


def part(value: Mapping[str, Any], *names: str) -> Any:
    """The value under these keys of nested mappings; an empty mapping if there is none."""
    for name in names:
        value = value.get(name) or {}
    return value


def content(objects: Objects, kind: str, name: str, *, optional: bool = False) -> dict[str, bytes]:
    """The keys and values of a ConfigMap or Secret; empty if it is optional and does not exist."""
    obj = objects(kind, name)
    if obj is None:
        if optional:
            return {}
        raise MissingError(f'{kind.lower()} "{name}" not found')
    data: Mapping[str, str] = obj.get("data") or {}
    binary: Mapping[str, str] = data if kind == "Secret" else obj.get("binaryData") or {}
    plain = {} if kind == "Secret" else {key: value.encode() for key, value in data.items()}
    return {**plain, **{key: base64.b64decode(value) for key, value in binary.items()}}


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replaces `$(NAME)` by the variable's value; an unknown name stays, and `$$(NAME)` becomes `$(NAME)`.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", value, text)


def environment(
    container: Mapping[str, Any], pod: KubernetesObject, objects: Objects, defaults: Mapping[str, str]
) -> dict[str, str]:
    """A container's variables: `env` on top of `envFrom` on top of defaults. The pod has its address in the status."""
    variables = dict(defaults)
    for source in container.get("envFrom") or ():
        for key, kind in _WHOLE.items():
            if key in source:
                found = content(objects, kind, source[key]["name"], optional=bool(source[key].get("optional")))
                prefix = source.get("prefix") or ""
                variables |= {prefix + name: value.decode(errors="replace") for name, value in found.items()}
    for variable in container.get("env") or ():
        value = _value(variable, pod, objects, variables)
        if value is not None:
            variables[variable["name"]] = value
    return variables


def _value(
    variable: Mapping[str, Any], pod: KubernetesObject, objects: Objects, known: Mapping[str, str]
) -> str | None:
    source: Mapping[str, Any] = variable.get("valueFrom") or {}
    for key, kind in _REFERRING.items():
        if key in source:
            optional = bool(source[key].get("optional"))
            data = content(objects, kind, source[key]["name"], optional=optional).get(source[key]["key"])
            if data is None and not optional:
                raise MissingError(f"couldn't find key {source[key]['key']} in {kind} {source[key]['name']}")
            return None if data is None else data.decode(errors="replace")
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"])
    return expand(variable.get("value") or "", known)


def field(pod: KubernetesObject, path: str) -> str:
    """A field of the pod by the downward API.

    https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
    """
    fields: dict[str, str] = {
        "metadata.name": pod["metadata"]["name"],
        "metadata.namespace": pod["metadata"]["namespace"],
        "status.podIP": part(pod, "status").get("podIP") or "",
    }
    if path not in fields:
        raise MissingError(f"field {path} of a pod is not supported in a rehearsal")
    return fields[path]


def command(
    container: Mapping[str, Any], entrypoint: Sequence[str], arguments: Sequence[str], variables: Mapping[str, str]
) -> list[str]:
    """The command line of a container, with variables expanded; the image's `ENTRYPOINT` and `CMD` are its defaults.

    https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
    """
    own, args = container.get("command"), container.get("args")
    words = [*(own or entrypoint), *(args or (() if own else arguments))]
    if not words:
        raise MissingError("no command specified")
    return [expand(word, variables) for word in words]
