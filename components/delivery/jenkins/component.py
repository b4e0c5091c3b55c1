"""Jenkins, the objects of its agents' namespace, and BuildKit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.networking.v1 import NetworkPolicySpecArgs

import config
import pipelines
import versions
from components.aws.ecr import EcrRepositories, lifecycle_policy
from components.cluster.core_addons import CoreAddons
from components.cluster.pod_identity import PodIdentity, PodIdentityArgs
from components.cluster.reference import ClusterReference
from components.delivery.jenkins import agents, network_policies
from components.delivery.jenkins.backups import Backups, BackupsArgs
from components.delivery.jenkins.buildkit import HOST, BuildKit, BuildKitArgs
from components.delivery.jenkins.configuration import configuration
from components.delivery.jenkins.jobs import jobs
from components.delivery.jenkins.names import (
    ADMIN,
    AGENT,
    BUILD,
    BUILD_SECRETS,
    CACHE,
    GIT,
    HOOK,
    HOOK_PATH,
    LOGIN,
    NAME,
    NOTIFY,
    PORT,
    STATUS,
)
from components.delivery.jenkins.repositories import cache_policy, of_builds
from components.delivery.jenkins.values import values
from components.ingress.ingress import Backend, Route
from components.ingress.target_group import target_group
from components.kubernetes import quotas
from components.kubernetes.charts import locate
from components.kubernetes.checksum import ANNOTATION, checksum
from components.kubernetes.namespace import Namespace, NamespaceArgs
from components.kubernetes.network_policy import Addresses
from components.kubernetes.priority_classes import TOOLING
from config.charts import JENKINS
from contract import namespaces
from contract.identities import PREVIEW

PIPELINES = (*config.ENVIRONMENTS, "check", "look", "operate", "preview", "scan", "together")
"""Jenkinsfiles that are in the controller's configuration."""

STORAGE_CLASS = "gp3"
QUOTA = config.Quota(cpu="1650m", memory="3584Mi", pods=5)
"""Quota of the agents' namespace: the agents that the chart runs at a time, one that is terminating, the
reconciler, and the page of releases."""

HEALTH = "/login"
"""Health check path: answers without a login; the chart's probes use it as well."""

LONGEST_REQUEST = 60
"""Seconds; the default idle timeout of an Application Load Balancer."""


def registry_url(urls: Mapping[str, pulumi.Output[str]]) -> pulumi.Output[str]:
    """The common beginning of the repositories' URLs, without the slash and the service's name."""
    service, url = next(iter(urls.items()))
    return url.apply(lambda value: value.removesuffix(f"/{service}"))


def secrets(delivery: config.Delivery) -> dict[str, Mapping[str, str]]:
    """Data in clear text of the Secrets that the configuration refers to, without `ADMIN`, by the Secret's name."""
    configured = {GIT: delivery.git, HOOK: delivery.hook, LOGIN: delivery.login, NOTIFY: delivery.notify}
    found: dict[str, Mapping[str, str]] = {name: secret.clear for name, secret in configured.items() if secret}
    if delivery.status_token:
        found[STATUS] = {"token": delivery.status_token.get_secret_value()}
    return found


def tokens(delivery: config.Delivery) -> dict[str, str]:
    """What each secret text of pipelines is for, by its id."""
    purposes = {STATUS: "Writes commit statuses", NOTIFY: "Tells results of builds"}
    return {f"{name}-{key}": purpose for name, purpose in purposes.items() for key in secrets(delivery).get(name, {})}


def scan_rules(scan: config.Scan) -> str:
    """The rules of the scan gate as JSON, as `pipelines/scan.py` reads them."""
    return json.dumps(scan.model_dump(by_alias=False), ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class JenkinsArgs:
    """Arguments of `Jenkins`.

    Attributes:
        delivery: Configuration of Jenkins: users, sources, agents, certificates.
        previews: Configuration of previews; None where Jenkins does not preview.
        host: Host name of Jenkins.
        environment: Environment on whose nodes Jenkins and its agents run.
        charts: Source of the charts; None for their public repositories.
        protect: Whether the namespace is protected from deletion.
        cluster: The cluster.
        repositories: The services' ECR repositories.
        addresses: IP ranges of the VPC.
        agent_namespace: Namespace of the agents and of the release identities.
        signing_key: ARN of the alias of the KMS key that signs images; None where none does.
        core_addons: The core add-ons (DNS, volumes, autoscaling), which Jenkins is created after and deleted before.
    """

    delivery: config.Delivery
    previews: config.Previews | None
    host: str
    environment: str
    charts: str | None
    protect: bool
    cluster: ClusterReference
    repositories: EcrRepositories
    addresses: Addresses
    agent_namespace: pulumi.Input[str]
    signing_key: str | None
    core_addons: CoreAddons


class Jenkins(pulumi.ComponentResource):
    """The controller by its chart, its agents, and BuildKit. Needs providers for `aws` and `kubernetes`.

    Attributes:
        url: URL of Jenkins' pages.
        agent_image: The agents' image, by digest.
        backend: Routes of Jenkins' host.
        hook: Route of the webhook's public host; None without a webhook.
    """

    url: str
    agent_image: pulumi.Output[str]
    backend: Backend
    hook: Backend | None

    def __init__(self, name: str, args: JenkinsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Jenkins", name, {}, opts)
        self._args = args
        child = pulumi.ResourceOptions(parent=self)
        environment = args.environment
        namespace = Namespace(
            namespaces.JENKINS, NamespaceArgs(name=namespaces.JENKINS, protect=args.protect), opts=child
        ).namespace
        self.url = f"https://{args.host}/"
        self.agent_image = registry_url(args.repositories.repository_urls).apply(
            lambda registry: f"{registry}/{AGENT}@{args.delivery.agent_digest}"
        )
        self._repository(name, AGENT, mutability="IMMUTABLE", policy=lifecycle_policy())
        self._repository(name, CACHE, mutability="MUTABLE", policy=cache_policy())
        build_identity = self._agents(name)
        BuildKit(
            name,
            BuildKitArgs(
                certificates=args.delivery.certificates,
                egress_ports=args.delivery.build_egress_ports,
                environment=environment,
                priority_class=TOOLING,
                addresses=args.addresses,
                client_namespace=args.agent_namespace,
                docker_hub=args.repositories.docker_hub,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.core_addons.ready),
        )
        self._network_policy("jenkins", namespace, network_policies.of_controller(args.addresses))
        secret_data = {ADMIN: args.delivery.admin, **secrets(args.delivery)}
        if args.delivery.build_secrets:
            self._secret(BUILD_SECRETS, args.agent_namespace, args.delivery.clear_build_secrets)
        secret_objects = [self._secret(secret, namespace, data) for secret, data in secret_data.items()]
        location = locate(JENKINS, args.charts)
        kubernetes.helm.v3.Release(
            NAME,
            name=NAME,
            namespace=namespace,
            chart=location.chart,
            version=location.version,
            repository_opts=location.repository_opts,
            values=pulumi.Output.all(
                registry_url(args.repositories.repository_urls), args.repositories.docker_hub
            ).apply(lambda known: self._values(*known)),
            # The pod downloads the plugins before it is ready.
            timeout=900,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[build_identity, *secret_objects, *args.core_addons.ready]
            ),
        )
        self.backend = Backend(
            namespace=namespace,
            routes=[Route(path="/", service=NAME, port=PORT)],
            environment=args.environment,
            annotations=target_group(health_path=HEALTH, longest_request_seconds=LONGEST_REQUEST),
        )
        self.hook = None
        if args.delivery.hook:
            path = Route(path=HOOK_PATH, service=NAME, port=PORT, exact=True)
            self.hook = replace(self.backend, routes=[path], sources=args.delivery.hook.cidrs)
        Backups(
            f"{name}-jenkins",
            BackupsArgs(
                account=args.cluster.account,
                platform=name,
                namespace=namespaces.JENKINS,
                claim=NAME,
                volume_key_arn=args.core_addons.volume_key_arn,
            ),
            opts=child,
        )
        self.register_outputs({"url": self.url})

    def _values(self, registry: str, docker_hub: str) -> Mapping[str, object]:
        delivery, environment = self._args.delivery, self._args.environment
        jenkinsfiles = {name: pipelines.jenkinsfile(name) for name in PIPELINES}
        previews = self._args.previews
        variables = {
            "REGISTRY": registry,
            "CACHE": f"{registry}/{CACHE}",
            "BUILDKIT_HOST": HOST,
            "BUILDKIT_TLS": agents.BUILDKIT_TLS,
            "SCAN_RULES": scan_rules(delivery.scan),
            **({"BUILD_SECRETS": agents.BUILD_SECRETS_FOLDER} if delivery.build_secrets else {}),
            **({"PROVENANCE": "true"} if delivery.provenance else {}),
            **({"SBOM_GENERATOR": delivery.sbom_generator} if delivery.sbom_generator else {}),
            **({"SIGNING_KEY": key} if (key := self._args.signing_key) else {}),
            **({"STATUS_HOST": delivery.status_host} if delivery.status_token else {}),
            **({"APPROVERS": ",".join(delivery.login.approve)} if delivery.login else {}),
            **(self._preview_variables(previews) if previews else {}),
        }
        return values(
            url=self.url,
            environment=environment,
            priority_class=TOOLING,
            storage_class=STORAGE_CLASS,
            configuration=configuration(
                variables=variables,
                jobs=jobs(delivery, jenkinsfiles, previews=previews is not None),
                git=delivery.git is not None,
                hook=delivery.hook is not None,
                tokens=tokens(delivery),
            ),
            pod_templates=agents.templates(
                f"{registry}/{AGENT}@{delivery.agent_digest}",
                environment=environment,
                priority_class=TOOLING,
                previews=previews is not None,
                build_secrets=bool(delivery.build_secrets),
            ),
            login=delivery.login,
            plugins={
                **versions.JENKINS_PLUGINS,
                **(versions.JENKINS_HOOK_PLUGINS if delivery.hook else {}),
                **(versions.JENKINS_LOGIN_PLUGINS if delivery.login else {}),
            },
            secrets={secret: list(clear) for secret, clear in secrets(delivery).items()},
            annotations={ANNOTATION: checksum({ADMIN: delivery.admin, **secrets(delivery)})},
            docker_hub=docker_hub,
        )

    def _preview_variables(self, previews: config.Previews) -> dict[str, str]:
        """Environment variables by which a preview finds this stack."""
        account = self._args.cluster.account
        return {
            "STACK": account.tags["stack"],
            "AWS_REGION": account.region,
            "PULUMI_BACKEND_URL": f"s3://{previews.state_bucket}?region={account.region}",
        }

    def _agents(self, platform: str) -> pulumi.Resource:
        """The agents' quota and NetworkPolicies, and the service account and IAM role of the build agents.

        Returns:
            The Pod Identity of the build agents.
        """
        namespace = self._args.agent_namespace
        child = pulumi.ResourceOptions(parent=self)
        kubernetes.core.v1.ServiceAccount(
            BUILD,
            metadata=ObjectMetaArgs(name=BUILD, namespace=namespace),
            automount_service_account_token=False,
            opts=child,
        )
        kubernetes.core.v1.ResourceQuota(
            "agents", metadata=ObjectMetaArgs(name="agents", namespace=namespace), spec=quotas.quota(QUOTA), opts=child
        )
        kubernetes.core.v1.LimitRange(
            "agents", metadata=ObjectMetaArgs(name="agents", namespace=namespace), spec=quotas.defaults(), opts=child
        )
        self._network_policy("agents", namespace, network_policies.of_agents())
        self._network_policy(BUILD, namespace, network_policies.of_builders(self._args.addresses))
        if self._args.previews:
            self._network_policy(PREVIEW, namespace, network_policies.of_previews(self._args.addresses))
        return PodIdentity(
            f"{platform}-build",
            PodIdentityArgs(
                cluster=self._args.cluster,
                namespace=agents.DELIVERY,
                service_account=BUILD,
                statements=of_builds(
                    self._args.cluster,
                    signing_key=self._args.signing_key,
                    docker_hub=self._args.repositories.cache_statements,
                ),
            ),
            opts=child,
        )

    def _repository(self, platform: str, name: str, *, mutability: str, policy: str) -> None:
        repository = aws.ecr.Repository(
            f"{platform}-{name}",
            name=f"{platform}/{name}",
            image_tag_mutability=mutability,
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(
                    encryption_type="KMS", kms_key=self._args.repositories.key_arn
                )
            ],
            # Its images can be built again.
            force_delete=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ecr.LifecyclePolicy(
            f"{platform}-{name}", repository=repository.name, policy=policy, opts=pulumi.ResourceOptions(parent=self)
        )

    def _network_policy(self, name: str, namespace: pulumi.Input[str], spec: NetworkPolicySpecArgs) -> None:
        kubernetes.networking.v1.NetworkPolicy(
            f"delivery-{name}",
            metadata=ObjectMetaArgs(name=name, namespace=namespace),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _secret(self, name: str, namespace: pulumi.Input[str], data: Mapping[str, str]) -> kubernetes.core.v1.Secret:
        return kubernetes.core.v1.Secret(
            name,
            metadata=ObjectMetaArgs(name=name, namespace=namespace),
            string_data={key: pulumi.Output.secret(value) for key, value in data.items()},
            opts=pulumi.ResourceOptions(parent=self),
        )
