"""`kubernetes:helm.sh/v3:Release`, as the real provider keeps it, for the charts that the stand-in has.

https://github.com/pulumi/pulumi-kubernetes/blob/v4.29.0/provider/pkg/provider/helm_release.go
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.layout import DIRECTORY_VARIABLE, Layout
from rehearsal.stand_ins import in_cluster
from rehearsal.stand_ins.kubernetes.comparing import Comparison
from rehearsal.stand_ins.kubernetes.differences import differences
from rehearsal.stand_ins.kubernetes.helm import chart
from rehearsal.stand_ins.kubernetes.helm.chart import Release
from rehearsal.stand_ins.kubernetes.identity import generated_name, name_of_urn
from rehearsal.stand_ins.kubernetes.paths import parse
from rehearsal.stand_ins.kubernetes.properties import (
    UNKNOWN,
    PropertyBag,
    Secret,
    has_unknown,
    revealed,
    with_secrets_of,
)
from rehearsal.stand_ins.values import problems
from rehearsal.stand_ins.workloads import marked
from release.kubernetes_api import KubernetesApi, KubernetesObject

TYPE = "kubernetes:helm.sh/v3:Release"
INPUTS = "__inputs"
MANAGER = "helm"
DEFAULT_TIMEOUT_SECONDS = 300


def checked(urn: str, new: PropertyBag, old: PropertyBag, *, default_namespace: str, seed: bytes) -> PropertyBag:
    """New inputs, completed.

    Raises:
        RehearsalError: The stand-in has no such chart, or the chart no such values.
    """
    inputs = {**new}
    if not inputs.get("name"):
        inputs["name"] = old.get("name") or generated_name(f"{name_of_urn(urn)}-", seed)
    if not inputs.get("namespace"):
        inputs["namespace"] = default_namespace
    if not inputs.get("skipAwait"):
        inputs.setdefault("timeout", DEFAULT_TIMEOUT_SECONDS)
    plain = revealed(inputs)
    if not has_unknown({key: plain.get(key) for key in ("chart", "repositoryOpts", "values")}):
        _judge(plain)
    return inputs


def compared(state: PropertyBag, inputs: PropertyBag, ignore_changes: Sequence[str]) -> Comparison:
    """What an update would do: another name or namespace is another release."""
    changes = differences(
        revealed(state.get(INPUTS, {})),
        revealed(inputs),
        replacing=[("name",), ("namespace",)],
        ignored=[parse(path) for path in ignore_changes],
    )
    return Comparison(tuple(changes), delete_first=False)


def foreseen(inputs: PropertyBag) -> PropertyBag:
    """The state that a preview shows."""
    return {**inputs, INPUTS: Secret(inputs), "resourceNames": UNKNOWN, "status": UNKNOWN}


def installed(api: KubernetesApi, inputs: PropertyBag, *, revision: int) -> PropertyBag:
    """Installs or upgrades a release, and waits until its pods are ready unless it says not to.

    Returns:
        The state to keep.

    Raises:
        RehearsalError: The pods do not become ready in time.
        KubernetesApiError: The API server refuses an object.
    """
    plain = revealed(inputs)
    release = _release(plain)
    objects = _objects(plain)
    in_cluster.define(api, chart(str(plain["chart"]), _repository(plain)).definitions(), manager=MANAGER)
    in_cluster.bring(api, _mark(release), objects, manager=MANAGER)
    starts = chart(str(plain["chart"]), _repository(plain)).starts
    if starts is not None and DIRECTORY_VARIABLE in os.environ:
        starts(Layout.of_environment(), release)
    if not plain.get("skipAwait"):
        missing = in_cluster.waits_for(api, objects, float(plain["timeout"]))
        if missing:
            raise RehearsalError(
                f"Helm release {identifier(plain)} was created, but failed to initialize completely: "
                + "; ".join(missing),
                remedy="See why its pods have no place with `kubectl describe pods`, then run the command again.",
            )
    status = {
        "appVersion": "",
        "chart": plain["chart"],
        "name": release.name,
        "namespace": release.namespace,
        "revision": revision,
        "status": "deployed",
        "version": release.version,
    }
    return {
        **with_secrets_of(dict(plain), inputs),
        INPUTS: Secret(inputs),
        "resourceNames": _names(objects),
        "status": status,
    }


def is_there(api: KubernetesApi, state: PropertyBag) -> bool:
    """Whether what a release has in the cluster is there, all of it."""
    objects = _objects(revealed(state))
    return all(
        api.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace"))
        for obj in objects
    )


def uninstalled(api: KubernetesApi, state: PropertyBag) -> None:
    """Takes a release away."""
    plain = revealed(state)
    in_cluster.bring(api, _mark(_release(plain)), [], manager=MANAGER)
    ends = chart(str(plain["chart"]), _repository(plain)).ends
    if ends is not None and DIRECTORY_VARIABLE in os.environ:
        ends(Layout.of_environment())


def identifier(plain: PropertyBag) -> str:
    """The resource's id."""
    return f"{plain['namespace']}/{plain['name']}"


def _judge(plain: PropertyBag) -> None:
    if plain.get("valueYamlFiles"):
        raise RehearsalError(
            "the stand-in for the kubernetes provider reads no valueYamlFiles of a Helm release",
            remedy="Give its values as `values`.",
        )
    name = str(plain.get("chart"))
    known = chart(name, _repository(plain))
    if not plain.get("version"):
        raise RehearsalError(
            f"which version of the chart {name} is the newest, no rehearsal can know",
            remedy="Give the release's version: without one, each preview would ask for the newest, and change.",
        )
    found = list(problems(known.values, plain.get("values") or {}, "values"))
    if found:
        raise RehearsalError(
            f"values that the stand-in of the chart {name} does not know: {'; '.join(found)}",
            remedy="Correct them; or, where the chart has them, teach them to the chart's module in "
            "rehearsal/stand_ins/kubernetes/helm/.",
        )


def _repository(plain: PropertyBag) -> str | None:
    options: PropertyBag = plain.get("repositoryOpts") or {}
    return options.get("repo")


def _release(plain: PropertyBag) -> Release:
    values: dict[str, Any] = plain.get("values") or {}
    return Release(str(plain["name"]), str(plain["namespace"]), str(plain.get("version", "")), values)


def _objects(plain: PropertyBag) -> list[KubernetesObject]:
    release = _release(plain)
    known = chart(str(plain["chart"]), _repository(plain))
    return marked(known.objects(release), _mark(release))


def _mark(release: Release) -> str:
    return f"release-{release.namespace}.{release.name}"


def _names(objects: Sequence[KubernetesObject]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for obj in objects:
        metadata = obj["metadata"]
        names.setdefault(f"{obj['kind']}.{obj['apiVersion']}", []).append(
            f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else metadata["name"]
        )
    return names
