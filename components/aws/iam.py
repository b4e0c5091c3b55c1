"""IAM roles: the one place that makes them, so that none misses the permissions boundary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pulumi
import pulumi_aws as aws

from components.aws.account import Account

Conditions: TypeAlias = Mapping[str, Mapping[str, str]]
"""By operator and key, as a policy has them: `{"StringEquals": {"aws:SourceAccount": "123456789012"}}`."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a role may do.

    Attributes:
        actions: IAM actions.
        resources: ARNs, or `*` for actions that know no resource.
        conditions: All of them have to hold.
    """

    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str]])


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Who may act as a role.

    Attributes:
        service: AWS service principal.
        conditions: All of them have to hold.
        session_tags: Whether the service tags its sessions.
    """

    service: str
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str]])
    session_tags: bool = False


@dataclass(frozen=True, kw_only=True)
class IrsaRole:
    """Who may act as a role, by an identity provider outside AWS.

    Attributes:
        provider_arn: The provider in IAM.
        conditions: All of them have to hold.
    """

    provider_arn: str
    conditions: Conditions


def policy(statements: Sequence[Statement]) -> str:
    """The JSON of a policy that allows each statement."""
    return _document(
        [
            {"Action": list(one.actions), "Resource": list(one.resources), **_condition(one.conditions)}
            for one in statements
        ]
    )


def trust_policy(trust: Trust | IrsaRole) -> str:
    """The JSON of a role's trust policy."""
    if isinstance(trust, IrsaRole):
        principal = {"Federated": trust.provider_arn}
        actions = ["sts:AssumeRoleWithWebIdentity"]
        return _document([{"Principal": principal, "Action": actions, **_condition(trust.conditions)}])
    actions = ["sts:AssumeRole", *(["sts:TagSession"] if trust.session_tags else [])]
    return _document([{"Principal": {"Service": trust.service}, "Action": actions, **_condition(trust.conditions)}])


def web_identity_policy(provider_arn: str, issuer: str, *, subject: str, audience: str) -> str:
    """The JSON of a trust policy for the tokens that an issuer gives one subject.

    Args:
        provider_arn: IAM's provider of that issuer.
        issuer: Its URL; IAM names its claims without the scheme.
        subject: Whose token it is.
        audience: Whom it is for.
    """
    claims = issuer.removeprefix("https://")
    condition = {"StringEquals": {f"{claims}:sub": subject, f"{claims}:aud": audience}}
    action = {"Principal": {"Federated": provider_arn}, "Action": ["sts:AssumeRoleWithWebIdentity"]}
    return _document([{**action, **_condition(condition)}])


def _condition(conditions: Conditions) -> dict[str, object]:
    return {"Condition": conditions} if conditions else {}


def _document(statements: Sequence[Mapping[str, object]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """What a `Role` is made from.

    Attributes:
        account: The AWS account.
        trust: Who may act as it; the JSON of a trust policy where it is known late.
        managed_policies: Names of policies that AWS manages, with their path.
        statements: What it may do besides.
    """

    account: Account
    trust: Trust | IrsaRole | pulumi.Output[str]
    managed_policies: Sequence[str] = ()
    statements: Sequence[Statement] = ()


class Role(pulumi.ComponentResource):
    """An IAM role with its permissions: whatever depends on the component comes after all of them.

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
            assume_role_policy=trust_policy(args.trust) if isinstance(args.trust, Trust | IrsaRole) else args.trust,
            permissions_boundary=args.account.permissions_boundary_arn,
            opts=child,
        )
        for managed in args.managed_policies:
            aws.iam.RolePolicyAttachment(
                f"{name}-{managed.rpartition('/')[2]}",
                role=self.role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{managed}",
                opts=child,
            )
        if args.statements:
            aws.iam.RolePolicy(name, name=name, role=self.role.name, policy=policy(args.statements), opts=child)
        self.arn = self.role.arn
        self.register_outputs({"role": self.role, "arn": self.arn})
