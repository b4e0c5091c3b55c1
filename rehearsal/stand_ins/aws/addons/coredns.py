"""`coredns`: the Deployment, and the Service `kube-dns` that pods ask.

https://docs.aws.amazon.com/eks/latest/userguide/managing-coredns.html
"""

from __future__ import annotations

from rehearsal.stand_ins.aws.addons.addon import (
    BUDGET,
    NAMESPACE,
    ON_LINUX,
    AddonKind,
    Configuration,
    apart,
    image,
    over_zones,
)
from rehearsal.stand_ins.values import ANY, RESOURCES
from rehearsal.stand_ins.workloads import budget, container, deployment, placed, pods, requests, service_account
from release.kubernetes_api import KubernetesObject

SELECTOR = {"eks.amazonaws.com/component": "coredns", "k8s-app": "kube-dns"}
DNS_ADDRESS = "172.20.0.10"
"""The tenth address of the Services' range, which the kubelets of EKS tell to pods."""

SCHEMA = {
    "affinity": ANY,
    "annotationTopologyMode": str,
    "autoScaling": {
        "cpuCoresPerReplica": int,
        "enabled": bool,
        "maxReplicas": int,
        "minReplicas": int,
        "nodesPerReplica": int,
    },
    "computeType": str,
    "corefile": str,
    "nodeSelector": ANY,
    "podAnnotations": ANY,
    "podDisruptionBudget": BUDGET,
    "podLabels": ANY,
    "replicaCount": int,
    "resources": RESOURCES,
    "tolerations": list,
    "topologySpreadConstraints": list,
}


def _objects(values: Configuration, tag: str) -> list[KubernetesObject]:
    labels = {**SELECTOR, "kubernetes.io/name": "CoreDNS"}
    defaults = {
        "priorityClassName": "system-cluster-critical",
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": ON_LINUX},
            "podAntiAffinity": apart("k8s-app", "kube-dns"),
        },
        "tolerations": [
            {"key": "CriticalAddonsOnly", "operator": "Exists"},
            {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
        ],
        "topologySpreadConstraints": over_zones({"k8s-app": "kube-dns"}),
    }
    resources = values.get("resources") or requests("100m", "70Mi", most_memory="170Mi")
    spec = pods("coredns", [container("coredns", image("eks/coredns", tag), resources)], placed(defaults, values))
    return [
        service_account("coredns", NAMESPACE, SELECTOR),
        deployment(
            "coredns",
            NAMESPACE,
            labels,
            spec,
            replicas=values.get("replicaCount") or 2,
            selector=SELECTOR,
            values=values,
        ),
        _service(),
        *budget("coredns", NAMESPACE, SELECTOR, SELECTOR, values),
    ]


def _service() -> KubernetesObject:
    ports = [("dns", "UDP", 53), ("dns-tcp", "TCP", 53), ("metrics", "TCP", 9153)]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kube-dns",
            "namespace": NAMESPACE,
            "labels": {**SELECTOR, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"},
        },
        "spec": {
            "clusterIP": DNS_ADDRESS,
            "selector": {"k8s-app": "kube-dns"},
            "ports": [
                {"name": name, "protocol": protocol, "port": port, "targetPort": port} for name, protocol, port in ports
            ],
        },
    }


ADDON = AddonKind("coredns", SCHEMA, _objects)
