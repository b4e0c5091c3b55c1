"""The release tool as a Deployment of one pod: what the reconciler and the page of releases have in common.

Both run the agents' image, which may not be there yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import (
    CapabilitiesArgs,
    ContainerArgs,
    ContainerPortArgs,
    HTTPGetActionArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ProbeArgs,
    ResourceRequirementsArgs,
    SeccompProfileArgs,
    SecurityContextArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

from components.kubernetes.scheduling import node_affinity, toleration

PORT = 8080
USER = 1000
"""User and group id, as in the agents' pods."""

ALIVE, READY = "/healthz", "/readyz"
"""Paths of the probes."""


@dataclass(frozen=True, kw_only=True)
class ReleaseToolArgs:
    """Arguments of `deployment`.

    Attributes:
        namespace: Namespace of the pod.
        labels: Labels of the Deployment and its pod, by which it is selected.
        replicas: Number of pods; 0 while there is no image.
        image: The image, by digest.
        container: Name of the container.
        arguments: Arguments of `python3 -m release`.
        port_name: Name of the port `PORT`, which answers the probes.
        requests: Requests of the container.
        limits: Limits of the container.
        environment: Environment on whose nodes it runs.
        priority_class: Name of the PriorityClass.
        volumes: Volumes of the pod, if any.
        volume_mounts: Their mounts in the container.
    """

    namespace: pulumi.Input[str]
    labels: Mapping[str, str]
    replicas: int
    image: pulumi.Input[str]
    container: str
    arguments: Sequence[str]
    port_name: str
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    environment: str
    priority_class: pulumi.Input[str]
    volumes: Sequence[VolumeArgs] | None = None
    volume_mounts: Sequence[VolumeMountArgs] | None = None


def deployment(identity: str, args: ReleaseToolArgs, opts: pulumi.ResourceOptions) -> kubernetes.apps.v1.Deployment:
    """The Deployment.

    Args:
        identity: Its name, and that of its service account.
        args: The arguments.
        opts: Options of the resource.
    """
    return kubernetes.apps.v1.Deployment(
        identity,
        metadata=ObjectMetaArgs(
            name=identity,
            namespace=args.namespace,
            labels=args.labels,
            # An image that cannot be pulled would keep every change of the platform waiting.
            annotations={"pulumi.com/skipAwait": "true"},
        ),
        spec=kubernetes.apps.v1.DeploymentSpecArgs(
            replicas=args.replicas,
            # The quota of the agents has room for one.
            strategy=kubernetes.apps.v1.DeploymentStrategyArgs(type="Recreate"),
            selector=LabelSelectorArgs(match_labels=args.labels),
            template=PodTemplateSpecArgs(metadata=ObjectMetaArgs(labels=args.labels), spec=_pod(identity, args)),
        ),
        opts=opts,
    )


def _pod(identity: str, args: ReleaseToolArgs) -> PodSpecArgs:
    return PodSpecArgs(
        service_account_name=identity,
        automount_service_account_token=True,
        affinity=node_affinity(args.environment),
        tolerations=[toleration(args.environment)],
        priority_class_name=args.priority_class,
        # It can be killed at any time, and leaves nothing to be finished that the next one does not find.
        termination_grace_period_seconds=5,
        security_context=PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=USER,
            run_as_group=USER,
            fs_group=USER,
            seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
        ),
        containers=[
            ContainerArgs(
                name=args.container,
                image=args.image,
                command=["python3", "-m", "release", *args.arguments],
                ports=[ContainerPortArgs(name=args.port_name, container_port=PORT)],
                readiness_probe=ProbeArgs(
                    http_get=HTTPGetActionArgs(path=READY, port=args.port_name), period_seconds=10, timeout_seconds=2
                ),
                liveness_probe=ProbeArgs(
                    http_get=HTTPGetActionArgs(path=ALIVE, port=args.port_name),
                    initial_delay_seconds=30,
                    period_seconds=20,
                    failure_threshold=3,
                    timeout_seconds=5,
                ),
                resources=ResourceRequirementsArgs(requests=args.requests, limits=args.limits),
                security_context=SecurityContextArgs(
                    allow_privilege_escalation=False,
                    read_only_root_filesystem=True,
                    capabilities=CapabilitiesArgs(drop=["ALL"]),
                ),
                volume_mounts=args.volume_mounts,
            )
        ],
        volumes=args.volumes,
    )
