"""Admission policies: rules for the objects of one namespace, and changes of requests."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.admissionregistration.v1 import (
    JSONPatchArgs,
    MatchResourcesArgs,
    MutatingAdmissionPolicyBindingSpecArgs,
    MutatingAdmissionPolicySpecArgs,
    MutationArgs,
    NamedRuleWithOperationsArgs,
    ValidatingAdmissionPolicyBindingSpecArgs,
    ValidatingAdmissionPolicySpecArgs,
    ValidationArgs,
    VariableArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes.metadata import in_namespace, name_of

PODS = NamedRuleWithOperationsArgs(
    api_groups=[""],
    api_versions=["v1"],
    resources=["pods", "pods/ephemeralcontainers"],
    operations=["CREATE", "UPDATE"],
)
"""Requests for pods and ephemeral containers."""


def bind(
    name: str,
    *,
    namespace: pulumi.Input[str],
    rules: Mapping[str, str],
    variables: Mapping[str, str] | None = None,
    requests: NamedRuleWithOperationsArgs = PODS,
    opts: pulumi.ResourceOptions | None = None,
) -> pulumi.Resource:
    """Registers a ValidatingAdmissionPolicy, and binds it to one namespace.

    https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/

    Args:
        name: Name of the policy and of its binding.
        namespace: The namespace.
        rules: CEL expressions that hold for each object, by the message of a refusal.
        variables: CEL expressions that the rules refer to, by name.
        requests: The requests that it covers.
        opts: Resource options of both.

    Returns:
        The binding; what the policy must cover depends on it.
    """
    policy = kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
        name,
        metadata=ObjectMetaArgs(name=name),
        spec=ValidatingAdmissionPolicySpecArgs(
            match_constraints=MatchResourcesArgs(resource_rules=[requests]),
            variables=[VariableArgs(name=key, expression=text) for key, text in variables.items()]
            if variables
            else None,
            validations=[ValidationArgs(message=message, expression=rule) for message, rule in rules.items()],
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


def mutate(name: str, spec: MutatingAdmissionPolicySpecArgs, patch: str, opts: pulumi.ResourceOptions) -> None:
    """Registers a MutatingAdmissionPolicy, and binds it to all that its constraints match.

    https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/

    Args:
        name: Name of the policy and of its binding.
        spec: What it covers, and what happens if it fails.
        patch: The JSON Patch of a request, in CEL.
        opts: Resource options of both.
    """
    spec.reinvocation_policy = "Never"
    spec.mutations = [MutationArgs(patch_type="JSONPatch", json_patch=JSONPatchArgs(expression=patch))]
    policy = kubernetes.admissionregistration.v1.MutatingAdmissionPolicy(
        name, metadata=ObjectMetaArgs(name=name), spec=spec, opts=opts
    )
    kubernetes.admissionregistration.v1.MutatingAdmissionPolicyBinding(
        name,
        metadata=ObjectMetaArgs(name=name),
        spec=MutatingAdmissionPolicyBindingSpecArgs(policy_name=name_of(policy.metadata, name)),
        opts=opts,
    )
