"""IAM roles for service accounts (IRSA), for software without support for EKS Pod Identity.

https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.iam import OidcTrust, Role, RoleArgs, trust_policy
from components.aws.policy import Statement
from components.cluster.reference import ClusterReference

AUDIENCE = "sts.amazonaws.com"
"""Audience of the tokens; AWS STS accepts no other."""


def service_account_trust(provider_arn: str, issuer: str, subject: str) -> OidcTrust:
    """Trust in the tokens of one service account.

    Args:
        provider_arn: ARN of the issuer's identity provider in IAM.
        issuer: URL of the issuer. Condition keys have it without the scheme.
        subject: Claim `sub` of the tokens: `system:serviceaccount:NAMESPACE:NAME`.
    """
    claims = issuer.removeprefix("https://")
    return OidcTrust(
        provider_arn=provider_arn,
        conditions={"StringEquals": {f"{claims}:sub": subject, f"{claims}:aud": AUDIENCE}},
    )


@dataclass(frozen=True, kw_only=True)
class IrsaRoleArgs:
    """Arguments of `IrsaRole`.

    Attributes:
        cluster: The cluster.
        namespace: Namespace of the service account.
        service_account: Name of the service account; it need not exist yet.
        statements: IAM statements of its pods.
    """

    cluster: ClusterReference
    namespace: str
    service_account: str
    statements: Sequence[Statement]


class IrsaRole(pulumi.ComponentResource):
    """IAM role for one service account, and the cluster's OIDC provider in IAM.

    An account can have only one OIDC provider for each issuer: use this component once for each cluster. No thumbprint
    is needed, since AWS trusts the certificate authority of EKS issuers.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html

    Attributes:
        role_arn: ARN of the role, resolved once its trust policy is in place.
    """

    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: IrsaRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:WebIdentity", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        provider = aws.iam.OpenIdConnectProvider(name, url=args.cluster.issuer, client_id_lists=[AUDIENCE], opts=child)
        subject = f"system:serviceaccount:{args.namespace}:{args.service_account}"
        trust = pulumi.Output.all(provider.arn, provider.url).apply(
            lambda outputs: trust_policy(service_account_trust(outputs[0], outputs[1], subject))
        )
        self.role_arn = Role(
            name, RoleArgs(account=args.cluster.account, trust=trust, statements=args.statements), opts=child
        ).arn
        self.register_outputs({"role_arn": self.role_arn})
