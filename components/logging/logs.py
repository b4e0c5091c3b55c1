"""The logs of all containers: Fluentd collects them, Elasticsearch stores them by environment, Kibana shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import config
from components.aws.network import Network
from components.cluster.core_addons import CoreAddons
from components.cluster.reference import ClusterReference
from components.ingress.ingress import Backend
from components.kubernetes.annotations import PATCH_FORCE
from components.kubernetes.charts import locate
from components.kubernetes.metadata import name_of
from components.logging import access, elastic, network_policies, operator, update_policy
from components.logging.alarms import Alarms, AlarmsArgs
from components.logging.bootstrap.component import Bootstrap, BootstrapArgs
from components.logging.collector import Collector, CollectorArgs
from components.logging.kibana import Kibana, KibanaArgs
from components.logging.names import ELASTICSEARCH, KIBANA
from components.logging.snapshots import ACCOUNT, Identity, Snapshots, SnapshotsArgs
from config.charts import ECK_OPERATOR
from config.required import FLUENTD_PASSWORD, KIBANA_ENCRYPTION_KEY, SETUP_PASSWORD
from contract.namespaces import LOGGING


@dataclass(frozen=True, kw_only=True)
class LogsArgs:
    """Arguments of `Logs`.

    Attributes:
        logs: Configuration of the logs: sizes and retention.
        host: Host name of Kibana.
        environment: Environment on whose nodes Elasticsearch, Kibana, the operator and the bootstrap job run.
        secrets: The platform's secrets, by name, in clear text.
        passwords: Passwords of people, by the secret's name, in clear text.
        charts: Source of the charts; None for their public repositories.
        protect: Whether namespaces and Elasticsearch are protected from deletion.
        cluster: The cluster.
        docker_hub: Where nodes pull Docker Hub's images from.
        network: The VPC.
        core_addons: The core add-ons and priority classes, which the operator is created after and deleted before.
    """

    logs: config.Logs
    host: str
    environment: str
    secrets: Mapping[str, str]
    passwords: Mapping[str, str]
    charts: str | None
    protect: bool
    cluster: ClusterReference
    docker_hub: pulumi.Input[str]
    network: Network
    core_addons: CoreAddons


class Logs(pulumi.ComponentResource):
    """The ECK operator, Elasticsearch and Kibana with their users, the collector, snapshots, and the bootstrap job.

    Needs providers for `aws` and `kubernetes`.

    Attributes:
        summary: Names of the parts, for the stack's outputs.
        backend: Routes of Kibana's host.
    """

    summary: dict[str, Any]
    backend: Backend

    def __init__(self, name: str, args: LogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Logs", name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._args = args
        environment = args.environment
        kibana = Kibana("log", KibanaArgs(environment=environment, protect=args.protect), opts=self._child)
        self._namespace, self.backend = kibana.namespace, kibana.backend
        for policy, spec in network_policies.of_logging(args.network.addresses).items():
            kubernetes.networking.v1.NetworkPolicy(
                f"{name}-{policy}", metadata=self._metadata(policy), spec=spec, opts=self._child
            )
        snapshots = Snapshots(name, SnapshotsArgs(cluster=args.cluster), opts=self._child)
        stack = self._stack(name, self._operator(), snapshots, environment=environment)
        collector = Collector(
            name,
            CollectorArgs(
                logs=args.logs,
                password=args.secrets[FLUENTD_PASSWORD],
                addresses=args.network.addresses,
                priority_class=args.core_addons.priorities.tooling,
                docker_hub=args.docker_hub,
                protect=args.protect,
            ),
            opts=self._child,
        )
        alarms = Alarms(
            name,
            AlarmsArgs(cluster=args.cluster, emails=tuple(args.logs.alert_emails)),
            opts=self._child,
        )
        Bootstrap(
            name,
            BootstrapArgs(
                logs=args.logs,
                platform=args.cluster.name,
                region=args.cluster.account.region,
                bucket=snapshots.bucket,
                namespace=self._namespace,
                environment=environment,
                password=args.secrets[SETUP_PASSWORD],
                priority_class=args.core_addons.priorities.tooling,
                collector_namespace=collector.namespace,
                ca=collector.ca,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*stack, alarms]),
        )
        self.summary = {
            "host": args.host,
            "namespace": self._namespace,
            "collector": {"namespace": collector.namespace, "daemonSet": "fluentd"},
            "elasticsearch": ELASTICSEARCH,
            "kibana": KIBANA,
            "dataViews": [*config.ENVIRONMENTS, "platform"],
            "snapshots": snapshots.bucket,
            "alarms": alarms.topic,
            "setup": f"kubectl --namespace {LOGGING} create job --from=cronjob/logs-setup logs-setup-by-hand",
        }
        self.register_outputs({"summary": self.summary})

    def _metadata(self, name: str, annotations: Mapping[str, str] | None = None) -> ObjectMetaArgs:
        return ObjectMetaArgs(name=name, namespace=self._namespace, annotations=annotations)

    def _operator(self) -> pulumi.Resource:
        """The operator's Helm release; with the right to read nodes, where Elasticsearch is zone-aware."""
        location = locate(ECK_OPERATOR, self._args.charts)
        return kubernetes.helm.v3.Release(
            operator.NAME,
            name=operator.NAME,
            namespace=self._namespace,
            chart=location.chart,
            version=location.version,
            repository_opts=location.repository_opts,
            values=operator.values(LOGGING, self._args.environment),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[
                    *self._args.core_addons.ready,
                    *([self._node_reader()] if self._args.logs.zone_awareness else []),
                ],
            ),
        )

    def _node_reader(self) -> pulumi.Resource:
        """The operator's right to read nodes, which the chart's role lacks.

        With zone awareness, pods wait until the operator has copied their node's zone to their annotations.

        https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/pkg/controller/elasticsearch/driver/shared/node_labels.go
        """
        name = f"{operator.NAME}-nodes"
        role = kubernetes.rbac.v1.ClusterRole(
            name,
            metadata=ObjectMetaArgs(name=name),
            rules=[
                kubernetes.rbac.v1.PolicyRuleArgs(api_groups=[""], resources=["nodes"], verbs=["get", "list", "watch"])
            ],
            opts=self._child,
        )
        return kubernetes.rbac.v1.ClusterRoleBinding(
            name,
            metadata=ObjectMetaArgs(name=name),
            role_ref=kubernetes.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=name_of(role.metadata, name)
            ),
            subjects=[
                kubernetes.rbac.v1.SubjectArgs(kind="ServiceAccount", name=operator.NAME, namespace=self._namespace)
            ],
            opts=self._child,
        )

    def _stack(
        self, name: str, operator_release: pulumi.Resource, snapshots: Snapshots, *, environment: str
    ) -> list[pulumi.Resource]:
        """Elasticsearch and Kibana, and the Secrets that they refer to."""
        roles = self._secret(f"{name}-roles", "elasticsearch-roles", {"roles.yml": access.roles_file()})
        users = [
            self._secret(
                f"{name}-user-{user.name}",
                f"elasticsearch-user-{user.name}",
                user.secret,
                type_="kubernetes.io/basic-auth",
            )
            for user in access.users(self._args.logs.people, secrets=self._args.secrets, passwords=self._args.passwords)
        ]
        keys = self._secret(
            f"{name}-kibana-keys", "kibana-keys", {elastic.KEY: self._args.secrets[KIBANA_ENCRYPTION_KEY]}
        )
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-{ACCOUNT}",
            metadata=self._metadata(ACCOUNT),
            automount_service_account_token=False,
            opts=self._child,
        )
        updates = update_policy.bind(self._namespace, self._child)
        # Deleted before the operator and its CRDs: without the operator, nothing would clean up after them.
        after_operator = pulumi.ResourceOptions(parent=self, depends_on=[operator_release, account, updates])
        elasticsearch = kubernetes.apiextensions.CustomResource(
            ELASTICSEARCH,
            api_version="elasticsearch.k8s.elastic.co/v1",
            kind="Elasticsearch",
            # The operator updates the whole object, and so becomes the manager of `spec.nodeSets`, which is one field.
            metadata=self._metadata(ELASTICSEARCH, PATCH_FORCE),
            spec=elastic.elasticsearch(
                self._args.logs,
                environment=environment,
                priority_class=self._args.core_addons.priorities.tooling,
                storage_class="gp3",
                roles=[roles],
                users=users,
                identity=Identity.of(snapshots.role_arn, self._args.cluster.account.region),
            ),
            opts=pulumi.ResourceOptions.merge(after_operator, pulumi.ResourceOptions(protect=self._args.protect)),
        )
        kibana = kubernetes.apiextensions.CustomResource(
            KIBANA,
            api_version="kibana.k8s.elastic.co/v1",
            kind="Kibana",
            metadata=self._metadata(KIBANA, PATCH_FORCE),
            spec=elastic.kibana(
                environment=environment,
                priority_class=self._args.core_addons.priorities.tooling,
                host=self._args.host,
                keys=keys,
            ),
            opts=after_operator,
        )
        return [elasticsearch, kibana]

    def _secret(
        self, name: str, object_name: str, data: Mapping[str, str], *, type_: str | None = None
    ) -> pulumi.Output[str]:
        """A Secret that the operator watches: it applies changes of passwords and roles."""
        secret = kubernetes.core.v1.Secret(
            name,
            metadata=self._metadata(object_name),
            type=type_,
            string_data={key: pulumi.Output.secret(value) for key, value in data.items()},
            opts=self._child,
        )
        return name_of(secret.metadata, object_name)
