"""What those who release may ask of the Kubernetes API: Roles by the services' names, in each environment.

The table in `docs/releases.md` says which command asks for what. RBAC cannot limit `create`, `list` and `watch` to
names: what may be created or deleted under which name is admission's to say (`components/workload/admission/`).
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs, RoleRefArgs, SubjectArgs

from components.kubernetes.metadata import name_of
from contract.blue_green import PORT_NAME, SLOTS, VERIFIED_ENVIRONMENT, history, lock, preview, records, slot_name
from contract.identities import DEPLOYERS, RELEASE, VERIFY
from contract.namespaces import DELIVERY

RBAC = "rbac.authorization.k8s.io"


def looking(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """What every command looks at: the services' objects, histories, locks and records; no Secret."""
    return [
        _rule("", "podtemplates", "list"),
        _rule("", "podtemplates", "get", names=services),
        _rule("", "services", "list"),
        _rule("", "pods", "list"),
        _rule("apps", "deployments", "list", "watch"),
        _rule("discovery.k8s.io", "endpointslices", "list", "watch"),
        _rule("autoscaling", "horizontalpodautoscalers", "get", names=services),
        _rule("coordination.k8s.io", "leases", "get", names=map(lock, services)),
        _rule("", "configmaps", "get", names=[*map(history, services), *map(records, services)]),
    ]


def releasing(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """What a release changes. No right to Secrets: a list is also every value, and each goes with its ConfigMap."""
    slots = [slot_name(service, slot) for service in services for slot in SLOTS]
    return [
        _rule("apps", "deployments", "get", "patch", names=slots),
        _rule("", "services", "get", "patch", names=[*services, *map(preview, services)]),
        _rule("autoscaling", "horizontalpodautoscalers", "patch", names=services),
        _rule("coordination.k8s.io", "leases", "create"),
        _rule("coordination.k8s.io", "leases", "patch", names=map(lock, services)),
        _rule("", "configmaps", "create", "list", "delete"),
        _rule("", "configmaps", "patch", names=map(history, services)),
        _rule("", "events", "create"),
    ]


def asking(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """A person's way to the services' pods, from outside the cluster: through the API server, by the port's name."""
    names = [f"{name}:{PORT_NAME}" for service in services for name in (service, preview(service))]
    return [_rule("", "services/proxy", "get", names=names)]


def verifying(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """What a verification changes: the records."""
    return [_rule("", "configmaps", "patch", names=map(records, services))]


def overriding(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """The right to let an image in that no record names. Kubernetes has no such verb; admission asks for it."""
    return [_rule("", "configmaps", "override", names=map(records, services))]


def _rule(group: str, resource: str, *verbs: str, names: Sequence[str] | map[str] | None = None) -> PolicyRuleArgs:
    return PolicyRuleArgs(
        api_groups=[group],
        resources=[resource],
        verbs=list(verbs),
        resource_names=None if names is None else list(names),
    )


@dataclass(frozen=True, kw_only=True)
class ReleaseAccessArgs:
    """What `ReleaseAccess` is made from.

    Attributes:
        environments: Namespace of each environment, by name.
        services: Names of the services.
    """

    environments: Mapping[str, pulumi.Input[str]]
    services: Sequence[str]


class ReleaseAccess(pulumi.ComponentResource):
    """A Role for each thing that is done in an environment, bound to those who do it."""

    def __init__(self, name: str, args: ReleaseAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:ReleaseAccess", name, {}, opts)
        release, verify = _service_account(RELEASE), _service_account(VERIFY)
        people = SubjectArgs(kind="Group", name=DEPLOYERS, api_group=RBAC)
        services = args.services
        for environment, namespace in args.environments.items():
            self._allow(environment, namespace, "hello-look", looking(services), [release, verify, people])
            self._allow(environment, namespace, "hello-release", releasing(services), [release, people])
            self._allow(environment, namespace, "hello-ask", asking(services), [people])
        needed_in = VERIFIED_ENVIRONMENT, args.environments[VERIFIED_ENVIRONMENT]
        self._allow(*needed_in, "hello-verify", verifying(services), [verify])
        self._allow(*needed_in, "hello-override", overriding(services), [people])
        self.register_outputs({})

    def _allow(
        self,
        environment: str,
        namespace: pulumi.Input[str],
        name: str,
        rules: Sequence[PolicyRuleArgs],
        subjects: Sequence[SubjectArgs],
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        metadata = ObjectMetaArgs(name=name, namespace=namespace)
        role = kubernetes.rbac.v1.Role(f"{environment}-{name}", metadata=metadata, rules=rules, opts=child)
        kubernetes.rbac.v1.RoleBinding(
            f"{environment}-{name}",
            metadata=metadata,
            role_ref=RoleRefArgs(api_group=RBAC, kind="Role", name=name_of(role.metadata, name)),
            subjects=subjects,
            opts=child,
        )


def _service_account(name: str) -> SubjectArgs:
    return SubjectArgs(kind="ServiceAccount", name=name, namespace=DELIVERY)
