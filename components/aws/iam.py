"""IAM roles. Every role of the program is a `Role`, so that each has the permissions boundary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.aws.account import Account
from components.aws.policy import Conditions, Statement, policy_document
from config.partitions import arn


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Trust in an AWS service, which may assume the role.

    Attributes:
        service: Service principal.
        conditions: Conditions, all of which must hold.
        session_tags: Whether the service may tag its sessions.
    """

    service: str
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str | Sequence[str]]])
    session_tags: bool = False


@dataclass(frozen=True, kw_only=True)
class OidcTrust:
    """Trust in an OIDC identity provider, whose identities may assume the role.

    Attributes:
        provider_arn: ARN of the identity provider in IAM.
        conditions: Conditions, all of which must hold.
    """

    provider_arn: str
    conditions: Conditions


def trust_policy(trust: Trust | OidcTrust) -> str:
    """Trust policy of a role, as JSON."""
    if isinstance(trust, OidcTrust):
        principal = {"Federated": trust.provider_arn}
        actions = ["sts:AssumeRoleWithWebIdentity"]
    else:
        principal = {"Service": trust.service}
        actions = ["sts:AssumeRole", *(["sts:TagSession"] if trust.session_tags else [])]
    return policy_document([Statement(principal=principal, actions=actions, conditions=trust.conditions)])


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """Arguments of `Role`.

    Attributes:
        account: The AWS account.
        trust: Who may assume it; a trust policy in JSON where it depends on outputs.
        managed_policies: Names of AWS managed policies, with their path.
        statements: Statements of its inline policy.
    """

    account: Account
    trust: Trust | OidcTrust | pulumi.Output[str]
    managed_policies: Sequence[str] = ()
    statements: Sequence[Statement] = ()


class Role(pulumi.ComponentResource):
    """IAM role with its permissions. Resources that depend on the component wait for the permissions too.

    Attributes:
        role: The IAM role.
        arn: Its ARN.
    """

    role: aws.iam.Role
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: RoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Role", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.role = aws.iam.Role(
            name,
            name=name,
            assume_role_policy=trust_policy(args.trust) if isinstance(args.trust, Trust | OidcTrust) else args.trust,
            permissions_boundary=args.account.permissions_boundary_arn,
            opts=child,
        )
        for managed_policy in args.managed_policies:
            aws.iam.RolePolicyAttachment(
                f"{name}-{managed_policy.rpartition('/')[2]}",
                role=self.role.name,
                policy_arn=arn(args.account.partition, "iam", f"policy/{managed_policy}", owner="aws"),
                opts=child,
            )
        if args.statements:
            aws.iam.RolePolicy(
                name, name=name, role=self.role.name, policy=policy_document(args.statements), opts=child
            )
        self.arn = self.role.arn
        self.register_outputs({"role": self.role, "arn": self.arn})
