"""Rootless buildkitd, which builds images for the build agents only.

It needs `Unconfined` as its seccomp and AppArmor profiles, and privilege escalation for `newuidmap`. So its namespace
has Pod Security `privileged`, and an admission policy refuses whatever else that level would allow.
https://github.com/moby/buildkit/blob/v0.34.2/docs/rootless.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import (
    AppArmorProfileArgs,
    CapabilitiesArgs,
    ConfigMapVolumeSourceArgs,
    ContainerArgs,
    ContainerPortArgs,
    EmptyDirVolumeSourceArgs,
    ExecActionArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ProbeArgs,
    ResourceRequirementsArgs,
    SeccompProfileArgs,
    SecretVolumeSourceArgs,
    SecurityContextArgs,
    ServicePortArgs,
    ServiceSpecArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

import config
import versions
from components.aws.ecr import DOCKER_HUB, from_docker_hub
from components.delivery.jenkins.names import BUILDKIT_CLIENT
from components.delivery.jenkins.network_policies import BUILDKIT, BUILDKIT_NAMESPACE, BUILDKIT_PORT, of_buildkit
from components.kubernetes import admission_policy
from components.kubernetes.checksum import ANNOTATION, checksum
from components.kubernetes.metadata import name_of
from components.kubernetes.namespace import Namespace, NamespaceArgs
from components.kubernetes.network_policy import Addresses
from components.kubernetes.scheduling import node_affinity, toleration

NAME = "buildkitd"
HOST = f"tcp://{NAME}.{BUILDKIT_NAMESPACE}:{BUILDKIT_PORT}"
USER = 1000
CERTIFICATES = "/certs"
CONFIGURATION, CONFIGURATION_FILE = "/etc/buildkitd", "buildkitd.toml"
SOCKET = "unix:///run/user/1000/buildkit/buildkitd.sock"
STATE_SIZE = "30Gi"
CACHE_MEGABYTES = 20_000
"""What the layer cache may take of it; the rest is for builds.

The daemon's own choice is a share of the node's disk, and the pod is evicted when it takes more than its volume.

https://github.com/moby/buildkit/blob/v0.34.2/cmd/buildkitd/config/gcpolicy.go
"""


CONTAINERS = (
    "object.spec.containers + object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([])"
)
VOLUMES = ("emptyDir", "secret", "projected", "configMap")
POD_RULES = {
    "no container is privileged": "variables.containers.all(one, !one.?securityContext.?privileged.orValue(false))",
    "no container has a capability but SETUID and SETGID": "variables.containers.all(one, "
    "'ALL' in one.?securityContext.?capabilities.?drop.orValue([]) && "
    "one.?securityContext.?capabilities.?add.orValue([]).all(name, name in ['SETUID', 'SETGID']))",
    "no pod is in a namespace of its node": "!object.spec.?hostNetwork.orValue(false) && "
    "!object.spec.?hostPID.orValue(false) && !object.spec.?hostIPC.orValue(false)",
    "no pod has a port of its node": "variables.containers.all(one, "
    "one.?ports.orValue([]).all(port, port.?hostPort.orValue(0) == 0))",
    "no pod has a folder of its node, or any volume but its own": "object.spec.?volumes.orValue([]).all(volume, "
    + " || ".join(f"has(volume.{kind})" for kind in VOLUMES)
    + ")",
    "no pod runs as root": "object.spec.?securityContext.?runAsNonRoot.orValue(false) && variables.containers.all(one, "
    "one.?securityContext.?runAsNonRoot.orValue(true) && one.?securityContext.?runAsUser.orValue(1) != 0)",
}
"""Rules for the pods of the namespace, in CEL, by the message of a refusal."""


@dataclass(frozen=True, kw_only=True)
class BuildKitArgs:
    """Arguments of `BuildKit`.

    Attributes:
        certificates: Certificates and keys of the daemon and of its clients, and their CA's certificate.
        egress_ports: TCP ports of the internet that builds may reach.
        environment: Environment on whose nodes the daemon runs.
        priority_class: Name of the PriorityClass.
        addresses: IP ranges of the VPC.
        client_namespace: Namespace of the agents, where the client's certificate is.
        docker_hub: Where Docker Hub's images are pulled from, by nodes and by builds.
    """

    certificates: config.Certificates
    egress_ports: Sequence[int]
    environment: str
    priority_class: pulumi.Input[str]
    addresses: Addresses
    client_namespace: pulumi.Input[str]
    docker_hub: pulumi.Input[str]


def configuration(docker_hub: str) -> str:
    """The daemon's configuration: the mirror of Docker Hub, for which builds have their agent's login; empty without.

    https://github.com/moby/buildkit/blob/v0.34.2/docs/buildkitd.toml.md

    Args:
        docker_hub: `EcrRepositories.docker_hub`.
    """
    return "" if docker_hub == DOCKER_HUB else f'[registry."{DOCKER_HUB}"]\nmirrors = ["{docker_hub}"]\n'


class BuildKit(pulumi.ComponentResource):
    """The daemon, its namespace with its policies, and the client's certificate in the agents' namespace."""

    def __init__(self, name: str, args: BuildKitArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:BuildKit", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = Namespace(
            BUILDKIT_NAMESPACE,
            NamespaceArgs(name=BUILDKIT_NAMESPACE, protect=False, pod_security="privileged"),
            opts=child,
        ).namespace
        policy_binding = admission_policy.bind(
            "hello-buildkit",
            namespace=BUILDKIT_NAMESPACE,
            variables={"containers": CONTAINERS},
            rules=POD_RULES,
            opts=child,
        )
        kubernetes.networking.v1.NetworkPolicy(
            NAME,
            metadata=ObjectMetaArgs(name=NAME, namespace=namespace),
            spec=of_buildkit(args.addresses, args.egress_ports),
            opts=child,
        )
        server = self._secret(f"{NAME}-server", namespace, args.certificates.of_server)
        self._secret(BUILDKIT_CLIENT, args.client_namespace, args.certificates.of_client)
        toml = pulumi.Output.from_input(args.docker_hub).apply(configuration)
        config_map = kubernetes.core.v1.ConfigMap(
            NAME,
            metadata=ObjectMetaArgs(name=NAME, namespace=namespace, labels=BUILDKIT),
            data={CONFIGURATION_FILE: toml},
            opts=child,
        )
        account = kubernetes.core.v1.ServiceAccount(
            NAME,
            metadata=ObjectMetaArgs(name=NAME, namespace=namespace),
            automount_service_account_token=False,
            opts=child,
        )
        kubernetes.apps.v1.Deployment(
            NAME,
            metadata=ObjectMetaArgs(name=NAME, namespace=namespace, labels=BUILDKIT),
            spec=kubernetes.apps.v1.DeploymentSpecArgs(
                replicas=1,
                # One replica only, since replicas do not share their layer cache.
                strategy=kubernetes.apps.v1.DeploymentStrategyArgs(type="Recreate"),
                selector=LabelSelectorArgs(match_labels=BUILDKIT),
                template=PodTemplateSpecArgs(
                    metadata=ObjectMetaArgs(
                        labels=BUILDKIT,
                        # The daemon reads these at its start only.
                        annotations={
                            ANNOTATION: toml.apply(
                                lambda text: checksum(
                                    {f"{NAME}-server": args.certificates.of_server, NAME: {CONFIGURATION_FILE: text}}
                                )
                            )
                        },
                    ),
                    spec=pod(
                        from_docker_hub(versions.BUILDKIT_IMAGE, args.docker_hub),
                        server,
                        name_of(config_map.metadata, NAME),
                        environment=args.environment,
                        priority_class=args.priority_class,
                        account=NAME,
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, policy_binding]),
        )
        kubernetes.core.v1.Service(
            NAME,
            metadata=ObjectMetaArgs(
                name=NAME, namespace=namespace, labels=BUILDKIT, annotations={"pulumi.com/skipAwait": "true"}
            ),
            spec=ServiceSpecArgs(
                type="ClusterIP",
                selector=BUILDKIT,
                ports=[ServicePortArgs(name="grpc", port=BUILDKIT_PORT, target_port="grpc")],
            ),
            opts=child,
        )
        self.register_outputs({})

    def _secret(self, name: str, namespace: pulumi.Input[str], data: Mapping[str, str]) -> pulumi.Output[str]:
        secret = kubernetes.core.v1.Secret(
            name,
            metadata=ObjectMetaArgs(name=name, namespace=namespace),
            string_data={file: pulumi.Output.secret(text) for file, text in data.items()},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return name_of(secret.metadata, name)


def pod(
    image: pulumi.Input[str],
    certificates: pulumi.Input[str],
    config_map: pulumi.Input[str],
    *,
    environment: str,
    priority_class: pulumi.Input[str],
    account: str,
) -> PodSpecArgs:
    """The daemon's pod.

    https://github.com/moby/buildkit/blob/v0.34.2/examples/kubernetes/deployment%2Bservice.rootless.yaml
    """
    probe = ExecActionArgs(command=["buildctl", "--addr", SOCKET, "debug", "workers"])
    return PodSpecArgs(
        service_account_name=account,
        automount_service_account_token=False,
        affinity=node_affinity(environment),
        tolerations=[toleration(environment)],
        priority_class_name=priority_class,
        security_context=PodSecurityContextArgs(
            run_as_non_root=True, run_as_user=USER, run_as_group=USER, fs_group=USER
        ),
        containers=[
            ContainerArgs(
                name=NAME,
                image=image,
                image_pull_policy="Always",
                args=[
                    *("--config", f"{CONFIGURATION}/{CONFIGURATION_FILE}"),
                    *("--addr", SOCKET, "--addr", f"tcp://0.0.0.0:{BUILDKIT_PORT}"),
                    *("--tlscacert", f"{CERTIFICATES}/ca.pem"),
                    *("--tlscert", f"{CERTIFICATES}/cert.pem", "--tlskey", f"{CERTIFICATES}/key.pem"),
                    # Reserved, free, at most.
                    *("--oci-worker-gc-keepstorage", f"4000,2000,{CACHE_MEGABYTES}"),
                    # A process sandbox would need an unmasked /proc.
                    "--oci-worker-no-process-sandbox",
                ],
                ports=[ContainerPortArgs(name="grpc", container_port=BUILDKIT_PORT)],
                startup_probe=ProbeArgs(exec_=probe, period_seconds=5, failure_threshold=24, timeout_seconds=5),
                readiness_probe=ProbeArgs(exec_=probe, period_seconds=10, timeout_seconds=5),
                liveness_probe=ProbeArgs(exec_=probe, period_seconds=30, failure_threshold=5, timeout_seconds=10),
                resources=ResourceRequirementsArgs(
                    requests={"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "4Gi"},
                    limits={"cpu": "2", "memory": "4Gi", "ephemeral-storage": STATE_SIZE},
                ),
                security_context=SecurityContextArgs(
                    # For the setuid programs `newuidmap` and `newgidmap`, which set up the user namespace.
                    allow_privilege_escalation=True,
                    capabilities=CapabilitiesArgs(drop=["ALL"], add=["SETUID", "SETGID"]),
                    seccomp_profile=SeccompProfileArgs(type="Unconfined"),
                    app_armor_profile=AppArmorProfileArgs(type="Unconfined"),
                ),
                volume_mounts=[
                    VolumeMountArgs(name="certificates", mount_path=CERTIFICATES, read_only=True),
                    VolumeMountArgs(name="configuration", mount_path=CONFIGURATION, read_only=True),
                    VolumeMountArgs(name="state", mount_path="/home/user/.local/share/buildkit"),
                ],
            )
        ],
        volumes=[
            VolumeArgs(
                name="certificates", secret=SecretVolumeSourceArgs(secret_name=certificates, default_mode=0o440)
            ),
            VolumeArgs(name="configuration", config_map=ConfigMapVolumeSourceArgs(name=config_map)),
            VolumeArgs(name="state", empty_dir=EmptyDirVolumeSourceArgs(size_limit=STATE_SIZE)),
        ],
    )
