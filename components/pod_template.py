"""The desired pod of a service: what the release tool fills with an image."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    CapabilitiesArgs,
    ConfigMapEnvSourceArgs,
    ContainerArgs,
    ContainerPortArgs,
    EnvFromSourceArgs,
    HTTPGetActionArgs,
    NodeAffinityArgs,
    NodeSelectorArgs,
    NodeSelectorRequirementArgs,
    NodeSelectorTermArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ProbeArgs,
    ResourceRequirementsArgs,
    SeccompProfileArgs,
    SecretEnvSourceArgs,
    SecurityContextArgs,
    SysctlArgs,
    TolerationArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import settings
from components import labels
from components.contract import SENTINEL_DIGEST

FIRST_UNPRIVILEGED_PORT = 1024
"""Lower ports are a privilege on Linux. https://man7.org/linux/man-pages/man7/ip.7.html, ip_unprivileged_port_start."""

RUN_AS_USER = 10001
"""Any user that no image is likely to have given rights to."""


def pod_labels(environment: str, service: str) -> dict[str, str]:
    """The labels of a service's pods but for the slot, which the release tool adds."""
    return {labels.ENVIRONMENT: environment, labels.SERVICE: service}


def node_affinity(environment: str) -> AffinityArgs:
    """Only on nodes of the environment, whatever else is free."""
    return AffinityArgs(
        node_affinity=NodeAffinityArgs(
            required_during_scheduling_ignored_during_execution=NodeSelectorArgs(
                node_selector_terms=[
                    NodeSelectorTermArgs(
                        match_expressions=[
                            NodeSelectorRequirementArgs(key=labels.ENVIRONMENT, operator="In", values=[environment])
                        ]
                    )
                ]
            )
        )
    )


def toleration(environment: str) -> TolerationArgs:
    """Lets a pod on its environment's nodes where they are tainted; harmless where they are not."""
    return TolerationArgs(key=labels.ENVIRONMENT, operator="Equal", value=environment, effect="NoSchedule")


def pod_template(
    *,
    environment: str,
    service: str,
    repository: pulumi.Input[str],
    spec: settings.Service,
    config_map: str | None,
    secret: str | None,
    extra_labels: Mapping[str, str] | None = None,
) -> PodTemplateSpecArgs:
    """A pod that passes Pod Security `restricted`, and runs on its environment's nodes only.

    Args:
        environment: `dev` or `prod`.
        service: The service's name.
        repository: URL of the service's ECR repository; the image is the sentinel in it.
        spec: Port, health, resources.
        config_map: Name of the ConfigMap with its variables, if it has any.
        secret: Name of the Secret with its secret variables, if it has any.
        extra_labels: On top of `pod_labels`: a slot's seed carries its slot.
    """
    health = HTTPGetActionArgs(path=spec.health_path, port="http")
    variables = [
        *([EnvFromSourceArgs(config_map_ref=ConfigMapEnvSourceArgs(name=config_map))] if config_map else []),
        *([EnvFromSourceArgs(secret_ref=SecretEnvSourceArgs(name=secret))] if secret else []),
    ]
    return PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(labels={**pod_labels(environment, service), **(extra_labels or {})}),
        spec=PodSpecArgs(
            affinity=node_affinity(environment),
            tolerations=[toleration(environment)],
            automount_service_account_token=False,
            enable_service_links=False,
            security_context=PodSecurityContextArgs(
                run_as_non_root=True,
                run_as_user=RUN_AS_USER,
                run_as_group=RUN_AS_USER,
                fs_group=RUN_AS_USER,
                seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
                sysctls=[SysctlArgs(name="net.ipv4.ip_unprivileged_port_start", value="0")]
                if spec.port < FIRST_UNPRIVILEGED_PORT
                else None,
            ),
            containers=[
                ContainerArgs(
                    name=service,
                    image=pulumi.Output.concat(repository, "@", SENTINEL_DIGEST),
                    ports=[ContainerPortArgs(name="http", container_port=spec.port)],
                    env_from=variables or None,
                    resources=ResourceRequirementsArgs(
                        requests=spec.resources.requests.model_dump(),
                        limits=spec.resources.limits.model_dump(),
                    ),
                    # A JVM may take minutes to start; once started, three misses take it out or restart it.
                    startup_probe=ProbeArgs(http_get=health, period_seconds=2, failure_threshold=90),
                    readiness_probe=ProbeArgs(http_get=health, period_seconds=5),
                    liveness_probe=ProbeArgs(http_get=health, period_seconds=10, timeout_seconds=5),
                    security_context=SecurityContextArgs(
                        allow_privilege_escalation=False, capabilities=CapabilitiesArgs(drop=["ALL"])
                    ),
                )
            ],
        ),
    )
