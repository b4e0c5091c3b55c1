"""What a preview may ask of the Kubernetes API, and that it changes nothing. Pure.

A preview by server-side apply sends what it would apply as a dry run, for which the API server asks for the same rights
as for the real thing. RBAC does not know dry runs; an admission policy does. What the policy cannot guard is not tried:
the Kubernetes provider then previews it without the API server. That is

- policies and their bindings: admission does not judge what judges (a policy of ours would not hold for them),
- roles and their bindings: a dry run of a new one needs the right to give rights,
- Secrets: who may patch one reads it in the answer.

https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs

PREVIEWERS = "hello:previews"
"""Group of who previews, by the access entry of the role."""

TRIED: Mapping[str, Sequence[str]] = {
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
"""Resources that are looked at and tried, by API group."""

LOOKED_AT: Mapping[str, Sequence[str]] = {
    "": ("endpoints", "events", "pods"),
    "admissionregistration.k8s.io": ("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
    "apiextensions.k8s.io": ("customresourcedefinitions",),
    "apps": ("replicasets",),
    "discovery.k8s.io": ("endpointslices",),
    "rbac.authorization.k8s.io": ("clusterrolebindings", "clusterroles", "rolebindings", "roles"),
}
"""Resources that are looked at only, by API group: to compare with, and to say how a Deployment does."""

LOOK = ("get", "list", "watch")

ONLY_DRY_RUNS = "has(request.dryRun) && request.dryRun"
"""https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/."""


def rules() -> list[PolicyRuleArgs]:
    """The rights, in the whole cluster."""
    return [
        *(_rule(group, resources, *LOOK, "create", "patch") for group, resources in TRIED.items()),
        *(_rule(group, resources, *LOOK) for group, resources in LOOKED_AT.items()),
    ]


def _rule(group: str, resources: Sequence[str], *verbs: str) -> PolicyRuleArgs:
    return PolicyRuleArgs(api_groups=[group], resources=list(resources), verbs=list(verbs))
