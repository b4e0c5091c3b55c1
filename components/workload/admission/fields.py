"""Which fields of an object a release may change, and under which names it may create and delete: in CEL.

CEL has no difference of two objects, so each field is compared. A field that a newer Kubernetes adds has to be added
here: a test takes all there are from the API server and tries to change each.
https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from contract import labels
from contract.blue_green import CONFIGURATION, SLOTS, history, lock, slot_name

METADATA = ("labels", "annotations", "ownerReferences", "finalizers", "generateName", "selfLink")
"""What a writer can change of metadata. The API server keeps the rest; managed fields only say who wrote what."""

SERVICE = (
    "allocateLoadBalancerNodePorts",
    "clusterIP",
    "clusterIPs",
    "externalIPs",
    "externalName",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "internalTrafficPolicy",
    "ipFamilies",
    "ipFamilyPolicy",
    "loadBalancerClass",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "ports",
    "publishNotReadyAddresses",
    "sessionAffinity",
    "sessionAffinityConfig",
    "trafficDistribution",
    "type",
)
"""https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#servicespec-v1-core, but for the selector."""

AUTOSCALER = ("minReplicas", "maxReplicas", "metrics", "behavior")
"""https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#horizontalpodautoscalerspec-v2-autoscaling ."""

DEPLOYMENT = ("minReadySeconds", "paused", "progressDeadlineSeconds", "revisionHistoryLimit", "selector", "strategy")
"""https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#deploymentspec-v1-apps, but for two."""


def unchanged(path: str, names: Sequence[str]) -> str:
    """That no field of these under a path is another one than before, or there where it was not."""
    return " && ".join(f"object.{path}.?{name} == oldObject.{path}.?{name}" for name in names)


def only_the_slot() -> str:
    """That a Service's selector is the same but for the slot, which is one of the two."""
    now, before = "object.spec.selector", "oldObject.spec.selector"
    return (
        f"has({now}) && has({before}) && {now}.size() == {before}.size() && "
        f"{now}.all(key, key in {before} && (key == '{labels.SLOT}' || {now}[key] == {before}[key])) && "
        f"{now}[?'{labels.SLOT}'].orValue('') in {json.dumps(list(SLOTS))}"
    )


def only_the_target() -> str:
    """That an autoscaler's target is one of its service's slots, by name, and the same otherwise."""
    targets = ", ".join(f"object.metadata.name + '{slot_name('', slot)}'" for slot in SLOTS)
    return (
        f"{unchanged('spec.scaleTargetRef', ('apiVersion', 'kind'))} && object.spec.scaleTargetRef.name in [{targets}]"
    )


def names(services: Sequence[str]) -> str:
    """That what a release creates is a service's history or lock, and what it deletes a service's configuration."""
    kept = {"configmaps": [history(one) for one in services], "leases": [lock(one) for one in services]}
    ours = f"oldObject.metadata.name.matches('{CONFIGURATION}$')"
    service = "oldObject.metadata.name.substring(0, oldObject.metadata.name.lastIndexOf('-'))"
    return (
        "request.operation == 'CREATE' ? "
        f"object.metadata.name in {json.dumps(kept)}[request.resource.resource] : "
        f"request.resource.resource == 'configmaps' && {ours} && {service} in {json.dumps(list(services))}"
    )
