"""The pod template of a service, in which the release tool sets the image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes.core.v1 import (
    CapabilitiesArgs,
    ConfigMapEnvSourceArgs,
    ContainerArgs,
    ContainerPortArgs,
    EmptyDirVolumeSourceArgs,
    EnvFromSourceArgs,
    HTTPGetActionArgs,
    LifecycleArgs,
    LifecycleHandlerArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ProbeArgs,
    ResourceRequirementsArgs,
    SeccompProfileArgs,
    SecretEnvSourceArgs,
    SecurityContextArgs,
    SleepActionArgs,
    SysctlArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import config
from components.kubernetes.scheduling import SERVICE_NODES_TOLERATION, node_affinity, spread, toleration
from contract import labels
from contract.blue_green import PORT_NAME

FIRST_UNPRIVILEGED_PORT = 1024
"""Lower ports need a privilege. https://man7.org/linux/man-pages/man7/ip.7.html, ip_unprivileged_port_start."""

RUN_AS_USER = 10001
"""A user id that images are unlikely to use."""

STARTUP_PERIOD = 2
"""Period of the startup probe, in seconds."""

PRE_STOP_SECONDS = 10
"""How long a terminating pod goes on serving: until every node has stopped sending it new connections.

https://kubernetes.io/docs/tutorials/services/pods-and-endpoint-termination-flow/
"""

SHUTDOWN_SECONDS = 5
"""How long a server may take to shut down, on top of its longest request."""

SCRATCH = "256Mi"
"""Size limit of each writable directory."""

EPHEMERAL_STORAGE = {"requests": "256Mi", "limits": "1Gi"}
"""Of a container, for its log files and its writable directories."""


def pod_labels(environment: str, service: str) -> dict[str, str]:
    """The labels of a service's pods, without the slot, which the release tool adds."""
    return {labels.ENVIRONMENT: environment, labels.SERVICE: service}


def grace_seconds(spec: config.Service) -> int:
    """The termination grace period: the preStop hook, then the longest request, then the server's shutdown."""
    return PRE_STOP_SECONDS + spec.longest_request_seconds + SHUTDOWN_SECONDS


def startup_failures(start_seconds: int) -> int:
    """The startup probe's failure threshold, which gives a container `start_seconds` or just over."""
    return math.ceil(start_seconds / STARTUP_PERIOD)


def pod_template(
    *,
    environment: str,
    service: str,
    image: pulumi.Input[str],
    spec: config.Service,
    priority_class: pulumi.Input[str],
    service_nodes: bool,
    config_map: str | None,
    secret: str | None,
    extra_labels: Mapping[str, str] | None = None,
    seed: bool = False,
) -> PodTemplateSpecArgs:
    """A pod template that meets Pod Security `restricted` and requires nodes of its environment.

    Args:
        environment: `dev` or `prod`.
        service: Name of the service and of its ServiceAccount.
        image: Image by digest; here that of `SENTINEL_DIGEST`.
        spec: Configuration of the service.
        priority_class: Name of the PriorityClass.
        service_nodes: Whether the environment has nodes for its services alone.
        config_map: Name of the ConfigMap with the environment variables, if there are any.
        secret: Name of the Secret with the secret environment variables, if there are any.
        extra_labels: Labels on top of `pod_labels`, such as the slot.
        seed: Whether it is a slot's first template, without ports and volumes. Server-side apply merges these lists by
            key, and would keep the seed's entries, which the program owns, beside those of a release.
            https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
    """
    health = HTTPGetActionArgs(path=spec.health_path, port=PORT_NAME)
    scratch = [] if seed else _scratch(spec.writable_paths)
    return PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(labels={**pod_labels(environment, service), **(extra_labels or {})}),
        spec=PodSpecArgs(
            affinity=node_affinity(environment, service_nodes=service_nodes),
            tolerations=[toleration(environment), *([SERVICE_NODES_TOLERATION] if service_nodes else [])],
            topology_spread_constraints=spread({labels.SERVICE: service}, match_label_keys=[labels.SLOT]),
            priority_class_name=priority_class,
            service_account_name=service,
            automount_service_account_token=spec.kubernetes_api,
            enable_service_links=False,
            termination_grace_period_seconds=grace_seconds(spec),
            security_context=_pod_security(spec.port),
            containers=[
                ContainerArgs(
                    name=service,
                    image=image,
                    ports=None if seed else [ContainerPortArgs(name=PORT_NAME, container_port=spec.port)],
                    env_from=_variables(config_map, secret) or None,
                    resources=_resources(spec.resources),
                    lifecycle=LifecycleArgs(
                        pre_stop=LifecycleHandlerArgs(sleep=SleepActionArgs(seconds=PRE_STOP_SECONDS))
                    ),
                    security_context=SecurityContextArgs(
                        allow_privilege_escalation=False,
                        read_only_root_filesystem=True,
                        capabilities=CapabilitiesArgs(drop=["ALL"]),
                    ),
                    volume_mounts=[VolumeMountArgs(name=name, mount_path=path) for name, path in scratch] or None,
                    # After the start, the default threshold of 3 failures ends readiness or restarts the container.
                    startup_probe=ProbeArgs(
                        http_get=health,
                        period_seconds=STARTUP_PERIOD,
                        failure_threshold=startup_failures(spec.start_seconds),
                    ),
                    readiness_probe=ProbeArgs(http_get=health, period_seconds=5),
                    liveness_probe=ProbeArgs(http_get=health, period_seconds=10, timeout_seconds=5),
                )
            ],
            volumes=[
                VolumeArgs(name=name, empty_dir=EmptyDirVolumeSourceArgs(size_limit=SCRATCH)) for name, _ in scratch
            ]
            or None,
        ),
    )


def _pod_security(port: int) -> PodSecurityContextArgs:
    return PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=RUN_AS_USER,
        run_as_group=RUN_AS_USER,
        fs_group=RUN_AS_USER,
        seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
        sysctls=[SysctlArgs(name="net.ipv4.ip_unprivileged_port_start", value="0")]
        if port < FIRST_UNPRIVILEGED_PORT
        else None,
    )


def _variables(config_map: str | None, secret: str | None) -> list[EnvFromSourceArgs]:
    return [
        *([EnvFromSourceArgs(config_map_ref=ConfigMapEnvSourceArgs(name=config_map))] if config_map else []),
        *([EnvFromSourceArgs(secret_ref=SecretEnvSourceArgs(name=secret))] if secret else []),
    ]


def _resources(resources: config.Resources) -> ResourceRequirementsArgs:
    return ResourceRequirementsArgs(
        requests={**resources.requests.model_dump(), "ephemeral-storage": EPHEMERAL_STORAGE["requests"]},
        limits={**resources.limits.model_dump(), "ephemeral-storage": EPHEMERAL_STORAGE["limits"]},
    )


def _scratch(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Name of the volume and path of each writable directory. Numbered, since a path is no valid volume name."""
    return [(f"writable-{index}", path) for index, path in enumerate(paths)]
