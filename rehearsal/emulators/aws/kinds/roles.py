"""IAM roles, their policies, and OIDC providers.

https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.kind import AutoName, Kind, Resource, text


def _arn(role: Resource) -> str:
    return f"arn:aws:iam::{role.account_id}:role{role.inputs.get('path', '/')}{role.inputs['name']}"


def _provider_arn(provider: Resource) -> str:
    issuer = str(provider.inputs["url"]).removeprefix("https://")
    return f"arn:aws:iam::{provider.account_id}:oidc-provider/{issuer}"


_PUT_ROLE_POLICY = Call("put_role_policy", names={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"})


KINDS = (
    Kind(
        type="aws:iam/role:Role",
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
        # Without thumbprints: IAM trusts the certificate authorities of EKS's issuers by itself.
        attributes={"arn": text("{id}")},
    ),
)
