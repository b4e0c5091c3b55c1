"""IAM roles, their policies, and OIDC providers.

https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from rehearsal.emulators.aws import rules
from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.kind import AutoName, Kind, Reference, Resource, text

ROLE = "aws:iam/role:Role"

OF_ROLE = Reference("role", ROLE, follows=True)


def _arn(role: Resource) -> str:
    return f"arn:aws:iam::{role.account_id}:role{role.inputs.get('path', '/')}{role.inputs['name']}"


def _provider_arn(provider: Resource) -> str:
    issuer = str(provider.inputs["url"]).removeprefix("https://")
    return f"arn:aws:iam::{provider.account_id}:oidc-provider/{issuer}"


def _name(field: str, longest: int) -> rules.Rule:
    return rules.pattern(
        rf"[\w+=,.@-]{{1,{longest}}}",
        "ValidationError",
        f"The specified value for {field} is invalid. It must contain only alphanumeric characters and/or the "
        f"following: +=,.@_- and have at most {longest} of them: {{value}}",
    )


_PUT_ROLE_POLICY = Call("put_role_policy", names={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"})


KINDS = (
    Kind(
        type=ROLE,
        make_id=text("{name}"),
        api=Api(
            "iam",
            Call("create_role", names={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}),
            update=(
                Call("update_assume_role_policy", names={"assumeRolePolicy": "PolicyDocument"}),
                Call("update_role"),
            ),
            delete=(Call("delete_role"),),
            key="RoleName",
        ),
        name=AutoName(longest=64),
        rules={
            "name": _name("roleName", 64),
            "path": rules.pattern(
                r"/|/[\x21-\x7e]+/", "ValidationError", "The specified value for path is invalid: {value}"
            ),
            "assumeRolePolicy": rules.trust_policy,
            "maxSessionDuration": rules.between(3600, 43200),
            "permissionsBoundary": rules.arn("iam"),
        },
        replaces="name namePrefix path",
        attributes={"arn": _arn},
    ),
    Kind(
        type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        make_id=text("{role}/{policyArn}"),
        api=Api(
            "iam",
            Call("attach_role_policy", names={"role": "RoleName"}),
            delete=(Call("detach_role_policy", names={"role": "RoleName"}),),
        ),
        rules={"policyArn": rules.arn("iam")},
        references=(OF_ROLE,),
        replaces="policyArn role",
        tagged=False,
    ),
    Kind(
        type="aws:iam/rolePolicy:RolePolicy",
        make_id=text("{role}:{name}"),
        api=Api(
            "iam",
            _PUT_ROLE_POLICY,
            update=(_PUT_ROLE_POLICY,),
            delete=(Call("delete_role_policy", names={"role": "RoleName", "name": "PolicyName"}),),
        ),
        name=AutoName(longest=128),
        rules={"name": _name("policyName", 128), "policy": rules.policy},
        references=(OF_ROLE,),
        replaces="name namePrefix role",
        tagged=False,
    ),
    Kind(
        type="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        make_id=_provider_arn,
        api=Api(
            "iam",
            Call("create_open_id_connect_provider", names={"clientIdLists": "ClientIDList"}),
            delete=(Call("delete_open_id_connect_provider"),),
            key="OpenIDConnectProviderArn",
        ),
        rules={
            "url": rules.pattern(
                r"https://\S{1,247}", "ValidationError", "Invalid Open ID Connect Provider URL: {value}"
            )
        },
        replaces="url",
        # Without thumbprints: IAM trusts the certificate authorities of EKS's issuers by itself.
        attributes={"arn": text("{id}")},
    ),
)
