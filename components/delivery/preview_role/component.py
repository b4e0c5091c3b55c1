"""The roles, their way into the cluster, and the policy that makes their writes dry runs."""

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
    """What `PreviewRole` are made from.

    Attributes:
        previews: The settings that are about them.
        cluster: The cluster.
        agents_in: Namespace of Jenkins' agents; None where none of them previews.
    """

    previews: config.Previews
    cluster: ClusterReference
    agents_in: pulumi.Input[str] | None = None


class PreviewRole(pulumi.ComponentResource):
    """Roles that a repository's jobs, and Jenkins' agents, act as. It takes providers of both, `aws` and `kubernetes`.

    Attributes:
        role_arns: Their ARNs, by who acts as them: `github`, `jenkins`.
    """

    role_arns: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: PreviewRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Previews", name, {}, opts)
        self._args = args
        self._statements = iam.permissions(args.cluster.account, args.previews)
        self.role_arns = {}
        if args.previews.repository:
            self.role_arns["github"] = self._of_jobs(name)
        if args.agents_in is not None:
            self.role_arns["jenkins"] = self._of_agents(name, args.agents_in)
        only_dry_runs = self._only_dry_runs()
        for who, arn in self.role_arns.items():
            aws.eks.AccessEntry(
                f"{name}-preview-{who}",
                cluster_name=args.cluster.made,
                principal_arn=arn,
                kubernetes_groups=[rbac.PREVIEWERS],
                # Nobody enters before the policy holds.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[only_dry_runs]),
            )
        self._allow()
        self.register_outputs({"role_arns": self.role_arns})

    def _of_jobs(self, name: str) -> pulumi.Output[str]:
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

    def _of_agents(self, name: str, namespace: pulumi.Input[str]) -> pulumi.Output[str]:
        """A service account without any right of its own: it enters the cluster as its role does."""
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

    def _allow(self) -> None:
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

    def _only_dry_runs(self) -> pulumi.Resource:
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
