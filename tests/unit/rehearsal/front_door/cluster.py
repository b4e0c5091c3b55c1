"""The objects of a small cluster: two environments, a public load balancer and one for staff."""

from __future__ import annotations

from typing import Any

from rehearsal.front_door.annotations import PREFIX
from rehearsal.front_door.routes import CONTROLLER, Objects
from release.kubernetes_api import KubernetesObject

DOMAIN = "hello.example.com"
OFFICE = "203.0.113.0/24"


def node(name: str, environment: str, address: str, **spec: Any) -> KubernetesObject:
    """A node of an environment."""
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"environment": environment}},
        "spec": spec,
        "status": {"addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]},
    }


def service(namespace: str, name: str, node_port: int | None, **annotations: str) -> KubernetesObject:
    """A Service; its annotations without their prefix, `_` for `-`."""
    port: dict[str, Any] = {"name": "http", "port": 8099, **({"nodePort": node_port} if node_port else {})}
    return {
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": name, "annotations": prefixed(annotations)},
        "spec": {"type": "NodePort", "ports": [port], "selector": {"slot": "blue"}},
    }


def prefixed(annotations: dict[str, str]) -> dict[str, str]:
    """The load balancer's annotations, and one that is none of its."""
    ours = {f"{PREFIX}{name.replace('_', '-')}": text for name, text in annotations.items()}
    return {**ours, "pulumi.com/skipAwait": "true"}


def path(text: str, name: str, kind: str = "Prefix", port: str | int = "http") -> dict[str, Any]:
    """A path of an Ingress."""
    number = {"number": port} if isinstance(port, int) else {"name": port}
    return {"path": text, "pathType": kind, "backend": {"service": {"name": name, "port": number}}}


def ingress(
    namespace: str, host: str, *paths: dict[str, Any], on: str = "public", **annotations: str
) -> KubernetesObject:
    """An Ingress of one host, whose targets are the nodes of its namespace's environment."""
    ours = {"target_type": "instance", "target_node_labels": f"environment={namespace}", **annotations}
    return {
        "kind": "Ingress",
        "metadata": {"namespace": namespace, "name": namespace, "annotations": prefixed(ours)},
        "spec": {"ingressClassName": on, "rules": [{"host": host, "http": {"paths": list(paths)}}]},
    }


def ingress_class(name: str, controller: str = CONTROLLER) -> KubernetesObject:
    """An IngressClass with parameters of the same name."""
    return {
        "kind": "IngressClass",
        "metadata": {"name": name},
        "spec": {
            "controller": controller,
            "parameters": {"apiGroup": "elbv2.k8s.aws", "kind": "IngressClassParams", "name": name},
        },
    }


def parameters(name: str, **spec: Any) -> KubernetesObject:
    """IngressClassParams."""
    return {"kind": "IngressClassParams", "metadata": {"name": name}, "spec": {"group": {"name": name}, **spec}}


def namespace(name: str) -> KubernetesObject:
    """A namespace with the label that every one has."""
    return {"kind": "Namespace", "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}


def cluster(**changes: Any) -> Objects:
    """The cluster, with other objects of some kinds."""
    objects: dict[str, Any] = {
        "ingresses": [
            ingress("prod", DOMAIN, path("/", "frontend"), path("/api", "gateway")),
            ingress("dev", f"test.{DOMAIN}", path("/", "frontend"), path("/api", "gateway")),
            ingress("logging", f"log.{DOMAIN}", path("/", "kibana", port=8099), on="staff"),
        ],
        "classes": [ingress_class("public"), ingress_class("staff")],
        "parameters": [parameters("public"), parameters("staff", inboundCIDRs=[OFFICE])],
        "services": [
            service(name, app, port + offset, healthcheck_path=health)
            for name, port in (("prod", 31000), ("dev", 32000))
            for app, offset, health in (("frontend", 1, "/"), ("gateway", 2, "/healthcheck"))
        ],
        "nodes": [
            node("prod-1", "prod", "10.44.0.1"),
            node("prod-2", "prod", "10.44.0.2"),
            node("dev-1", "dev", "10.10.0.1"),
        ],
        "namespaces": [namespace("dev"), namespace("prod"), namespace("logging")],
    }
    return Objects(**{**objects, **changes})
