"""The IAM roles, their access entries and ClusterRole, and the policy that admits their writes as dry runs only."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.admissionregistration.v1 import (
    MatchConditionArgs,
    MatchResourcesArgs,
    NamedRuleWithOperationsArgs,
    ValidatingAdmissionPolicyBindingSpecArgs,
    ValidatingAdmissionPolicySpecArgs,
    ValidationArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import RoleRefArgs, SubjectArgs

import config
from components.aws.iam import Role, RoleArgs
from components.cluster.pod_identity import PodIdentity, PodIdentityArgs
from components.cluster.reference import ClusterReference
from components.delivery.preview_role import iam, rbac
from components.kubernetes.metadata import name_of
from contract.identities import PREVIEW
from contract.namespaces import DELIVERY

NAME = "hello-previews"
RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, kw_only=True)
class PreviewRoleArgs:
    """Arguments of `PreviewRole`.

    Attributes:
        previews: Configuration of previews.
        cluster: The cluster.
        agent_namespace: Namespace of Jenkins' agents; None where Jenkins does not preview.
    """

    previews: config.Previews
    cluster: ClusterReference
    agent_namespace: pulumi.Input[str] | None = None


class PreviewRole(pulumi.ComponentResource):
    """IAM roles of GitHub Actions' jobs and of Jenkins' agents. Needs providers for `aws` and `kubernetes`.

    Attributes:
        role_arns: ARNs of the roles, by their user: `github`, `jenkins`.
    """

    role_arns: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: PreviewRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Previews", name, {}, opts)
        self._args = args
        self._statements = iam.permissions(args.cluster.account, args.previews)
        self.role_arns = {}
        if args.previews.repository:
            self.role_arns["github"] = self._github_role(name)
        if args.agent_namespace is not None:
            self.role_arns["jenkins"] = self._jenkins_role(name, args.agent_namespace)
        dry_run_policy = self._dry_run_policy()
        for user, arn in self.role_arns.items():
            aws.eks.AccessEntry(
                f"{name}-preview-{user}",
                cluster_name=args.cluster.created_name,
                principal_arn=arn,
                kubernetes_groups=[rbac.PREVIEWERS],
                # No access before the policy is in force.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[dry_run_policy]),
            )
        self._cluster_role()
        self.register_outputs({"role_arns": self.role_arns})

    def _github_role(self, name: str) -> pulumi.Output[str]:
        args, account = self._args, self._args.cluster.account
        provider = [] if args.previews.oidc_provider_arn else [self._identity_provider(f"{name}-github")]
        return Role(
            f"{name}-preview",
            RoleArgs(
                account=account,
                trust=iam.trust(account, args.previews),
                managed_policies=[iam.AUDITOR],
                statements=self._statements,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=provider),
        ).arn

    def _jenkins_role(self, name: str, namespace: pulumi.Input[str]) -> pulumi.Output[str]:
        """A role by Pod Identity; its service account has no RBAC rights, the role's access entry gives them."""
        kubernetes.core.v1.ServiceAccount(
            PREVIEW,
            metadata=ObjectMetaArgs(name=PREVIEW, namespace=namespace),
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return PodIdentity(
            f"{name}-jenkins-preview",
            PodIdentityArgs(
                cluster=self._args.cluster,
                namespace=DELIVERY,
                service_account=PREVIEW,
                managed_policies=[iam.AUDITOR],
                statements=self._statements,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        ).role_arn

    def _identity_provider(self, name: str) -> pulumi.Resource:
        return aws.iam.OpenIdConnectProvider(
            name,
            url=f"https://{iam.ISSUER}",
            client_id_lists=[iam.AUDIENCE],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _cluster_role(self) -> None:
        child = pulumi.ResourceOptions(parent=self)
        metadata = ObjectMetaArgs(name=NAME)
        role = kubernetes.rbac.v1.ClusterRole(NAME, metadata=metadata, rules=rbac.rules(), opts=child)
        kubernetes.rbac.v1.ClusterRoleBinding(
            NAME,
            metadata=metadata,
            role_ref=RoleRefArgs(api_group=RBAC, kind="ClusterRole", name=name_of(role.metadata, NAME)),
            subjects=[SubjectArgs(kind="Group", name=rbac.PREVIEWERS, api_group=RBAC)],
            opts=child,
        )

    def _dry_run_policy(self) -> pulumi.Resource:
        child = pulumi.ResourceOptions(parent=self)
        policy = kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
            NAME,
            metadata=ObjectMetaArgs(name=NAME),
            spec=ValidatingAdmissionPolicySpecArgs(
                match_constraints=MatchResourcesArgs(
                    resource_rules=[
                        NamedRuleWithOperationsArgs(
                            api_groups=["*"], api_versions=["*"], resources=["*/*"], operations=["*"]
                        )
                    ]
                ),
                match_conditions=[
                    MatchConditionArgs(name="previews", expression=f"'{rbac.PREVIEWERS}' in request.userInfo.groups")
                ],
                validations=[
                    ValidationArgs(expression=rbac.ONLY_DRY_RUNS, message="a preview changes nothing: dry runs only")
                ],
            ),
            opts=child,
        )
        return kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
            NAME,
            metadata=ObjectMetaArgs(name=NAME),
            spec=ValidatingAdmissionPolicyBindingSpecArgs(
                policy_name=name_of(policy.metadata, NAME), validation_actions=["Deny"]
            ),
            opts=child,
        )
