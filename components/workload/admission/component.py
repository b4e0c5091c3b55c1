"""The policies, and where each holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.admissionregistration.v1 import (
    AuditAnnotationArgs,
    MatchConditionArgs,
    MatchResourcesArgs,
    NamedRuleWithOperationsArgs,
    ParamKindArgs,
    ParamRefArgs,
    ValidatingAdmissionPolicyBindingSpecArgs,
    ValidatingAdmissionPolicySpecArgs,
    ValidationArgs,
    VariableArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, LabelSelectorRequirementArgs, ObjectMetaArgs

from components.kubernetes.metadata import name_of
from components.workload.admission import fields, images
from contract import labels
from contract.blue_green import SLOTS, VERIFIED_ENVIRONMENT, records, slot_name
from contract.identities import DEPLOYERS, RELEASE, username

WHO_RELEASES = f"request.userInfo.username == '{username(RELEASE)}' || '{DEPLOYERS}' in request.userInfo.groups"
"""The release identity, and people: the same rights, the same limits."""


@dataclass(frozen=True, kw_only=True)
class AdmissionArgs:
    """What `Admission` is made from.

    Attributes:
        environments: Namespace of each environment, by name, which is also the label that the policies hold by.
        repositories: URL of each service's ECR repository.
        protect: Whether the records of verified images refuse to be deleted.
    """

    environments: Mapping[str, pulumi.Input[str]]
    repositories: Mapping[str, pulumi.Input[str]]
    protect: bool


class Admission(pulumi.ComponentResource):
    """Policies on what a release changes in every environment, and on images where only tried ones are let in."""

    def __init__(self, name: str, args: AdmissionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Admission", name, {}, opts)
        self._args = args
        services = list(args.repositories)
        self._limit_to_fields(
            "services",
            group="",
            version="v1",
            kept=fields.SERVICE,
            changed=fields.only_the_slot(),
            what="the selector's slot",
        )
        self._limit_to_fields(
            "horizontalpodautoscalers",
            group="autoscaling",
            version="v2",
            kept=fields.AUTOSCALER,
            changed=fields.only_the_target(),
            what="the target's name, to a slot of the service",
        )
        self._limit_to_fields(
            "deployments",
            group="apps",
            version="v1",
            kept=fields.DEPLOYMENT,
            changed="true",
            what="the pods and their number",
        )
        self._everywhere(
            "hello-release-names",
            rules=[
                _rule("", "v1", "configmaps", "CREATE", "DELETE"),
                _rule("coordination.k8s.io", "v1", "leases", "CREATE", "DELETE"),
            ],
            validations=[
                ValidationArgs(
                    expression=fields.names(services),
                    message="a release creates the histories and locks of services, and deletes their configuration",
                )
            ],
        )
        self._own_images(services)
        self._verified_images(services)
        self.register_outputs({})

    def _limit_to_fields(
        self, resource: str, *, group: str, version: str, kept: Sequence[str], changed: str, what: str
    ) -> None:
        """In a kind of object a release changes one thing."""
        self._everywhere(
            f"hello-release-{resource}",
            rules=[_rule(group, version, resource, "UPDATE")],
            validations=[
                ValidationArgs(
                    expression=fields.unchanged("metadata", fields.METADATA),
                    message="a release changes no metadata",
                ),
                ValidationArgs(
                    expression=f"{fields.unchanged('spec', kept)} && {changed}",
                    message=f"a release changes in {resource} nothing but {what}",
                ),
            ],
        )

    def _everywhere(
        self, name: str, *, rules: Sequence[NamedRuleWithOperationsArgs], validations: Sequence[ValidationArgs]
    ) -> None:
        """A policy on those who release, in every environment."""
        policy = self._policy(
            name,
            ValidatingAdmissionPolicySpecArgs(
                match_constraints=MatchResourcesArgs(resource_rules=rules),
                match_conditions=[MatchConditionArgs(name="releases", expression=WHO_RELEASES)],
                validations=validations,
            ),
        )
        self._bind(name, policy, self._args.environments)

    def _own_images(self, services: Sequence[str]) -> None:
        """Every image is the service's own, by digest, and comes in after the Deployment was made."""
        name = "hello-own-images"
        first = services[0]
        registry = pulumi.Output.from_input(self._args.repositories[first]).apply(lambda url: url.removesuffix(first))
        used = ("service", "slot", "images", "kept")
        policy = self._policy(
            name,
            ValidatingAdmissionPolicySpecArgs(
                match_constraints=MatchResourcesArgs(
                    resource_rules=[_rule("apps", "v1", "deployments", "CREATE", "UPDATE")]
                ),
                variables=[VariableArgs(name=one, expression=images.VARIABLES[one]) for one in used],
                validations=[
                    ValidationArgs(expression=images.is_slot(services), message="there is no service with such a slot"),
                    ValidationArgs(
                        expression=registry.apply(images.is_ours),
                        message="an image is from its service's own repository of this stack, by digest",
                    ),
                    ValidationArgs(
                        expression=images.STARTS_EMPTY,
                        message="a Deployment is made with the sentinel image; a release brings an image in",
                    ),
                    ValidationArgs(
                        expression=images.SENTINEL_HAS_NO_PODS, message="there are no pods of the sentinel image"
                    ),
                ],
            ),
        )
        self._bind(name, policy, [VERIFIED_ENVIRONMENT])

    def _verified_images(self, services: Sequence[str]) -> None:
        """Every image was tried: each service has its records, and its Deployments are asked by them."""
        name = "hello-verified-images"
        policy = self._policy(
            name,
            ValidatingAdmissionPolicySpecArgs(
                param_kind=ParamKindArgs(api_version="v1", kind="ConfigMap"),
                match_constraints=MatchResourcesArgs(resource_rules=[_rule("apps", "v1", "deployments", "UPDATE")]),
                variables=[
                    VariableArgs(name=one, expression=images.VARIABLES[one])
                    for one in ("service", "images", "kept", "reason", "person")
                ],
                validations=[
                    ValidationArgs(
                        expression=images.IS_VERIFIED,
                        message="an image is verified on dev before it comes here; a person with the right to may say "
                        "why not",
                    )
                ],
                audit_annotations=[
                    AuditAnnotationArgs(
                        key="override",
                        value_expression="variables.kept ? '' : variables.reason",
                    )
                ],
            ),
        )
        for service in services:
            self._record(service)
            self._bind(
                f"{name}-{service}",
                policy,
                [VERIFIED_ENVIRONMENT],
                resource_rules=[
                    _rule("apps", "v1", "deployments", "UPDATE", names=[slot_name(service, slot) for slot in SLOTS])
                ],
                param_ref=ParamRefArgs(
                    name=records(service), namespace=VERIFIED_ENVIRONMENT, parameter_not_found_action="Deny"
                ),
            )

    def _record(self, service: str) -> None:
        """An empty one: who verifies needs no right to create any. What stands in it is theirs."""
        kubernetes.core.v1.ConfigMap(
            f"{self.pulumi_resource_name}-{records(service)}",
            metadata=ObjectMetaArgs(
                name=records(service),
                namespace=self._args.environments[VERIFIED_ENVIRONMENT],
                labels={labels.SERVICE: service},
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect),
        )

    def _policy(self, name: str, spec: ValidatingAdmissionPolicySpecArgs) -> pulumi.Output[str]:
        made = kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
            name, metadata=ObjectMetaArgs(name=name), spec=spec, opts=pulumi.ResourceOptions(parent=self)
        )
        return name_of(made.metadata, name)

    def _bind(
        self,
        name: str,
        policy: pulumi.Input[str],
        environments: Sequence[str] | Mapping[str, pulumi.Input[str]],
        *,
        resource_rules: Sequence[NamedRuleWithOperationsArgs] | None = None,
        param_ref: ParamRefArgs | None = None,
    ) -> None:
        kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
            name,
            metadata=ObjectMetaArgs(name=name),
            spec=ValidatingAdmissionPolicyBindingSpecArgs(
                policy_name=policy,
                param_ref=param_ref,
                validation_actions=["Deny"],
                match_resources=MatchResourcesArgs(
                    namespace_selector=LabelSelectorArgs(
                        match_expressions=[
                            LabelSelectorRequirementArgs(
                                key=labels.ENVIRONMENT, operator="In", values=list(environments)
                            )
                        ]
                    ),
                    resource_rules=resource_rules,
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _rule(
    group: str, version: str, resource: str, *operations: str, names: Sequence[str] | None = None
) -> NamedRuleWithOperationsArgs:
    return NamedRuleWithOperationsArgs(
        api_groups=[group],
        api_versions=[version],
        resources=[resource],
        operations=list(operations),
        resource_names=names,
    )
