"""RBAC of releases: Roles in each environment, limited to the names of the services' objects.

The table in `docs/releases.md` lists the rights that each command of the release tool needs. RBAC cannot limit
`create`, `list` and `watch` to names: admission policies limit what may be created and deleted
(`components/workload/admission/`).
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
from contract.blue_green import (
    PORT_NAME,
    SLOTS,
    TEST_ENVIRONMENT,
    VERIFIED_ENVIRONMENT,
    history_name,
    ingress_names,
    lock_name,
    preview_service_name,
    slot_name,
    verified_images_name,
)
from contract.identities import DEPLOYERS, RELEASE, VERIFIERS, VERIFY, releasers
from contract.namespaces import DELIVERY

RBAC = "rbac.authorization.k8s.io"


def read_rules(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """Rights to read what every command reads: the services' objects, histories, locks and records; no Secret."""
    return [
        _rule("", "podtemplates", "list"),
        _rule("", "podtemplates", "get", names=services),
        _rule("", "services", "list"),
        _rule("", "pods", "list"),
        _rule("apps", "deployments", "list", "watch"),
        _rule("apps", "replicasets", "list"),
        _rule("discovery.k8s.io", "endpointslices", "list", "watch"),
        _rule("autoscaling", "horizontalpodautoscalers", "list"),
        _rule("autoscaling", "horizontalpodautoscalers", "get", names=services),
        _rule("networking.k8s.io", "ingresses", "list"),
        _rule("coordination.k8s.io", "leases", "list"),
        _rule("coordination.k8s.io", "leases", "get", names=map(lock_name, services)),
        _rule("batch", "jobs", "list"),
        _rule("", "configmaps", "list"),
        _rule("", "configmaps", "get", names=[*map(history_name, services), *map(verified_images_name, services)]),
    ]


def release_rules(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """Rights to write what a release changes.

    None to Secrets, since `list` returns their values: a Secret is garbage-collected with the ConfigMap that owns it.
    """
    slots = [slot_name(service, slot) for service in services for slot in SLOTS]
    return [
        _rule("apps", "deployments", "get", "patch", names=slots),
        _rule("", "services", "get", "patch", names=[*services, *map(preview_service_name, services)]),
        _rule("autoscaling", "horizontalpodautoscalers", "patch", names=services),
        _rule("coordination.k8s.io", "leases", "create"),
        _rule("coordination.k8s.io", "leases", "patch", names=map(lock_name, services)),
        _rule("", "configmaps", "create", "delete"),
        _rule("networking.k8s.io", "networkpolicies", "list", "delete"),
        _rule("", "configmaps", "patch", names=map(history_name, services)),
        _rule("", "events", "create"),
        _rule("batch", "jobs", "create"),
        _rule("", "pods/log", "get"),
    ]


def target_group_rules() -> list[PolicyRuleArgs]:
    """The right to read which of the load balancer's target groups is which Service's."""
    return [_rule("elbv2.k8s.aws", "targetgroupbindings", "list")]


def weight_rules(environment: str) -> list[PolicyRuleArgs]:
    """The right to change the Ingress of an environment's host, of which admission allows the weights only."""
    return [_rule("networking.k8s.io", "ingresses", "get", "patch", names=ingress_names(environment))]


def proxy_rules(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """The right to send requests to the services through the API server's proxy, for people outside the cluster."""
    names = [f"{name}:{PORT_NAME}" for service in services for name in (service, preview_service_name(service))]
    return [_rule("", "services/proxy", "get", names=names)]


def verify_rules(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """The right to write the records of verified images."""
    return [_rule("", "configmaps", "patch", names=map(verified_images_name, services))]


def override_rules(services: Sequence[str]) -> list[PolicyRuleArgs]:
    """The right to release an image that is not verified: a verb of our own, which the admission policy checks."""
    return [_rule("", "configmaps", "override", names=map(verified_images_name, services))]


def _rule(group: str, resource: str, *verbs: str, names: Sequence[str] | map[str] | None = None) -> PolicyRuleArgs:
    return PolicyRuleArgs(
        api_groups=[group],
        resources=[resource],
        verbs=list(verbs),
        resource_names=None if names is None else list(names),
    )


@dataclass(frozen=True, kw_only=True)
class ReleaseAccessArgs:
    """Arguments of `ReleaseAccess`.

    Attributes:
        environments: Namespace of each environment, by the environment's name.
        services: Names of the services.
        outside: Whether CI outside the cluster releases and verifies.
        weighted: The services that are released by weight.
        reads_metrics: Whether releases read the load balancers' metrics.
    """

    environments: Mapping[str, pulumi.Input[str]]
    services: Sequence[str]
    outside: bool = False
    weighted: Sequence[str] = ()
    reads_metrics: bool = False


class ReleaseAccess(pulumi.ComponentResource):
    """Roles to read, release, send requests, verify and override, bound to the identities and people who need them."""

    def __init__(self, name: str, args: ReleaseAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:ReleaseAccess", name, {}, opts)
        release, verify = _service_account(RELEASE), _service_account(VERIFY)
        people = _group(DEPLOYERS)
        verifiers = [_group(VERIFIERS)] if args.outside else []
        services = args.services
        for environment, namespace in args.environments.items():
            outside = [_group(releasers(environment))] if args.outside else []
            readers = [release, verify, people, *outside, *verifiers]
            looks = [*read_rules(services), *(target_group_rules() if args.weighted or args.reads_metrics else ())]
            rules = [*release_rules(services), *(weight_rules(environment) if args.weighted else ())]
            self._role(environment, namespace, "hello-look", looks, readers)
            self._role(environment, namespace, "hello-release", rules, [release, people, *outside])
            testers = verifiers if environment == TEST_ENVIRONMENT else []
            self._role(environment, namespace, "hello-ask", proxy_rules(services), [people, *outside, *testers])
        verified = VERIFIED_ENVIRONMENT, args.environments[VERIFIED_ENVIRONMENT]
        self._role(*verified, "hello-verify", verify_rules(services), [verify, *verifiers])
        self._role(*verified, "hello-override", override_rules(services), [people])
        self.register_outputs({})

    def _role(
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


def _group(name: str) -> SubjectArgs:
    return SubjectArgs(kind="Group", name=name, api_group=RBAC)


def _service_account(name: str) -> SubjectArgs:
    return SubjectArgs(kind="ServiceAccount", name=name, namespace=DELIVERY)
