"""CEL expressions for the fields that a release may change, and the names of objects that it may create and delete.

CEL cannot compare two objects but for some fields, so every other field is compared by itself. A field that a newer
Kubernetes adds has to be added here: `tests/release/test_access.py` reads all fields from the API server and tries to
change each.
https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from contract import labels
from contract.blue_green import (
    CONFIGURATION_SUFFIX,
    FORWARD_ACTION,
    HOOK,
    HOOK_NAMES,
    PORT_POLICY_SUFFIX,
    RELEASE_MANAGER,
    SLOTS,
    forward_action,
    history_name,
    lock_name,
    slot_name,
)

METADATA = ("labels", "annotations", "ownerReferences", "finalizers", "generateName", "selfLink")
"""The metadata that a client can change, but for `managedFields`, which has no effect of its own."""

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
"""https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#servicespec-v1-core, without `selector`."""

AUTOSCALER = ("minReplicas", "maxReplicas", "metrics", "behavior")
"""https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#horizontalpodautoscalerspec-v2-autoscaling,
without `scaleTargetRef`."""

INGRESS = ("ingressClassName", "defaultBackend", "tls", "rules")
"""https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#ingressspec-v1-networking-k8s-io."""

DEPLOYMENT = ("paused", "progressDeadlineSeconds", "selector", "strategy")
"""https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#deploymentspec-v1-apps, without
`minReadySeconds`, `replicas`, `revisionHistoryLimit` and `template`."""


IS_OTHER_WRITER = (
    "!(has(request.options) && has(request.options.fieldManager) && "
    f"request.options.fieldManager == '{RELEASE_MANAGER}')"
)
"""True where the field manager of a request is not the release tool's, whoever runs that: an administrator may, too."""


def unchanged(path: str, names: Sequence[str]) -> str:
    """True where none of these fields under a path is changed, added or removed."""
    return " && ".join(f"object.{path}.?{name} == oldObject.{path}.?{name}" for name in names)


def only_slot_changed() -> str:
    """True where a Service's selector differs in the slot only, which it may lack, and which gets one of `SLOTS`."""
    new, old = "object.spec.selector", "oldObject.spec.selector"
    return (
        f"has({new}) && has({old}) && {old}.all(key, key in {new}) && "
        f"{new}.all(key, key == '{labels.SLOT}' || key in {old} && {new}[key] == {old}[key]) && "
        f"{new}[?'{labels.SLOT}'].orValue('') in {json.dumps(list(SLOTS))}"
    )


def only_target_changed() -> str:
    """True where an autoscaler's target differs in the name only, and the name is that of a slot of its service."""
    targets = ", ".join(f"object.metadata.name + '{slot_name('', slot)}'" for slot in SLOTS)
    return (
        f"{unchanged('spec.scaleTargetRef', ('apiVersion', 'kind'))} && object.spec.scaleTargetRef.name in [{targets}]"
    )


def only_weights_changed(services: Sequence[str]) -> str:
    """True where an Ingress' annotations differ in the actions of these services only, and these in their weights."""
    new, old = "object.metadata.annotations", "oldObject.metadata.annotations"
    actions = {f"{FORWARD_ACTION}{service}": action_pattern(service) for service in services}
    return (
        f"has({new}) && has({old}) && {old}.all(key, key in {new}) && {new}.all(key, key in {old} && "
        f"({new}[key] == {old}[key] || "
        f"{json.dumps(actions)}[?key].optMap(action, {new}[key].matches(action)).orValue(false)))"
    )


def weights_unchanged(services: Sequence[str]) -> str:
    """True where an Ingress keeps the actions of these services, gets or loses one, or gets the initial one again.

    With that one the active Service decides. The policy `components.ingress.forward` writes it into another's request.
    """
    new, old = "object.metadata.?annotations[?key]", "oldObject.metadata.?annotations[?key]"
    initial = json.dumps({f"{FORWARD_ACTION}{service}": forward_action(service) for service in services})
    kept = f"!{old}.hasValue() || !{new}.hasValue() || {new} == {old}"
    return f"{initial}.all(key, {kept} || {new}.orValue('') == {initial}[key])"


def action_pattern(service: str) -> str:
    """The regular expression of a service's action with any weights, as the release tool writes it."""
    text = re.sub(r'(?<="weight": )\d+', "WEIGHT", forward_action(service))
    return f"^{re.escape(text).replace('WEIGHT', '(100|[1-9]?[0-9])')}$"


def object_names(services: Sequence[str]) -> str:
    """True where a release creates the history or lock of a service, or deletes configuration or a policy of a port."""
    creatable = {
        "configmaps": list(map(history_name, services)),
        "leases": list(map(lock_name, services)),
        "networkpolicies": [],
    }
    names = "|".join(services)
    deletable = {
        "configmaps": f"^({names}){CONFIGURATION_SUFFIX}$",
        "leases": "^$",
        "networkpolicies": f"^({names}){PORT_POLICY_SUFFIX}$",
    }
    return (
        "request.operation == 'CREATE' ? "
        f"object.metadata.name in {json.dumps(creatable)}[request.resource.resource] : "
        f"oldObject.metadata.name.matches({json.dumps(deletable)}[request.resource.resource])"
    )


def is_hook(services: Sequence[str]) -> str:
    """True for the Job of a service's hook: in no slot, so that no Service selects its pod, with the service's rights.

    Its pod's other limits are those of Pod Security, of the quota and of `images`.
    """
    service, hook = (f"object.metadata.?labels['{key}'].orValue('')" for key in (labels.SERVICE, HOOK))
    pod = "object.spec.template"
    return (
        f"{service} in {json.dumps(list(services))} && {hook} in {json.dumps(HOOK_NAMES)} && "
        f"object.metadata.name.startsWith({service} + '-' + {hook} + '-') && "
        f"!has(object.metadata.ownerReferences) && "
        f"{pod}.metadata.?labels['{labels.SERVICE}'].orValue('') == {service} && "
        f"!('{labels.SLOT}' in {pod}.metadata.?labels.orValue({{}})) && "
        f"{pod}.spec.?serviceAccountName.orValue('') == {service} && {pod}.spec.containers.size() == 1"
    )
