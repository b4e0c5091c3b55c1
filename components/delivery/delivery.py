"""Delivery: identities and rights of releases, admission policies, Jenkins, the reconciler, roles of CI elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import config
from components.aws.ecr import EcrRepositories
from components.aws.kms import signing_statement
from components.aws.network import Network
from components.aws.policy import Statement
from components.cluster.core_addons import CoreAddons
from components.cluster.pod_identity import PodIdentity, PodIdentityArgs
from components.cluster.reference import ClusterReference
from components.delivery.github_actions import GitHubActions, GitHubActionsArgs
from components.delivery.jenkins.component import Jenkins, JenkinsArgs
from components.delivery.jenkins.repositories import of_jenkins, on_images
from components.delivery.preview_role import PreviewRole, PreviewRoleArgs
from components.delivery.reconciler import Reconciler, ReconcilerArgs
from components.delivery.release_access import ReleaseAccess, ReleaseAccessArgs
from components.delivery.releases_page import ReleasesPage, ReleasesPageArgs
from components.ingress.ingress import Backend
from components.kubernetes import network_policy
from components.kubernetes.namespace import Namespace, NamespaceArgs
from components.kubernetes.priority_classes import TOOLING
from components.workload.admission import Admission, AdmissionArgs
from components.workload.environment import Environment
from contract.identities import RELEASE, RELEASE_TOOL_LABELS, VERIFY
from contract.namespaces import DELIVERY

TAG = ("ecr:BatchGetImage", "ecr:PutImage")
"""Actions that add a tag to an image, by which lifecycle rules spare it."""

METRICS = ("cloudwatch:GetMetricData", "elasticloadbalancing:DescribeTargetGroups")
"""Actions that read the load balancers' metrics. Neither can be limited to resources:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
"""

UNTAG = ("ecr:DescribeImages", "ecr:BatchDeleteImage")
"""Actions that remove tags. The second one can delete images, too: ECR has no action for tags alone."""


READ_RULES = (
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
)
"""Actions by which a release by weight sees its weights in the load balancer's rules. They know no resources.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
"""


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """Arguments of `Delivery`.

    Attributes:
        services: Names of the services.
        weighted: Names of the services that are released by weight.
        prometheus: Configuration of Prometheus; None for a stack without it.
        reads_metrics: Whether releases read the load balancers' metrics.
        delivery: Configuration of Jenkins; None for a stack without it.
        page: Configuration of the page of releases; None for a stack without it.
        previews: Configuration of the preview roles; None for a stack without them.
        github_actions: Configuration of GitHub Actions; None where its jobs have no access.
        previews_in_jenkins: Whether Jenkins previews changes of the platform.
        jenkins_host: Host name of Jenkins.
        environment: Environment on whose nodes the tools run.
        charts: Source of the charts; None for their public repositories.
        protect: Whether namespaces and the records of verified images are protected from deletion.
        signing_key: ARN of the alias of the KMS key whose signature images need in prod; None where they need none.
        cluster: The cluster.
        environments: Each environment, by name.
        repositories: The services' ECR repositories.
        network: The VPC.
        core_addons: The core add-ons, which Jenkins is created after and deleted before.
    """

    services: Sequence[str]
    weighted: Sequence[str]
    prometheus: config.Prometheus | None
    reads_metrics: bool
    delivery: config.Delivery | None
    page: config.ReleasesPage | None
    previews: config.Previews | None
    github_actions: config.GitHubActions | None
    previews_in_jenkins: bool
    jenkins_host: str
    environment: config.EnvironmentName
    charts: str | None
    protect: bool
    signing_key: str | None
    cluster: ClusterReference
    environments: Mapping[str, Environment]
    repositories: EcrRepositories
    network: Network
    core_addons: CoreAddons


class Delivery(pulumi.ComponentResource):
    """The namespace and identities of releases, their rights and admission policies.

    And Jenkins, the page of releases and the preview roles, where they are configured. Needs providers for `aws` and
    `kubernetes`.

    Attributes:
        namespace: Namespace of the release identities and of Jenkins' agents.
        backends: Routes of the hosts `jenkins`, `hook` and `releases`, by host, as far as they are configured.
    """

    namespace: pulumi.Output[str]
    backends: dict[str, Backend]

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Delivery", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = Namespace(DELIVERY, NamespaceArgs(name=DELIVERY, protect=args.protect), opts=child).namespace
        read_rules = [Statement(actions=READ_RULES, resources=["*"])] if args.weighted else []
        metrics = [Statement(actions=METRICS, resources=["*"])] if args.reads_metrics else []
        look_statements = [*read_rules, *metrics]
        others = of_jenkins(args.services)
        verify_statements = on_images(args.cluster, TAG, left_out=others)
        release_statements = [*on_images(args.cluster, [*TAG, *UNTAG], left_out=others), *look_statements]
        if args.signing_key:
            verify_statements.append(signing_statement(args.cluster.account, args.signing_key, "kms:Verify"))
        self._identity(RELEASE, args.cluster, release_statements)
        self._identity(VERIFY, args.cluster, verify_statements)
        kubernetes.networking.v1.NetworkPolicy(
            f"{DELIVERY}-{RELEASE}",
            metadata=ObjectMetaArgs(name=RELEASE, namespace=self.namespace),
            spec=network_policy.release_tool_policy(
                RELEASE_TOOL_LABELS, args.services, addresses=args.network.addresses, prometheus=args.prometheus
            ),
            opts=child,
        )
        namespaces = {name: environment.namespace for name, environment in args.environments.items()}
        access = ReleaseAccess(
            name,
            ReleaseAccessArgs(
                environments=namespaces,
                services=args.services,
                outside=args.github_actions is not None,
                weighted=args.weighted,
                reads_metrics=args.reads_metrics,
            ),
            opts=child,
        )
        Admission(
            name,
            AdmissionArgs(
                environments=namespaces,
                repositories=args.repositories.repository_urls,
                protect=args.protect,
                weighted=args.weighted,
                signing_key=args.signing_key,
            ),
            opts=child,
        )
        self.backends = {}
        page_image = pulumi.Output.from_input(args.page.image) if args.page and args.page.image else None
        if args.delivery:
            jenkins = Jenkins(
                name,
                JenkinsArgs(
                    delivery=args.delivery,
                    previews=args.previews if args.previews_in_jenkins else None,
                    host=args.jenkins_host,
                    environment=args.environment,
                    charts=args.charts,
                    protect=args.protect,
                    cluster=args.cluster,
                    repositories=args.repositories,
                    addresses=args.network.addresses,
                    agent_namespace=self.namespace,
                    signing_key=args.signing_key,
                    core_addons=args.core_addons,
                ),
                opts=child,
            )
            if args.delivery.reconciler:
                Reconciler(
                    name,
                    ReconcilerArgs(
                        services=args.services,
                        addresses=args.network.addresses,
                        prometheus=args.prometheus,
                        image=jenkins.agent_image,
                        replicas=int(args.delivery.has_agent),
                        namespace=self.namespace,
                        environments=namespaces,
                        environment=args.environment,
                        priority_class=TOOLING,
                        cluster=args.cluster,
                        statements=[*on_images(args.cluster, UNTAG, left_out=others), *look_statements],
                    ),
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[access]),
                )
            page_image = page_image or jenkins.agent_image
            self.backends["jenkins"] = jenkins.backend
            if jenkins.hook:
                self.backends["hook"] = jenkins.hook
        if args.page and page_image:
            page = ReleasesPage(
                name,
                ReleasesPageArgs(
                    image=page_image,
                    replicas=int(bool(args.page.image or (args.delivery and args.delivery.has_agent))),
                    namespace=self.namespace,
                    environments=namespaces,
                    environment=args.environment,
                    priority_class=TOOLING,
                    addresses=args.network.addresses,
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[access]),
            )
            self.backends["releases"] = page.backend
        preview_roles: list[pulumi.Resource] = []
        if args.previews:
            preview_role = PreviewRole(
                name,
                PreviewRoleArgs(
                    previews=args.previews,
                    cluster=args.cluster,
                    agent_namespace=self.namespace if args.previews_in_jenkins else None,
                ),
                opts=child,
            )
            preview_roles = [preview_role]
        if args.github_actions:
            GitHubActions(
                name,
                GitHubActionsArgs(
                    actions=args.github_actions,
                    cluster=args.cluster,
                    left_out=others,
                    release_statements=release_statements,
                    verify_statements=verify_statements,
                    signing_key=args.signing_key,
                    # An account has one provider for GitHub.
                    creates_provider=not (args.previews and args.previews.repository),
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=preview_roles),
            )
        self.register_outputs({"namespace": self.namespace})

    def _identity(self, account: str, cluster: ClusterReference, statements: Sequence[Statement]) -> None:
        """A service account, and the IAM role of its pods."""
        child = pulumi.ResourceOptions(parent=self)
        kubernetes.core.v1.ServiceAccount(
            f"{DELIVERY}-{account}",
            metadata=ObjectMetaArgs(name=account, namespace=self.namespace),
            # The agents' pods mount the token where they need it.
            automount_service_account_token=False,
            opts=child,
        )
        PodIdentity(
            f"{self.pulumi_resource_name}-{account.removeprefix('hello-')}",
            PodIdentityArgs(cluster=cluster, namespace=DELIVERY, service_account=account, statements=statements),
            opts=child,
        )
