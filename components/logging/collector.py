"""Fluentd on every node: it reads the containers' logs and sends them to Elasticsearch."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import (
    CapabilitiesArgs,
    ConfigMapVolumeSourceArgs,
    ContainerArgs,
    ContainerPortArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    HostPathVolumeSourceArgs,
    HTTPGetActionArgs,
    KeyToPathArgs,
    ObjectFieldSelectorArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ProbeArgs,
    ResourceRequirementsArgs,
    SeccompProfileArgs,
    SecretKeySelectorArgs,
    SecurityContextArgs,
    TolerationArgs,
    VolumeArgs,
    VolumeMountArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs

import config
import versions
from components.aws.ecr import from_docker_hub
from components.kubernetes.annotations import SKIP_AWAIT
from components.kubernetes.immutable import immutable_name
from components.kubernetes.metadata import name_of
from components.kubernetes.namespace import Namespace, NamespaceArgs
from components.kubernetes.network_policy import Addresses
from components.logging import host_paths, network_policies
from components.logging.fluentd import Elasticsearch, configuration, lost
from components.logging.fluentd.monitoring import NODE_VARIABLE, PATH, PORT
from components.logging.names import CA, CA_KEY, DATA_STREAMS, ELASTICSEARCH_HOST, FLUENTD
from contract.namespaces import LOG_COLLECTOR

LOGS = "/var/log"
"""Directory of the node with the containers' log files, and with symbolic links to them."""

STATE = f"{LOGS}/hello-fluentd"
"""Directory of the node with the read positions and the buffers."""

OWN_FILES = f"{LOGS}/pods/{LOG_COLLECTOR}_{FLUENTD}-*/*/*"
"""Log files of Fluentd itself."""

CONFIGURATION = "/fluentd/etc/hello"
"""Mount path of the configuration, in the directory where the image's entry point looks for `FLUENTD_CONF`."""

CA_FOLDER = "/fluentd/elasticsearch"
PASSWORD = "ELASTICSEARCH_PASSWORD"  # noqa: S105 - a variable's name

RESOURCES = {"cpu": "100m", "memory": "384Mi", "ephemeral-storage": "128Mi"}
LIMITS = {"cpu": "1", "memory": "384Mi", "ephemeral-storage": "512Mi"}


@dataclass(frozen=True, kw_only=True)
class CollectorArgs:
    """Arguments of `Collector`.

    Attributes:
        logs: Configuration of the logs.
        password: Password of Fluentd's user in Elasticsearch.
        addresses: IP ranges of the VPC.
        priority_class: Name of the tools' PriorityClass: on a full node, Fluentd preempts services.
        docker_hub: Where nodes pull Docker Hub's images from.
        protect: Whether the namespace is protected from deletion.
    """

    logs: config.Logs
    password: str
    addresses: Addresses
    priority_class: pulumi.Input[str]
    docker_hub: pulumi.Input[str]
    protect: bool


class Collector(pulumi.ComponentResource):
    """Fluentd's DaemonSet in a namespace of its own, with its rights and the policies that confine it.

    Attributes:
        namespace: Name of the namespace.
        ca: Name of the ConfigMap for the certificate of Elasticsearch's CA, which the bootstrap job fills.
    """

    namespace: pulumi.Output[str]
    ca: pulumi.Output[str]

    def __init__(self, name: str, args: CollectorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Collector", name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.namespace = Namespace(
            LOG_COLLECTOR,
            # For the mounts of node directories, which no stricter level allows; `host_paths` limits them.
            NamespaceArgs(name=LOG_COLLECTOR, protect=args.protect, pod_security="privileged"),
            opts=self._child,
        ).namespace
        policy_binding = host_paths.bind(
            LOG_COLLECTOR, namespace=self.namespace, read_only=LOGS, writable=STATE, opts=self._child
        )
        role_binding = self._role_binding()
        kubernetes.networking.v1.NetworkPolicy(
            f"{name}-{FLUENTD}",
            metadata=self._metadata(FLUENTD),
            spec=network_policies.fluentd(args.addresses),
            opts=self._child,
        )
        self.ca = self._ca(name)
        config_map = self._configuration(name, args.logs)
        secret = self._password(name, args.password)
        kubernetes.apps.v1.DaemonSet(
            f"{name}-{FLUENTD}",
            metadata=ObjectMetaArgs(
                name=FLUENTD,
                namespace=self.namespace,
                labels=dict(network_policies.FLUENTD_PODS),
                # The pods start once the bootstrap job has written the CA's certificate; `pulumi up` does not wait.
                annotations=SKIP_AWAIT,
            ),
            spec=kubernetes.apps.v1.DaemonSetSpecArgs(
                selector=LabelSelectorArgs(match_labels=network_policies.FLUENTD_PODS),
                template=_pods(
                    from_docker_hub(versions.FLUENTD_IMAGE, args.docker_hub), config_map, secret, args.priority_class
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy_binding, role_binding]),
        )
        self.register_outputs({"namespace": self.namespace, "ca": self.ca})

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(name=name, namespace=self.namespace, labels=dict(network_policies.FLUENTD_PODS))

    def _role_binding(self) -> pulumi.Resource:
        """Fluentd's service account, with the right to read pods and namespaces."""
        name = f"hello-{FLUENTD}"
        kubernetes.core.v1.ServiceAccount(
            name, metadata=self._metadata(FLUENTD), automount_service_account_token=False, opts=self._child
        )
        role = kubernetes.rbac.v1.ClusterRole(
            name,
            metadata=ObjectMetaArgs(name=name),
            rules=[
                kubernetes.rbac.v1.PolicyRuleArgs(
                    api_groups=[""], resources=["pods", "namespaces"], verbs=["get", "list", "watch"]
                )
            ],
            opts=self._child,
        )
        return kubernetes.rbac.v1.ClusterRoleBinding(
            name,
            metadata=ObjectMetaArgs(name=name),
            role_ref=kubernetes.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io",
                kind="ClusterRole",
                name=name_of(role.metadata, name),
            ),
            subjects=[kubernetes.rbac.v1.SubjectArgs(kind="ServiceAccount", name=FLUENTD, namespace=self.namespace)],
            opts=self._child,
        )

    def _ca(self, name: str) -> pulumi.Output[str]:
        """An empty ConfigMap, which the bootstrap job may patch but not create; its data is the job's."""
        config_map = kubernetes.core.v1.ConfigMap(
            f"{name}-{CA}",
            metadata=self._metadata(CA),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["data"]),
        )
        return name_of(config_map.metadata, CA)

    def _configuration(self, name: str, logs: config.Logs) -> pulumi.Output[str]:
        data = {"fluent.conf": text(logs), lost.NAME: lost.program()}
        object_name = immutable_name(FLUENTD, data)
        config_map = kubernetes.core.v1.ConfigMap(
            f"{name}-{FLUENTD}", metadata=self._metadata(object_name), immutable=True, data=data, opts=self._child
        )
        return name_of(config_map.metadata, object_name)

    def _password(self, name: str, password: str) -> pulumi.Output[str]:
        object_name = immutable_name(FLUENTD, {PASSWORD: password})
        secret = kubernetes.core.v1.Secret(
            f"{name}-{FLUENTD}",
            metadata=self._metadata(object_name),
            immutable=True,
            string_data={PASSWORD: pulumi.Output.secret(password)},
            opts=self._child,
        )
        return name_of(secret.metadata, object_name)


def text(logs: config.Logs) -> str:
    """Fluentd's configuration file."""
    return configuration(
        environments=config.ENVIRONMENTS,
        elasticsearch=Elasticsearch(
            host=ELASTICSEARCH_HOST,
            ca_file=f"{CA_FOLDER}/{CA_KEY}",
            user=FLUENTD,
            password_from=PASSWORD,
            data_streams=DATA_STREAMS,
        ),
        folder=CONFIGURATION,
        state=STATE,
        own_files=OWN_FILES,
        buffer_mib=logs.buffer_mib,
    )


def _pods(
    image: pulumi.Input[str],
    config_map: pulumi.Input[str],
    secret: pulumi.Input[str],
    priority_class: pulumi.Input[str],
) -> PodTemplateSpecArgs:
    health = HTTPGetActionArgs(path=PATH, port="metrics")
    return PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(labels=network_policies.FLUENTD_PODS),
        spec=PodSpecArgs(
            # All taints, also those of nodes that are not ready or are being drained.
            tolerations=[TolerationArgs(operator="Exists")],
            priority_class_name=priority_class,
            service_account_name=FLUENTD,
            automount_service_account_token=True,
            enable_service_links=False,
            termination_grace_period_seconds=60,
            # Log files belong to root. Without capabilities, root has the rights of a file's owner only.
            security_context=PodSecurityContextArgs(
                run_as_user=0, run_as_group=0, seccomp_profile=SeccompProfileArgs(type="RuntimeDefault")
            ),
            containers=[
                ContainerArgs(
                    name=FLUENTD,
                    image=image,
                    env=_variables(secret),
                    ports=[ContainerPortArgs(name="metrics", container_port=PORT)],
                    resources=ResourceRequirementsArgs(requests=RESOURCES, limits=LIMITS),
                    security_context=SecurityContextArgs(
                        allow_privilege_escalation=False,
                        read_only_root_filesystem=True,
                        capabilities=CapabilitiesArgs(drop=["ALL"]),
                    ),
                    volume_mounts=[
                        VolumeMountArgs(name="logs", mount_path=LOGS, read_only=True),
                        VolumeMountArgs(name="state", mount_path=STATE),
                        VolumeMountArgs(name="configuration", mount_path=CONFIGURATION, read_only=True),
                        VolumeMountArgs(name="ca", mount_path=CA_FOLDER, read_only=True),
                        VolumeMountArgs(name="scratch", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
                    ],
                    startup_probe=ProbeArgs(http_get=health, period_seconds=5, failure_threshold=24),
                    readiness_probe=ProbeArgs(http_get=health, period_seconds=15, timeout_seconds=5),
                    liveness_probe=ProbeArgs(
                        http_get=health, period_seconds=30, timeout_seconds=10, failure_threshold=5
                    ),
                )
            ],
            volumes=[
                VolumeArgs(name="logs", host_path=HostPathVolumeSourceArgs(path=LOGS, type="Directory")),
                VolumeArgs(name="state", host_path=HostPathVolumeSourceArgs(path=STATE, type="DirectoryOrCreate")),
                VolumeArgs(name="configuration", config_map=ConfigMapVolumeSourceArgs(name=config_map)),
                # With `items`, the pod waits until the key exists.
                VolumeArgs(
                    name="ca",
                    config_map=ConfigMapVolumeSourceArgs(name=CA, items=[KeyToPathArgs(key=CA_KEY, path=CA_KEY)]),
                ),
                VolumeArgs(name="scratch", empty_dir=EmptyDirVolumeSourceArgs(size_limit="64Mi")),
            ],
        ),
    )


def _variables(secret: pulumi.Input[str]) -> list[EnvVarArgs]:
    node = EnvVarSourceArgs(field_ref=ObjectFieldSelectorArgs(field_path="spec.nodeName"))
    password = EnvVarSourceArgs(secret_key_ref=SecretKeySelectorArgs(name=secret, key=PASSWORD))
    return [
        EnvVarArgs(name=NODE_VARIABLE, value_from=node),
        EnvVarArgs(name=PASSWORD, value_from=password),
        EnvVarArgs(name="FLUENTD_CONF", value=f"{CONFIGURATION.rpartition('/')[2]}/fluent.conf"),
        # For lock files: Ruby refuses a world-writable directory, such as an `emptyDir`, and Fluentd would not start.
        # https://github.com/fluent/fluentd-kubernetes-daemonset/issues/1393
        EnvVarArgs(name="TMPDIR", value=STATE),
        # The image runs without jemalloc: with glibc's many arenas, memory grows while a backlog is sent.
        # https://github.com/fluent/fluentd-kubernetes-daemonset/pull/1512
        EnvVarArgs(name="MALLOC_ARENA_MAX", value="2"),
    ]
