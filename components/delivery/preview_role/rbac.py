"""RBAC rules of previews, and the CEL expression that limits their writes to dry runs. Pure.

A preview with server-side apply sends each change as a dry run, for which the API server requires the same rights as
for the change itself. RBAC cannot tell dry runs apart; an admission policy can. Previews have no right to write what
the policy cannot cover; the Kubernetes provider then previews it without the API server:

- admission policies and their bindings, which are exempt from admission policies,
- roles and their bindings: a dry run of a new one needs the right to grant those rights,
- Secrets: the response to a patch has their values.

https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs

PREVIEWERS = "hello:previews"
"""Kubernetes group that the access entries give to the preview roles."""

DRY_RUN: Mapping[str, Sequence[str]] = {
    "": (
        "configmaps",
        "limitranges",
        "namespaces",
        "persistentvolumeclaims",
        "podtemplates",
        "resourcequotas",
        "serviceaccounts",
        "services",
    ),
    "apps": ("daemonsets", "deployments", "statefulsets"),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("cronjobs", "jobs"),
    "elasticsearch.k8s.elastic.co": ("elasticsearches",),
    "elbv2.k8s.aws": ("ingressclassparams",),
    "kibana.k8s.elastic.co": ("kibanas",),
    "networking.k8s.io": ("ingressclasses", "ingresses", "networkpolicies"),
    "policy": ("poddisruptionbudgets",),
    "scheduling.k8s.io": ("priorityclasses",),
    "storage.k8s.io": ("storageclasses",),
}
"""Resources that a preview reads and writes, as dry runs, by API group."""

READ_ONLY: Mapping[str, Sequence[str]] = {
    "": ("endpoints", "events", "pods"),
    "admissionregistration.k8s.io": (
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    ),
    "apiextensions.k8s.io": ("customresourcedefinitions",),
    "apps": ("replicasets",),
    "discovery.k8s.io": ("endpointslices",),
    "rbac.authorization.k8s.io": ("clusterrolebindings", "clusterroles", "rolebindings", "roles"),
}
"""Resources that a preview only reads, by API group: for the diff, and for the status of Deployments."""

READ = ("get", "list", "watch")

ONLY_DRY_RUNS = "has(request.dryRun) && request.dryRun"
"""https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/."""


def rules() -> list[PolicyRuleArgs]:
    """The rules of the ClusterRole."""
    return [
        *(_rule(group, resources, *READ, "create", "patch") for group, resources in DRY_RUN.items()),
        *(_rule(group, resources, *READ) for group, resources in READ_ONLY.items()),
    ]


def _rule(group: str, resources: Sequence[str], *verbs: str) -> PolicyRuleArgs:
    return PolicyRuleArgs(api_groups=[group], resources=list(resources), verbs=list(verbs))
