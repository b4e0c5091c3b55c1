"""The EKS add-ons that the stand-in has, a YAML file each: what of them stands in the cluster, and what configures it.

To add one, add its file:

- `schema`: what its configuration may hold, by key: a type of JSON Schema, `any`, or for an object its keys. It is what
  `aws eks describe-addon-configuration` says of a version near ours.
- `parts`: the part of the configuration that speaks of a workload or a container, by its name; else all of it does.
- `objects`: its objects as they are without a configuration; images without their registry and tag.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, cast

import yaml

from kube.client import KubernetesObject
from rehearsal import kubelet
from rehearsal.emulators import in_cluster
from rehearsal.emulators.aws.account import Account, Record
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.local_cluster import answering
from rehearsal.emulators.aws.properties import Properties, known_values
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.processes import ProcessTable

ADDONS = frozenset(path.stem for path in Path(__file__).parent.glob("*.yaml"))

REGISTRY = "602401143452.dkr.ecr.us-west-2.amazonaws.com"
"""EKS' own: nothing is pulled from it. https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html"""

PLACEMENT = ("affinity", "nodeSelector", "priorityClassName", "tolerations", "topologySpreadConstraints")
"""What configurations say of where pods run, named as a pod's fields are: what is said replaces a default whole."""

MANAGER = "eks"
"""The field manager that EKS applies add-ons as.

https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-field-management.html
"""

SECONDS_TO_BE_HEALTHY = 120.0

Schema: TypeAlias = "str | Mapping[str, Schema]"

_TYPES = {bool: "boolean", dict: "object", float: "number", int: "integer", list: "array", str: "string"}


def judge(name: str, configuration_values: str) -> None:
    """Refuses a configuration that the add-on's schema does not have.

    Raises:
        AwsError: `InvalidParameterException`, in EKS' words.
        RehearsalError: The stand-in has no such add-on.
    """
    found = list(problems(_addon(name)["schema"], json.loads(configuration_values or "{}")))
    if found:
        raise AwsError(
            "InvalidParameterException",
            "ConfigurationValue provided in request is not supported: Json schema validation failed with error: "
            f"[{', '.join(found)}]",
        )


def problems(schema: Schema, value: Any, path: str = "$") -> Iterator[str]:
    """Yields what a configuration has against its schema, in the words of EKS' validator. Null is always allowed."""
    expected = "object" if isinstance(schema, Mapping) else schema
    if expected == "any" or value is None:
        return
    given = next(name for kind, name in _TYPES.items() if isinstance(value, kind))
    if given != expected:
        yield f"{path}: {given} found, {expected} expected"
    elif isinstance(schema, Mapping):
        for key, item in cast("dict[str, Any]", value).items():
            if key not in schema:
                yield f"{path}.{key}: is not defined in the schema and the schema does not allow additional properties"
            else:
                yield from problems(schema[key], item, f"{path}.{key}")


def objects(name: str, version: str, configuration_values: str) -> list[KubernetesObject]:
    """What of an add-on stands in the cluster, marked as a stand-in."""
    addon, configuration = deepcopy(_addon(name)), json.loads(configuration_values or "{}")
    made: list[KubernetesObject] = addon["objects"]
    configured = [_configured(one, addon.get("parts", {}), configuration, version) for one in made]
    return [in_cluster.marked(one, mark(name)) for one in configured if one]


def mark(name: str) -> str:
    """What its objects say that they stand in for."""
    return f"addon-{name}"


def converge(layout: Layout, record: Record, _account: Account) -> Properties:
    """Brings an add-on's objects into the cluster, and waits until their pods are ready.

    Raises:
        AwsError: They are not.
        RehearsalError: The API server does not answer, or refuses an object.
    """
    name = str(record.inputs["addonName"])
    wanted = objects(
        name, str(record.outputs.get("addonVersion", "")), str(record.inputs.get("configurationValues") or "")
    )
    if not ProcessTable(layout.processes).is_running(kubelet.NAME):
        # Nobody serves it then, and while that is so no namespace can be deleted.
        wanted = [one for one in wanted if one["kind"] != "APIService"]
    with answering(layout, f"add-on {name}") as api:
        in_cluster.bring(api, mark(name), wanted, manager=MANAGER)
        missing = in_cluster.waits_for(api, wanted, SECONDS_TO_BE_HEALTHY)
    if missing:
        raise AwsError(
            "InsufficientNumberOfReplicas",
            "The add-on is unhealthy because it doesn't have the desired number of replicas. " + "; ".join(missing),
        )
    return {}


def dissolve(layout: Layout, record: Record) -> None:
    """Takes an add-on's objects out of the cluster, unless it says that they are to be kept.

    Raises:
        RehearsalError: The API server does not answer.
    """
    if record.inputs.get("preserve") or not layout.kubeconfig.exists():
        return
    name = str(record.inputs["addonName"])
    with answering(layout, f"add-on {name}") as api:
        in_cluster.bring(api, mark(name), [], manager=MANAGER)


@cache
def _addon(name: str) -> dict[str, Any]:
    if name not in ADDONS:
        raise RehearsalError(
            f"the aws stand-in has no add-on {name}",
            remedy="Add a file for it to rehearsal/emulators/aws/addons/, with what it has in the cluster.",
        )
    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text())


def _configured(
    obj: KubernetesObject, parts: Mapping[str, str], configuration: Mapping[str, Any], version: str
) -> KubernetesObject | None:
    """An object as a configuration has it; None where that does without it."""
    said = _part(configuration, parts, obj["metadata"]["name"])
    if obj["kind"] == "ConfigMap" and said.get("corefile"):
        obj["data"]["Corefile"] = said["corefile"]
    if obj["kind"] == "PodDisruptionBudget":
        budget: Mapping[str, Any] = said.get("podDisruptionBudget") or {}
        if budget.get("enabled") is False:
            return None
        bounds = {bound: budget[bound] for bound in ("maxUnavailable", "minAvailable") if budget.get(bound) is not None}
        if bounds:
            obj["spec"] = {"selector": obj["spec"]["selector"], **bounds}
    if obj["kind"] in ("Deployment", "DaemonSet"):
        replicas = said.get("replicaCount") or said.get("replicas")
        if replicas:
            obj["spec"]["replicas"] = replicas
        pod, metadata = obj["spec"]["template"]["spec"], obj["spec"]["template"]["metadata"]
        metadata["labels"] |= said.get("podLabels") or {}
        metadata |= {"annotations": said["podAnnotations"]} if said.get("podAnnotations") else {}
        pod |= {field: said[field] for field in PLACEMENT if said.get(field) is not None}
        for container in pod["containers"]:
            own = _part(configuration, parts, container["name"]).get("resources") or said.get("resources")
            if own:
                container["resources"] = own
            container["image"] = f"{REGISTRY}/{container['image']}:{version}"
    return obj


def _part(configuration: Mapping[str, Any], parts: Mapping[str, str], name: str) -> Mapping[str, Any]:
    return next(known_values(configuration, parts.get(name, "")), dict[str, Any]())
