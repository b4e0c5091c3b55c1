"""`coredns`: the Deployment, whose program is the real one, its Corefile and rights, and the Service `kube-dns`.

https://docs.aws.amazon.com/eks/latest/userguide/managing-coredns.html
https://aws.amazon.com/blogs/containers/recent-changes-to-the-coredns-add-on/ (health, probes)
https://github.com/kubernetes/kubernetes/blob/v1.36.3/cluster/addons/dns/coredns/coredns.yaml.base (what EKS' follows)
"""

from __future__ import annotations

from typing import Any

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

COREFILE = """\
.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
}
"""
"""What holds where the configuration gives no `corefile`."""

PORTS = (("dns", "UDP", 53), ("dns-tcp", "TCP", 53), ("metrics", "TCP", 9153))

_RULES: tuple[dict[str, list[str]], ...] = (
    {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
)

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
    spec = {
        **pods("coredns", [_server(values, tag)], placed(defaults, values)),
        "dnsPolicy": "Default",
        "volumes": [
            {
                "name": "config-volume",
                "configMap": {"name": "coredns", "items": [{"key": "Corefile", "path": "Corefile"}]},
            }
        ],
    }
    return [
        service_account("coredns", NAMESPACE, SELECTOR),
        *_rights(),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "coredns", "namespace": NAMESPACE, "labels": dict(SELECTOR)},
            "data": {"Corefile": values.get("corefile") or COREFILE},
        },
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


def _server(values: Configuration, tag: str) -> KubernetesObject:
    def asked(path: str, port: int, **timing: int) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": port, "scheme": "HTTP"}, **timing}

    resources = values.get("resources") or requests("100m", "70Mi", most_memory="170Mi")
    return {
        **container("coredns", image("eks/coredns", tag), resources),
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [{"name": name, "protocol": protocol, "containerPort": port} for name, protocol, port in PORTS],
        "livenessProbe": asked("/health", 8080, initialDelaySeconds=60, timeoutSeconds=5, failureThreshold=5),
        "readinessProbe": asked("/ready", 8181),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "config-volume", "mountPath": "/etc/coredns", "readOnly": True}],
    }


def _rights() -> list[KubernetesObject]:
    group, meta = "rbac.authorization.k8s.io", {"name": "system:coredns", "labels": dict(SELECTOR)}
    return [
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": meta, "rules": list(_RULES)},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": meta["name"]},
            "subjects": [{"kind": "ServiceAccount", "name": "coredns", "namespace": NAMESPACE}],
        },
    ]


def _service() -> KubernetesObject:
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
                {"name": name, "protocol": protocol, "port": port, "targetPort": port} for name, protocol, port in PORTS
            ],
        },
    }


ADDON = AddonKind("coredns", SCHEMA, _objects)
