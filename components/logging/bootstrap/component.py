"""What sets Elasticsearch and Kibana up, again and again: a CronJob, whose runs change what is not as it should be.

No single Job, since it also keeps the certificate current that Fluentd trusts: the operator renews it each year.
By hand: `kubectl --namespace logging create job --from=cronjob/logs-setup logs-setup-by-hand`.
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
from contract import labels
from contract.namespaces import LOG_COLLECTOR, LOGGING

SCHEDULE = "*/10 * * * *"
"""A run is over in seconds, and the first one comes soon after Elasticsearch is there."""

LONGEST_RUN = 540
"""Seconds: over before the next one."""

SCRIPT = "/setup"
CERTIFICATES = "/certificates"
PASSWORD = "ELASTICSEARCH_PASSWORD"  # noqa: S105 - a variable's name

RESOURCES = {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "32Mi"}
LIMITS = {"cpu": "500m", "memory": "64Mi", "ephemeral-storage": "64Mi"}


@dataclass(frozen=True, kw_only=True)
class BootstrapArgs:
    """What a `Bootstrap` is made from.

    Attributes:
        logs: The stack's settings of its logs.
        bucket: Name of the bucket for snapshots.
        namespace: Where Elasticsearch and Kibana are.
        environment: On whose nodes it runs.
        password: Of its user in Elasticsearch.
        priority_class: Name of the tools' PriorityClass.
        collector_namespace: Where Fluentd is.
        ca: Name of the ConfigMap there that is to have who signs Elasticsearch's certificate.
    """

    logs: config.Logs
    bucket: str
    namespace: pulumi.Input[str]
    environment: str
    password: str
    priority_class: pulumi.Input[str]
    collector_namespace: pulumi.Input[str]
    ca: pulumi.Input[str]


class Bootstrap(pulumi.ComponentResource):
    """The CronJob, its script, and its one right in Kubernetes: to fill one ConfigMap."""

    def __init__(self, name: str, args: BootstrapArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:LogsSetup", name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._args = args
        self._right()
        data = {**job.files(), "parameters.json": json.dumps(parameters(args.logs, args.bucket), indent=1)}
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
                        active_deadline_seconds=LONGEST_RUN,
                        template=_pod(args.environment, args.priority_class, script, secret),
                    )
                ),
            ),
            opts=self._child,
        )
        self.register_outputs({})

    def _metadata(self, name: str) -> ObjectMetaArgs:
        return ObjectMetaArgs(name=name, namespace=self._args.namespace, labels=dict(network_policies.SETUP_PODS))

    def _right(self) -> None:
        kubernetes.core.v1.ServiceAccount(
            SETUP, metadata=self._metadata(SETUP), automount_service_account_token=False, opts=self._child
        )
        there = ObjectMetaArgs(name=SETUP, namespace=self._args.collector_namespace)
        role = kubernetes.rbac.v1.Role(
            SETUP,
            metadata=there,
            rules=[
                kubernetes.rbac.v1.PolicyRuleArgs(
                    api_groups=[""], resources=["configmaps"], resource_names=[self._args.ca], verbs=["get", "patch"]
                )
            ],
            opts=self._child,
        )
        kubernetes.rbac.v1.RoleBinding(
            SETUP,
            metadata=there,
            role_ref=kubernetes.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io",
                kind="Role",
                name=name_of(role.metadata, SETUP),
            ),
            subjects=[kubernetes.rbac.v1.SubjectArgs(kind="ServiceAccount", name=SETUP, namespace=LOGGING)],
            opts=self._child,
        )


def parameters(logs: config.Logs, bucket: str) -> dict[str, object]:
    """What the script has to know of the stack.

    Args:
        logs: The stack's settings of its logs.
        bucket: Name of the bucket for snapshots.
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
                        f"{SCRIPT}/components/logging/bootstrap/job/parameters.json",
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
                # The operator's: a run that comes too early waits for them.
                VolumeArgs(name="certificates", projected=ProjectedVolumeSourceArgs(sources=certificates)),
            ],
        ),
    )
