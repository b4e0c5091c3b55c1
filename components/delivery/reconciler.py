"""The reconciler of releases: one pod of the release tool, with an identity that brings no image in.

It runs the agents' image, so it has no pod until the setting `delivery.agentDigest` names one. Its rights are those of
a release, less what brings a version in: an admission policy refuses it every change of a slot's pods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.admissionregistration.v1 import NamedRuleWithOperationsArgs
from pulumi_kubernetes.core.v1 import EmptyDirVolumeSourceArgs, VolumeArgs, VolumeMountArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import RoleRefArgs, SubjectArgs

import config
from components.aws.policy import Statement
from components.cluster.pod_identity import PodIdentity, PodIdentityArgs
from components.cluster.reference import ClusterReference
from components.delivery import release_tool
from components.delivery.release_tool import PORT, ReleaseToolArgs
from components.kubernetes import admission_policy, network_policy
from contract.identities import RECONCILER, RECONCILER_LABELS, username
from contract.namespaces import DELIVERY

ROLES = ("hello-look", "hello-release")
"""Roles of `ReleaseAccess` that it is bound to."""

BRINGS_NOTHING_IN = (
    f"request.userInfo.username != '{username(RECONCILER)}' || object.spec.template == oldObject.spec.template"
)
"""True where a change of a Deployment is not the reconciler's, or leaves its pods as they are but for their number."""

REQUESTS = {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "64Mi"}
LIMITS = {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "128Mi"}


@dataclass(frozen=True, kw_only=True)
class ReconcilerArgs:
    """Arguments of `Reconciler`.

    Attributes:
        services: Names of the services.
        addresses: IPv4 ranges of the VPC.
        prometheus: Where there is egress to, too; None for nowhere.
        image: The agents' image, by digest.
        replicas: Number of pods; 0 while there is no such image.
        namespace: Namespace of its pod.
        environments: Namespace of each environment, by the environment's name.
        environment: Environment on whose nodes it runs.
        priority_class: Name of the PriorityClass.
        cluster: The cluster.
        statements: What its IAM role allows.
    """

    services: Sequence[str]
    addresses: network_policy.Addresses
    prometheus: config.Prometheus | None
    image: pulumi.Input[str]
    replicas: int
    namespace: pulumi.Input[str]
    environments: Mapping[str, pulumi.Input[str]]
    environment: str
    priority_class: pulumi.Input[str]
    cluster: ClusterReference
    statements: Sequence[Statement]


class Reconciler(pulumi.ComponentResource):
    """Its Deployment, service account, IAM role, bindings to Roles, and policies of admission and network."""

    def __init__(self, name: str, args: ReconcilerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Reconciler", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = kubernetes.core.v1.ServiceAccount(
            RECONCILER,
            metadata=ObjectMetaArgs(name=RECONCILER, namespace=args.namespace),
            automount_service_account_token=False,
            opts=child,
        )
        identity = PodIdentity(
            f"{name}-reconciler",
            PodIdentityArgs(
                cluster=args.cluster, namespace=DELIVERY, service_account=RECONCILER, statements=args.statements
            ),
            opts=child,
        )
        kubernetes.networking.v1.NetworkPolicy(
            RECONCILER,
            metadata=ObjectMetaArgs(name=RECONCILER, namespace=args.namespace),
            spec=network_policy.release_tool_policy(
                RECONCILER_LABELS, args.services, addresses=args.addresses, prometheus=args.prometheus
            ),
            opts=child,
        )
        limits = [self._access(environment, namespace) for environment, namespace in args.environments.items()]
        release_tool.deployment(
            RECONCILER,
            ReleaseToolArgs(
                namespace=args.namespace,
                labels=RECONCILER_LABELS,
                replicas=args.replicas,
                image=args.image,
                container="reconciler",
                arguments=["reconcile", f"--port={PORT}"],
                port_name="health",
                requests=REQUESTS,
                limits=LIMITS,
                environment=args.environment,
                priority_class=args.priority_class,
                volumes=[VolumeArgs(name="tmp", empty_dir=EmptyDirVolumeSourceArgs(size_limit="32Mi"))],
                volume_mounts=[VolumeMountArgs(name="tmp", mount_path="/tmp")],  # noqa: S108 - a volume of the pod
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, identity, *limits]),
        )
        self.register_outputs({})

    def _access(self, environment: str, namespace: pulumi.Input[str]) -> pulumi.Resource:
        """Bindings to the Roles of an environment, and the policy that limits what they allow."""
        child = pulumi.ResourceOptions(parent=self)
        limit = admission_policy.bind(
            f"{RECONCILER}-{environment}",
            namespace=namespace,
            rules={
                "the reconciler brings no version in, and changes no pod of a slot but their number": BRINGS_NOTHING_IN
            },
            requests=NamedRuleWithOperationsArgs(
                api_groups=["apps"], api_versions=["v1"], resources=["deployments"], operations=["UPDATE"]
            ),
            opts=child,
        )
        for role in ROLES:
            name = f"{RECONCILER}-{role.removeprefix('hello-')}"
            kubernetes.rbac.v1.RoleBinding(
                f"{environment}-{name}",
                metadata=ObjectMetaArgs(name=name, namespace=namespace),
                role_ref=RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=role),
                subjects=[SubjectArgs(kind="ServiceAccount", name=RECONCILER, namespace=DELIVERY)],
                opts=pulumi.ResourceOptions(parent=self, depends_on=[limit]),
            )
        return limit
