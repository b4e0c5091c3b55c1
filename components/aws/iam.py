"""IAM roles and policies. Every role of the program is a `Role`, so that each has the permissions boundary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pulumi
import pulumi_aws as aws

from components.aws.account import Account

Conditions: TypeAlias = Mapping[str, Mapping[str, str]]
"""Conditions of a policy statement, by operator and key: `{"StringEquals": {"aws:SourceAccount": "123456789012"}}`."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Statement of an IAM policy; its effect is `Allow`.

    Attributes:
        actions: IAM actions.
        resources: ARNs, or `*` for actions without resource-level permissions.
        conditions: Conditions, all of which must hold.
    """

    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str]])


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Trust in an AWS service, which may assume the role.

    Attributes:
        service: Service principal.
        conditions: Conditions, all of which must hold.
        session_tags: Whether the service may tag its sessions.
    """

    service: str
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str]])
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


def policy(statements: Sequence[Statement]) -> str:
    """Policy with these statements, as JSON."""
    return _document(
        [
            {
                "Action": list(statement.actions),
                "Resource": list(statement.resources),
                **_condition(statement.conditions),
            }
            for statement in statements
        ]
    )


def trust_policy(trust: Trust | OidcTrust) -> str:
    """Trust policy of a role, as JSON."""
    if isinstance(trust, OidcTrust):
        principal = {"Federated": trust.provider_arn}
        actions = ["sts:AssumeRoleWithWebIdentity"]
        return _document([{"Principal": principal, "Action": actions, **_condition(trust.conditions)}])
    actions = ["sts:AssumeRole", *(["sts:TagSession"] if trust.session_tags else [])]
    return _document([{"Principal": {"Service": trust.service}, "Action": actions, **_condition(trust.conditions)}])


def irsa_trust_policy(provider_arn: str, issuer: str, *, subject: str, audience: str) -> str:
    """Trust policy for the OIDC tokens of one subject, as JSON.

    Args:
        provider_arn: ARN of the issuer's identity provider in IAM.
        issuer: URL of the issuer. Condition keys have it without the scheme.
        subject: Claim `sub`.
        audience: Claim `aud`.
    """
    claims = issuer.removeprefix("https://")
    condition = {"StringEquals": {f"{claims}:sub": subject, f"{claims}:aud": audience}}
    action = {"Principal": {"Federated": provider_arn}, "Action": ["sts:AssumeRoleWithWebIdentity"]}
    return _document([{**action, **_condition(condition)}])


def _condition(conditions: Conditions) -> dict[str, object]:
    return {"Condition": conditions} if conditions else {}


def _document(statements: Sequence[Mapping[str, object]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **body} for body in statements]})


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
                policy_arn=f"arn:aws:iam::aws:policy/{managed_policy}",
                opts=child,
            )
        if args.statements:
            aws.iam.RolePolicy(name, name=name, role=self.role.name, policy=policy(args.statements), opts=child)
        self.arn = self.role.arn
        self.register_outputs({"role": self.role, "arn": self.arn})
