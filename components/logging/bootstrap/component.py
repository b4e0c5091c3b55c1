"""The bootstrap CronJob, each of whose runs applies the desired configuration of Elasticsearch and Kibana.

A CronJob, not a Job, since it also copies the CA's certificate to Fluentd, which the operator renews each year.
To run it by hand: `kubectl --namespace logging create job --from=cronjob/logs-setup logs-setup-by-hand`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import (
    CapabilitiesArgs,
    ConfigMapVolumeSourceArgs,
    ContainerArgs,
    EnvVarArgs,
    EnvVarSourceArgs,
    KeyToPathArgs,
    PodSecurityContextArgs,
    PodSpecArgs,
    PodTemplateSpecArgs,
    ProjectedVolumeSourceArgs,
    ResourceRequirementsArgs,
    SeccompProfileArgs,
    SecretKeySelectorArgs,
    SecretProjectionArgs,
    SecurityContextArgs,
    VolumeArgs,
    VolumeMountArgs,
    VolumeProjectionArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import config
import versions
from components.kubernetes.immutable import immutable_name
from components.kubernetes.metadata import name_of
from components.logging import network_policies
from components.logging.bootstrap import job
from components.logging.names import (
    CA,
    CA_KEY,
    DATA_STREAMS,
    ELASTICSEARCH_CA,
    ELASTICSEARCH_HOST,
    ELASTICSEARCH_PORT,
    KIBANA_CA,
    KIBANA_HOST,
    KIBANA_PORT,
    SETUP,
)
from components.workload.pod_template import RUN_AS_USER
from config.partitions import dns_suffix
from contract import labels
from contract.namespaces import LOG_COLLECTOR, LOGGING

SCHEDULE = "*/10 * * * *"
"""Often, so that the first run follows soon after Elasticsearch is ready; a run takes seconds."""

DEADLINE_SECONDS = 540
"""`activeDeadlineSeconds` of a run: shorter than the schedule's period."""

SCRIPT = "/setup"
CERTIFICATES = "/certificates"
PASSWORD = "ELASTICSEARCH_PASSWORD"  # noqa: S105 - a variable's name

RESOURCES = {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "32Mi"}
LIMITS = {"cpu": "500m", "memory": "64Mi", "ephemeral-storage": "64Mi"}


@dataclass(frozen=True, kw_only=True)
class BootstrapArgs:
    """Arguments of `Bootstrap`.

    Attributes:
        logs: Configuration of the logs.
        platform: Name of the platform, the value of the metrics' dimension.
        region: AWS region.
        bucket: Name of the S3 bucket for snapshots.
        namespace: Namespace of Elasticsearch, Kibana and the CronJob.
        environment: Environment on whose nodes the job runs.
        password: Password of the job's user in Elasticsearch.
        priority_class: Name of the tools' PriorityClass.
        collector_namespace: Namespace of Fluentd.
        ca: Name of the ConfigMap in Fluentd's namespace for the certificate of Elasticsearch's CA.
    """

    logs: config.Logs
    platform: str
    region: str
    bucket: str
    namespace: pulumi.Input[str]
    environment: str
    password: str
    priority_class: pulumi.Input[str]
    collector_namespace: pulumi.Input[str]
    ca: pulumi.Input[str]


class Bootstrap(pulumi.ComponentResource):
    """The CronJob, the ConfigMap with its program, and its right to patch one ConfigMap and to list Fluentd's pods."""

    def __init__(self, name: str, args: BootstrapArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:LogsSetup", name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._args = args
        self._role_binding()
        data = {
            **job.files(),
            "parameters.json": json.dumps(parameters(args.logs, args.bucket, args.platform, args.region), indent=1),
        }
        script = immutable_name(SETUP, data)
        kubernetes.core.v1.ConfigMap(
            f"{name}-setup", metadata=self._metadata(script), immutable=True, data=data, opts=self._child
        )
        secret = immutable_name(SETUP, {PASSWORD: args.password})
        kubernetes.core.v1.Secret(
            f"{name}-setup",
            metadata=self._metadata(secret),
            immutable=True,
            string_data={PASSWORD: pulumi.Output.secret(args.password)},
            opts=self._child,
        )
        kubernetes.batch.v1.CronJob(
            f"{name}-setup",
            metadata=self._metadata(SETUP),
            spec=kubernetes.batch.v1.CronJobSpecArgs(
                schedule=SCHEDULE,
                concurrency_policy="Forbid",
                starting_deadline_seconds=300,
                successful_jobs_history_limit=1,
                failed_jobs_history_limit=3,
                job_template=kubernetes.batch.v1.JobTemplateSpecArgs(
                    spec=kubernetes.batch.v1.JobSpecArgs(
                        backoff_limit=2,
                        active_deadline_seconds=DEADLINE_SECONDS,
                        template=_pod(args.environment, args.priority_class, script, secret),
                    )
                ),
            ),
            opts=self._child,
        )
        self.register_outputs({})

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(name=name, namespace=self._args.namespace, labels=dict(network_policies.SETUP_PODS))

    def _role_binding(self) -> None:
        """The job's service account, with its rights in Fluentd's namespace."""
        kubernetes.core.v1.ServiceAccount(
            SETUP, metadata=self._metadata(SETUP), automount_service_account_token=False, opts=self._child
        )
        metadata = ObjectMetaArgs(name=SETUP, namespace=self._args.collector_namespace)
        role = kubernetes.rbac.v1.Role(
            SETUP,
            metadata=metadata,
            rules=[
                kubernetes.rbac.v1.PolicyRuleArgs(
                    api_groups=[""], resources=["configmaps"], resource_names=[self._args.ca], verbs=["get", "patch"]
                ),
                # Which nodes there are to report: those that have a pod of Fluentd.
                kubernetes.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["pods"], verbs=["list"]),
            ],
            opts=self._child,
        )
        kubernetes.rbac.v1.RoleBinding(
            SETUP,
            metadata=metadata,
            role_ref=kubernetes.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io",
                kind="Role",
                name=name_of(role.metadata, SETUP),
            ),
            subjects=[kubernetes.rbac.v1.SubjectArgs(kind="ServiceAccount", name=SETUP, namespace=LOGGING)],
            opts=self._child,
        )


def parameters(logs: config.Logs, bucket: str, platform: str, region: str) -> dict[str, object]:
    """The program's parameters, as JSON-compatible values.

    Args:
        logs: Configuration of the logs.
        bucket: Name of the S3 bucket for snapshots.
        platform: Name of the platform.
        region: AWS region, where the metrics go.
    """
    return {
        "elasticsearch": f"https://{ELASTICSEARCH_HOST}:{ELASTICSEARCH_PORT}",
        "elasticsearchCa": f"{CERTIFICATES}/elasticsearch.crt",
        "kibana": f"https://{KIBANA_HOST}:{KIBANA_PORT}",
        "kibanaCa": f"{CERTIFICATES}/kibana.crt",
        "user": SETUP,
        "dataStreams": DATA_STREAMS,
        "environments": list(config.ENVIRONMENTS),
        "retentionDays": logs.retention_days.model_dump(),
        "snapshots": {"bucket": bucket, "days": logs.snapshot_days},
        "alarms": {
            "stack": platform,
            "region": region,
            "url": f"https://monitoring.{region}.{dns_suffix(region)}/",
        },
        "trusted": {"namespace": LOG_COLLECTOR, "configMap": CA, "key": CA_KEY},
    }


def _pod(environment: str, priority_class: pulumi.Input[str], script: str, secret: str) -> PodTemplateSpecArgs:
    certificates = [
        VolumeProjectionArgs(
            secret=SecretProjectionArgs(name=name, items=[KeyToPathArgs(key=CA_KEY, path=f"{path}.crt")])
        )
        for name, path in ((ELASTICSEARCH_CA, "elasticsearch"), (KIBANA_CA, "kibana"))
    ]
    return PodTemplateSpecArgs(
        metadata=ObjectMetaArgs(labels=network_policies.SETUP_PODS),
        spec=PodSpecArgs(
            node_selector={labels.ENVIRONMENT: environment},
            priority_class_name=priority_class,
            restart_policy="Never",
            service_account_name=SETUP,
            automount_service_account_token=True,
            enable_service_links=False,
            security_context=PodSecurityContextArgs(
                run_as_non_root=True,
                run_as_user=RUN_AS_USER,
                run_as_group=RUN_AS_USER,
                fs_group=RUN_AS_USER,
                seccomp_profile=SeccompProfileArgs(type="RuntimeDefault"),
            ),
            containers=[
                ContainerArgs(
                    name=SETUP,
                    image=versions.PYTHON_IMAGE,
                    command=[
                        "python",
                        "-B",
                        "-m",
                        "logs_setup",
                        f"{SCRIPT}/logs_setup/parameters.json",
                    ],
                    working_dir=SCRIPT,
                    env=[
                        EnvVarArgs(
                            name=PASSWORD,
                            value_from=EnvVarSourceArgs(
                                secret_key_ref=SecretKeySelectorArgs(name=secret, key=PASSWORD)
                            ),
                        )
                    ],
                    resources=ResourceRequirementsArgs(requests=RESOURCES, limits=LIMITS),
                    security_context=SecurityContextArgs(
                        allow_privilege_escalation=False,
                        read_only_root_filesystem=True,
                        capabilities=CapabilitiesArgs(drop=["ALL"]),
                    ),
                    volume_mounts=[
                        VolumeMountArgs(name="script", mount_path=f"{SCRIPT}/logs_setup", read_only=True),
                        VolumeMountArgs(name="certificates", mount_path=CERTIFICATES, read_only=True),
                    ],
                )
            ],
            volumes=[
                VolumeArgs(name="script", config_map=ConfigMapVolumeSourceArgs(name=script)),
                # The operator's certificates: a pod that starts too early waits for them.
                VolumeArgs(name="certificates", projected=ProjectedVolumeSourceArgs(sources=certificates)),
            ],
        ),
    )
