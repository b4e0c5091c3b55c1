"""Resources that remain after a destroy."""

from __future__ import annotations

from collections.abc import Sequence

from kube.client import KubernetesApi
from rehearsal import aws
from rehearsal.aws import contents
from rehearsal.emulators.aws.account import Account
from rehearsal.kubelet import kwok
from rehearsal.layout import Layout

SYSTEM_NAMESPACES = {"default", "kube-system", "kube-public", "kube-node-lease"}

_ANYWHERE = (
    ("v1", "Node"),
    ("v1", "PersistentVolume"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
)
"""Kinds without any object in a new control plane, except the CustomResourceDefinitions of kwok."""


def find(layout: Layout, api: KubernetesApi, state: Sequence[str]) -> list[str]:
    """Remaining resources in state, AWS account and cluster, one line each; `state` has the state's URNs."""
    return [
        *(f"state: {urn}" for urn in state),
        *(f"AWS account: {record.type} {record.id}" for record in Account.load(layout).records()),
        *(f"AWS account: {one}" for one in contents.of(layout, aws.region(layout))),
        *(f"cluster: Namespace {name}" for name in _names(api, "v1", "Namespace") if name not in SYSTEM_NAMESPACES),
        *(
            f"cluster: {kind} {name}"
            for api_version, kind in _ANYWHERE
            for name in _names(api, api_version, kind)
            if not name.endswith(kwok.GROUP)
        ),
    ]


def _names(api: KubernetesApi, api_version: str, kind: str) -> list[str]:
    return [str(body["metadata"]["name"]) for body in api.list(api_version, kind)]
