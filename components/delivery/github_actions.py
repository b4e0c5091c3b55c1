"""IAM roles by which GitHub Actions builds, releases and verifies, as Jenkins' agents do; and their access entries.

The jobs are in `.github/workflows/`, to be called by the services' repositories. Each role is for the jobs of one
GitHub environment of these repositories; who approves prod is the protection rule of the environment `release-prod`.
https://docs.github.com/en/actions/reference/security/oidc
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

import config
from components.aws.iam import OidcTrust, Role, RoleArgs
from components.aws.policy import Statement
from components.cluster.reference import ClusterReference
from components.delivery.jenkins.repositories import of_builds
from components.delivery.preview_role.iam import AUDIENCE, ISSUER
from contract.identities import VERIFIERS, releasers

BUILD = "build"
VERIFY = "verify"


def release(environment: str) -> str:
    """The GitHub environment whose jobs release to an environment."""
    return f"release-{environment}"


@dataclass(frozen=True, kw_only=True)
class GitHubActionsArgs:
    """Arguments of `GitHubActions`.

    Attributes:
        actions: Configuration of GitHub Actions.
        cluster: The cluster.
        left_out: Names of the ECR repositories that no role has rights on.
        release_statements: IAM permissions of a release.
        verify_statements: IAM permissions of who verifies.
        signing_key: ARN of the alias of the KMS key that signs images; None where none does.
        creates_provider: Whether this component creates GitHub's identity provider if none is configured.
    """

    actions: config.GitHubActions
    cluster: ClusterReference
    left_out: Sequence[str]
    release_statements: Sequence[Statement]
    verify_statements: Sequence[Statement]
    signing_key: str | None
    creates_provider: bool


class GitHubActions(pulumi.ComponentResource):
    """A role for each GitHub environment: `build`, `release-dev`, `release-prod`, `verify`. Needs a provider for `aws`.

    Attributes:
        role_arns: ARNs of the roles, by GitHub environment.
    """

    role_arns: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: GitHubActionsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:GitHubActions", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = args.cluster.account
        provider: list[pulumi.Resource] = []
        if args.creates_provider and not args.actions.oidc_provider_arn:
            provider = [
                aws.iam.OpenIdConnectProvider(
                    f"{name}-github", url=f"https://{ISSUER}", client_id_lists=[AUDIENCE], opts=child
                )
            ]
        provider_arn = args.actions.oidc_provider_arn or account.iam_arn(f"oidc-provider/{ISSUER}")
        clusters = Statement(
            actions=["eks:DescribeCluster"], resources=[account.arn("eks", f"cluster/{args.cluster.name}")]
        )
        roles = {
            BUILD: of_builds(args.cluster, left_out=args.left_out, signing_key=args.signing_key),
            VERIFY: [clusters, *args.verify_statements],
            **{release(environment): [clusters, *args.release_statements] for environment in config.ENVIRONMENTS},
        }
        self.role_arns = {}
        for environment, statements in roles.items():
            self.role_arns[environment] = Role(
                f"{name}-github-{environment}",
                RoleArgs(
                    account=account,
                    trust=trust(provider_arn, args.actions.repositories, environment),
                    statements=statements,
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=provider),
            ).arn
        groups = {VERIFY: VERIFIERS, **{release(one): releasers(one) for one in config.ENVIRONMENTS}}
        for environment, group in groups.items():
            aws.eks.AccessEntry(
                f"{name}-github-{environment}",
                cluster_name=args.cluster.created_name,
                principal_arn=self.role_arns[environment],
                kubernetes_groups=[group],
                opts=child,
            )
        self.register_outputs({"role_arns": self.role_arns})


def trust(provider_arn: str, repositories: Mapping[str, str], environment: str) -> OidcTrust:
    """Trust policy for the jobs of one GitHub environment of the services' repositories."""
    issuer = provider_arn.partition(":oidc-provider/")[2]
    subjects = sorted({f"repo:{repository}:environment:{environment}" for repository in repositories.values()})
    return OidcTrust(
        provider_arn=provider_arn,
        conditions={"StringEquals": {f"{issuer}:aud": AUDIENCE, f"{issuer}:sub": subjects}},
    )
