"""The emulated EKS add-ons: for each a YAML file with its Kubernetes objects and its configuration schema.

To add one, add its file:

- `schema`: the configuration's keys, each with a JSON Schema type, `any`, or an object's keys; from
  `aws eks describe-addon-configuration` for a version near the platform's.
- `parts`: by name of a workload or container, the dotted path of its part of the configuration; default: all of it.
- `objects`: the add-on's objects under the default configuration; images without registry and tag.

The functions raise `AwsError`, with EKS's message, if a configuration is not valid or pods are not ready within
`SECONDS_TO_BE_HEALTHY`, and `RehearsalError` if there is no such add-on or the API server refuses an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, cast

import yaml

from kube.client import KubernetesObject
from rehearsal.emulators import in_cluster
from rehearsal.emulators.aws.account import Account, Record
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.emulators.aws.local_cluster import cluster_client
from rehearsal.emulators.aws.properties import Properties, known_values
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.processes import ProcessTable
from rehearsal.programs import KUBE_PROXY, KUBELET

ADDONS = frozenset(path.stem for path in Path(__file__).parent.glob("*.yaml"))

REGISTRY = "602401143452.dkr.ecr.us-west-2.amazonaws.com"
"""EKS's registry, from which nothing is pulled. https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html"""

PLACEMENT = ("affinity", "nodeSelector", "priorityClassName", "tolerations", "topologySpreadConstraints")
"""Configuration keys that replace the pod spec's field of the same name."""

MANAGER = "eks"
"""EKS's field manager for add-ons.

https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-field-management.html
"""

SECONDS_TO_BE_HEALTHY = 120.0

Schema: TypeAlias = "str | Mapping[str, Schema]"

_TYPES = {bool: "boolean", dict: "object", float: "number", int: "integer", list: "array", str: "string"}


def check(addon: Resource) -> None:
    """Validates the configuration of an add-on against its schema."""
    configuration = json.loads(addon.inputs.get("configurationValues") or "{}")
    violations = list(problems(_addon(str(addon.inputs["addonName"]))["schema"], configuration))
    if violations:
        raise AwsError(
            "InvalidParameterException",
            "ConfigurationValue provided in request is not supported: Json schema validation failed with error: "
            f"[{', '.join(violations)}]",
        )


def problems(schema: Schema, value: Any, path: str = "$") -> Iterator[str]:
    """Yields a configuration's violations of its schema, as EKS's validator words them. Null is always allowed."""
    expected = "object" if isinstance(schema, Mapping) else schema
    if expected == "any" or value is None:
        return
    actual = next(name for python_type, name in _TYPES.items() if isinstance(value, python_type))
    if actual != expected:
        yield f"{path}: {actual} found, {expected} expected"
    elif isinstance(schema, Mapping):
        for key, item in cast("dict[str, Any]", value).items():
            if key not in schema:
                yield f"{path}.{key}: is not defined in the schema and the schema does not allow additional properties"
            else:
                yield from problems(schema[key], item, f"{path}.{key}")


def objects(name: str, version: str, configuration_values: str) -> list[KubernetesObject]:
    """The Kubernetes objects of an add-on, labelled as emulated."""
    addon, configuration = deepcopy(_addon(name)), json.loads(configuration_values or "{}")
    configured = [_configured(obj, addon.get("parts", {}), configuration, version) for obj in addon["objects"]]
    return [in_cluster.marked(obj, mark(name)) for obj in configured if obj]


def mark(name: str) -> str:
    """An add-on's value of the label `in_cluster.MARK`."""
    return f"addon-{name}"


def converge(layout: Layout, record: Record, _account: Account) -> Properties:
    """Applies an add-on's objects, and waits until their pods are ready.

    Kube-proxy's pod stands for the one kube-proxy that runs, which gets its minor version.
    """
    name = str(record.inputs["addonName"])
    if name == KUBE_PROXY and layout.control_plane.exists():
        from rehearsal import control_plane  # noqa: PLC0415 - slow to import

        minor = re.match(r"v(\d+\.\d+)\.", record.inputs.get("addonVersion") or "")
        control_plane.bring_version(layout, minor[1] if minor else None, [KUBE_PROXY])
    version, configuration = record.inputs.get("addonVersion") or "", record.inputs.get("configurationValues") or ""
    applied = objects(name, version, configuration)
    if not ProcessTable(layout.processes).is_running(KUBELET):
        # Without the kubelet its pods do not run, and an unavailable APIService blocks the deletion of namespaces.
        applied = [obj for obj in applied if obj["kind"] != "APIService"]
    with cluster_client(layout, f"add-on {name}") as api:
        in_cluster.bring(api, mark(name), applied, manager=MANAGER)
        unready = in_cluster.waits_for(api, applied, SECONDS_TO_BE_HEALTHY)
    if unready:
        raise AwsError(
            "InsufficientNumberOfReplicas",
            "The add-on is unhealthy because it doesn't have the desired number of replicas. " + "; ".join(unready),
        )
    return {}


def dissolve(layout: Layout, record: Record) -> None:
    """Deletes an add-on's objects from the cluster, unless its input `preserve` is set."""
    if record.inputs.get("preserve") or not layout.kubeconfig.exists():
        return
    name = str(record.inputs["addonName"])
    with cluster_client(layout, f"add-on {name}") as api:
        in_cluster.bring(api, mark(name), [], manager=MANAGER)


@cache
def _addon(name: str) -> dict[str, Any]:
    if name not in ADDONS:
        raise RehearsalError(
            f"the aws emulator has no add-on {name}",
            remedy="Add a file for it to rehearsal/emulators/aws/addons/, with its objects in the cluster.",
        )
    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text())


def _configured(
    obj: KubernetesObject, parts: Mapping[str, str], configuration: Mapping[str, Any], version: str
) -> KubernetesObject | None:
    """An object with the configuration applied; None where the configuration disables it."""
    values = _part(configuration, parts, obj["metadata"]["name"])
    if obj["kind"] == "ConfigMap" and values.get("corefile"):
        obj["data"]["Corefile"] = values["corefile"]
    if obj["kind"] == "PodDisruptionBudget":
        budget: Mapping[str, Any] = values.get("podDisruptionBudget") or {}
        if budget.get("enabled") is False:
            return None
        bounds = {bound: budget[bound] for bound in ("maxUnavailable", "minAvailable") if budget.get(bound) is not None}
        if bounds:
            obj["spec"] = {"selector": obj["spec"]["selector"], **bounds}
    if obj["kind"] in ("Deployment", "DaemonSet"):
        replicas = values.get("replicaCount") or values.get("replicas")
        if replicas:
            obj["spec"]["replicas"] = replicas
        pod, metadata = obj["spec"]["template"]["spec"], obj["spec"]["template"]["metadata"]
        metadata["labels"] |= values.get("podLabels") or {}
        metadata |= {"annotations": values["podAnnotations"]} if values.get("podAnnotations") else {}
        pod |= {field: values[field] for field in PLACEMENT if values.get(field) is not None}
        for container in pod["containers"]:
            own = _part(configuration, parts, container["name"]).get("resources") or values.get("resources")
            if own:
                container["resources"] = own
            container["image"] = f"{REGISTRY}/{container['image']}:{version}"
    return obj


def _part(configuration: Mapping[str, Any], parts: Mapping[str, str], name: str) -> Mapping[str, Any]:
    return next(known_values(configuration, parts.get(name, "")), dict[str, Any]())
