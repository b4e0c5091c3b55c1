"""`kube-proxy`. https://docs.aws.amazon.com/eks/latest/userguide/managing-kube-proxy.html ."""

from __future__ import annotations

from rehearsal.stand_ins.aws.addons.addon import NAMESPACE, ON_LINUX, AddonKind, Configuration, image
from rehearsal.stand_ins.values import ANY, RESOURCES
from rehearsal.stand_ins.workloads import EVERYWHERE, container, daemon_set, pods, requests, service_account
from release.kubernetes_api import KubernetesObject

NAME = "kube-proxy"
SELECTOR = {"k8s-app": NAME}

SCHEMA = {
    "ipvs": {"scheduler": str},
    "mode": str,
    "podAnnotations": ANY,
    "podLabels": ANY,
    "resources": RESOURCES,
}


def _objects(values: Configuration, tag: str) -> list[KubernetesObject]:
    placement = {
        "priorityClassName": "system-node-critical",
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": ON_LINUX}},
        "tolerations": EVERYWHERE,
    }
    resources = values.get("resources") or requests("100m")
    spec = pods(NAME, [container(NAME, image("eks/kube-proxy", tag), resources)], placement, host_network=True)
    labels = {**SELECTOR, "eks.amazonaws.com/component": NAME}
    return [
        service_account(NAME, NAMESPACE, labels),
        daemon_set(NAME, NAMESPACE, labels, spec, selector=SELECTOR, values=values),
    ]


ADDON = AddonKind(NAME, SCHEMA, _objects)
