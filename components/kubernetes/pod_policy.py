"""What the pods of one namespace may be, where Pod Security is not the measure."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.admissionregistration.v1 import (
    MatchResourcesArgs,
    NamedRuleWithOperationsArgs,
    ValidatingAdmissionPolicyBindingSpecArgs,
    ValidatingAdmissionPolicySpecArgs,
    ValidationArgs,
    VariableArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes.metadata import in_namespace, name_of


def bind(
    name: str,
    *,
    namespace: pulumi.Input[str],
    variables: Mapping[str, str],
    rules: Mapping[str, str],
    opts: pulumi.ResourceOptions | None = None,
) -> pulumi.Resource:
    """Makes an admission policy on pods, their ephemeral containers among them, and binds it to a namespace.

    https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/

    Args:
        name: Of both.
        namespace: Where it holds.
        variables: CEL by the name that the rules have for it.
        rules: What each pod keeps to, in CEL, by what a refusal says.
        opts: Of both.

    Returns:
        The binding: what is to be held by it comes after it.
    """
    policy = kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
        name,
        metadata=ObjectMetaArgs(name=name),
        spec=ValidatingAdmissionPolicySpecArgs(
            match_constraints=MatchResourcesArgs(
                resource_rules=[
                    NamedRuleWithOperationsArgs(
                        api_groups=[""],
                        api_versions=["v1"],
                        resources=["pods", "pods/ephemeralcontainers"],
                        operations=["CREATE", "UPDATE"],
                    )
                ]
            ),
            variables=[VariableArgs(name=key, expression=expression) for key, expression in variables.items()],
            validations=[ValidationArgs(message=why, expression=rule) for why, rule in rules.items()],
        ),
        opts=opts,
    )
    return kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
        name,
        metadata=ObjectMetaArgs(name=name),
        spec=ValidatingAdmissionPolicyBindingSpecArgs(
            policy_name=name_of(policy.metadata, name),
            validation_actions=["Deny"],
            match_resources=MatchResourcesArgs(namespace_selector=in_namespace(namespace)),
        ),
        opts=opts,
    )
