"""IAM roles for service accounts: what cannot use EKS Pod Identity acts as an IAM role by its service account's token.

https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.iam import Role, RoleArgs, Statement, web_identity_policy
from components.cluster.reference import ClusterReference

AUDIENCE = "sts.amazonaws.com"
"""Whom the token is for: AWS takes no other one."""


@dataclass(frozen=True, kw_only=True)
class IrsaRoleArgs:
    """What a `IrsaRole` is made from.

    Attributes:
        cluster: The cluster.
        namespace: Of the service account.
        service_account: Its name; it need not exist yet.
        statements: What its pods may do in AWS.
    """

    cluster: ClusterReference
    namespace: str
    service_account: str
    statements: Sequence[Statement]


class IrsaRole(pulumi.ComponentResource):
    """A role, and IAM's trust in the tokens that the cluster issues; an account knows each issuer once.

    The issuer is what AWS says of the cluster: nothing asks it over the network, and AWS knows who signs EKS' own.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html

    Attributes:
        role_arn: The role's ARN, known once it may be acted as.
    """

    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: IrsaRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:WebIdentity", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        issuer = aws.iam.OpenIdConnectProvider(name, url=args.cluster.issuer, client_id_lists=[AUDIENCE], opts=child)
        subject = f"system:serviceaccount:{args.namespace}:{args.service_account}"
        trust = pulumi.Output.all(issuer.arn, issuer.url).apply(
            lambda known: web_identity_policy(known[0], known[1], subject=subject, audience=AUDIENCE)
        )
        self.role_arn = Role(
            name, RoleArgs(account=args.cluster.account, trust=trust, statements=args.statements), opts=child
        ).arn
        self.register_outputs({"role_arn": self.role_arn})
