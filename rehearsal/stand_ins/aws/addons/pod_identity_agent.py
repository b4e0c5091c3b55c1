"""`eks-pod-identity-agent`: a program on each node that hands pods their AWS credentials.

https://github.com/aws/eks-pod-identity-agent/blob/main/charts/eks-pod-identity-agent/values.yaml
"""

from __future__ import annotations

from rehearsal.stand_ins.aws.addons.addon import NAMESPACE, ON_LINUX, AddonKind, Configuration, image
from rehearsal.stand_ins.values import ANY, RESOURCES
from rehearsal.stand_ins.workloads import EVERYWHERE, container, daemon_set, placed, pods, service_account
from release.kubernetes_api import KubernetesObject

NAME = "eks-pod-identity-agent"
SELECTOR = {"app.kubernetes.io/instance": NAME, "app.kubernetes.io/name": NAME}

SCHEMA = {
    "affinity": ANY,
    "agent": {"additionalArgs": ANY},
    "daemonsets": {"hybrid": {"create": bool}, "hybrid-bottlerocket": {"create": bool}},
    "fullnameOverride": str,
    "image": {"pullPolicy": str},
    "imagePullSecrets": list,
    "init": {"additionalArgs": ANY, "create": bool},
    "nameOverride": str,
    "nodeSelector": ANY,
    "podAnnotations": ANY,
    "priorityClassName": str,
    "resources": RESOURCES,
    "tolerations": list,
    "updateStrategy": ANY,
}


def _objects(values: Configuration, tag: str) -> list[KubernetesObject]:
    defaults = {
        "priorityClassName": "system-node-critical",
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": ON_LINUX}},
        "tolerations": EVERYWHERE,
    }
    only = container(NAME, image("eks/eks-pod-identity-agent", tag), values.get("resources"))
    spec = pods(NAME, [only], placed(defaults, values), host_network=True)
    return [
        service_account(NAME, NAMESPACE, SELECTOR),
        daemon_set(NAME, NAMESPACE, SELECTOR, spec, selector=SELECTOR, values=values),
    ]


ADDON = AddonKind(NAME, SCHEMA, _objects)
