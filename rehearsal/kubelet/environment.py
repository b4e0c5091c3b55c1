"""The variables and the command of a container, as a kubelet makes them from the pod and what it refers to. Pure.

https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from kubernetes.utils.quantity import parse_quantity  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from release.kubernetes_api import KubernetesObject

Reference: TypeAlias = tuple[str, str]
"""Kind (`ConfigMap` or `Secret`) and name of an object in the pod's namespace."""

Objects: TypeAlias = Mapping[Reference, KubernetesObject | None]
"""What references lead to; None where there is nothing."""


_REFERRING = {
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
}


class MissingError(Exception):
    """Something that a pod needs is not there."""


def part(value: Mapping[str, Any], *names: str) -> Any:
    """What stands in nested mappings under these names; an empty mapping where nothing does."""
    for name in names:
        value = value.get(name) or {}
    return value


def references(pod: KubernetesObject) -> set[Reference]:
    """All that the pod's variables and volumes refer to."""
    spec = pod["spec"]
    containers: list[dict[str, Any]] = [*spec["containers"], *part(spec, "initContainers")]
    volumes: list[dict[str, Any]] = [*part(spec, "volumes")]
    return {
        *(one for container in containers for one in _of_variables(container)),
        *(one for volume in volumes for one in _of_volume(volume)),
        *(one for volume in volumes for source in part(volume, "projected", "sources") for one in _of_volume(source)),
    }


def _of_variables(container: Mapping[str, Any]) -> Iterator[Reference]:
    sources = (*part(container, "envFrom"), *(part(one, "valueFrom") for one in part(container, "env")))
    for source in sources:
        for key, kind in _REFERRING.items():
            if key in source:
                yield kind, source[key]["name"]


def _of_volume(source: Mapping[str, Any]) -> Iterator[Reference]:
    if "configMap" in source:
        yield "ConfigMap", source["configMap"]["name"]
    if "secret" in source:
        yield "Secret", source["secret"].get("secretName") or source["secret"]["name"]


def content(objects: Objects, kind: str, name: str, *, optional: bool = False) -> dict[str, bytes]:
    """The keys of a ConfigMap or Secret; none of an optional one that is not there.

    Raises:
        MissingError: It is not there.
    """
    found = objects.get((kind, name))
    if found is None:
        if optional:
            return {}
        raise MissingError(f'{kind.lower()} "{name}" not found')
    data: Mapping[str, str] = found.get("data") or {}
    if kind == "Secret":
        return {key: base64.b64decode(value) for key, value in data.items()}
    binary: Mapping[str, str] = found.get("binaryData") or {}
    return {
        **{key: value.encode() for key, value in data.items()},
        **{key: base64.b64decode(value) for key, value in binary.items()},
    }


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replaces `$(NAME)`; an unknown name stays as it is, and `$$(NAME)` is `$(NAME)` itself.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """

    def replaced(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else variables.get(found[1], found[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", replaced, text)


def of_services(services: Iterable[KubernetesObject], *, namespace: str, links: bool) -> dict[str, str]:
    """The variables that name Services: always the API server's, and those of the namespace where links are enabled.

    https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables

    Args:
        services: Of the namespaces `default` and the pod's.
        namespace: The pod's.
        links: The pod's `enableServiceLinks`.
    """
    variables: dict[str, str] = {}
    for service in services:
        meta, spec = service["metadata"], service["spec"]
        address: str = spec.get("clusterIP") or "None"
        of_api_server = (meta["namespace"], meta["name"]) == ("default", "kubernetes")
        if address == "None" or not (of_api_server or (links and meta["namespace"] == namespace)):
            continue
        prefix = meta["name"].upper().replace("-", "_")
        ports: list[dict[str, Any]] = spec.get("ports") or []
        variables[f"{prefix}_SERVICE_HOST"] = address
        variables[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
        variables[f"{prefix}_PORT"] = _url(address, ports[0])
        for port in ports:
            if port.get("name"):
                variables[f"{prefix}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
            protocol = port.get("protocol", "TCP")
            link = f"{prefix}_PORT_{port['port']}_{protocol}"
            variables[link] = _url(address, port)
            variables |= {f"{link}_PROTO": protocol.lower(), f"{link}_PORT": str(port["port"]), f"{link}_ADDR": address}
    return variables


def _url(address: str, port: Mapping[str, Any]) -> str:
    return f"{port.get('protocol', 'TCP').lower()}://{address}:{port['port']}"


def environment(
    container: Mapping[str, Any], pod: KubernetesObject, objects: Objects, services: Mapping[str, str]
) -> dict[str, str]:
    """A container's variables besides its image's.

    Args:
        container: The container.
        pod: Its pod, with addresses in its status.
        objects: What `references` names.
        services: What `of_services` gives.

    Raises:
        MissingError: A variable refers to what is not there.
    """
    variables: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        for key, kind in _REFERRING.items():
            if key in source:
                found = content(objects, kind, source[key]["name"], optional=bool(source[key].get("optional")))
                prefix = source.get("prefix", "")
                variables |= {f"{prefix}{name}": value.decode(errors="replace") for name, value in found.items()}
    for variable in container.get("env") or ():
        value = _value(variable, container, pod, objects, {**services, **variables})
        if value is not None:
            variables[variable["name"]] = value
    return {**services, **variables}


def _value(
    variable: Mapping[str, Any],
    container: Mapping[str, Any],
    pod: KubernetesObject,
    objects: Objects,
    known: Mapping[str, str],
) -> str | None:
    source: Mapping[str, Any] = variable.get("valueFrom") or {}
    for key, kind in _REFERRING.items():
        if key in source:
            optional = bool(source[key].get("optional"))
            found = content(objects, kind, source[key]["name"], optional=optional).get(source[key]["key"])
            if found is None and not optional:
                raise MissingError(f"couldn't find key {source[key]['key']} in {kind} {source[key]['name']}")
            return None if found is None else found.decode(errors="replace")
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return resource(source["resourceFieldRef"], container)
    return expand(variable.get("value") or "", known)


def field(pod: KubernetesObject, path: str) -> str:
    """A field of the pod, as the downward API gives it.

    https://kubernetes.io/docs/concepts/workloads/pods/downward-api/

    Raises:
        MissingError: It gives no such field.
    """
    metadata: dict[str, Any] = pod["metadata"]
    status: dict[str, Any] = pod.get("status") or {}
    if found := re.fullmatch(r"metadata\.(labels|annotations)(?:\['(.+)'\])?", path):
        values: Mapping[str, str] = metadata.get(found[1]) or {}
        lines = (f'{key}="{_escaped(value)}"' for key, value in sorted(values.items()))
        return "\n".join(lines) if found[2] is None else values.get(found[2], "")
    fields: dict[str, str | None] = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": pod["spec"].get("nodeName"),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName"),
        "status.hostIP": status.get("hostIP"),
        "status.hostIPs": status.get("hostIP"),
        "status.podIP": status.get("podIP"),
        "status.podIPs": status.get("podIP"),
    }
    if path not in fields:
        raise MissingError(f"field {path} is not one of the downward API's")
    return str(fields[path] or "")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def resource(reference: Mapping[str, Any], container: Mapping[str, Any]) -> str:
    """A container's request or limit in units of the divisor, rounded up.

    Raises:
        MissingError: The container has none: the node's would count, which is not ours to say.
    """
    kind, _, name = reference["resource"].partition(".")
    quantity: str | None = part(container, "resources", kind).get(name)
    if quantity is None:
        raise MissingError(f"container {container['name']} has no {reference['resource']}")
    divisor = reference.get("divisor") or "1"
    return str(math.ceil(parse_quantity(quantity) / (parse_quantity("1" if divisor == "0" else divisor))))


def command(
    container: Mapping[str, Any], entrypoint: Sequence[str], arguments: Sequence[str], variables: Mapping[str, str]
) -> list[str]:
    """What a container runs.

    https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/

    Args:
        container: The container.
        entrypoint: Its image's.
        arguments: Its image's.
        variables: What it expands.

    Raises:
        MissingError: Neither the container nor the image says.
    """
    own, args = container.get("command"), container.get("args")
    words = [*(own or entrypoint), *(args or (() if own else arguments))]
    if not words:
        raise MissingError("no command specified")
    return [expand(word, variables) for word in words]
