"""The admission policies, and their bindings to environments."""

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

import config
from components.kubernetes.metadata import name_of
from components.workload.admission import fields, images
from contract import labels, signatures
from contract.blue_green import SLOTS, VERIFIED_ENVIRONMENT, slot_name, verified_images_name
from contract.identities import DEPLOYERS, RECONCILER, RELEASE, releasers, username

GROUPS = (DEPLOYERS, *(releasers(environment) for environment in config.ENVIRONMENTS))
IS_DEPLOYER = " || ".join(
    (
        f"request.userInfo.username in ['{username(RELEASE)}', '{username(RECONCILER)}']",
        *(f"'{group}' in request.userInfo.groups" for group in GROUPS),
    )
)
"""The release identity, the reconciler, CI outside that releases, or a person who deploys. All have the same limits."""


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


NEW_JOBS = _rule("batch", "v1", "jobs", "CREATE")
"""The images of a Job never change: its pod's template is immutable."""


@dataclass(frozen=True, kw_only=True)
class AdmissionArgs:
    """Arguments of `Admission`.

    Attributes:
        environments: Namespace of each environment, by the environment's name. Bindings select namespaces by this name,
            as the value of their label `environment`.
        repositories: URL of each service's ECR repository.
        protect: Whether the records of verified images are protected from deletion.
        weighted: The services that are released by weight.
        signing_key: ARN of the alias of the KMS key that signs images; None where they need no signature.
    """

    environments: Mapping[str, pulumi.Input[str]]
    repositories: Mapping[str, pulumi.Input[str]]
    protect: bool
    weighted: Sequence[str] = ()
    signing_key: str | None = None


class Admission(pulumi.ComponentResource):
    """Policies on the changes of a release in every environment, and on the images of `VERIFIED_ENVIRONMENT`."""

    def __init__(self, name: str, args: AdmissionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Admission", name, {}, opts)
        self._args = args
        services = list(args.repositories)
        self._field_policy(
            "services",
            group="",
            version="v1",
            unchanged=fields.SERVICE,
            change=fields.only_slot_changed(),
            change_name="the selector's slot",
        )
        self._field_policy(
            "horizontalpodautoscalers",
            group="autoscaling",
            version="v2",
            unchanged=fields.AUTOSCALER,
            change=fields.only_target_changed(),
            change_name="the target's name, to a slot of the service",
        )
        self._field_policy(
            "deployments",
            group="apps",
            version="v1",
            unchanged=fields.DEPLOYMENT,
            change="true",
            change_name="the pods and their number",
        )
        self._release_policy(
            "hello-release-names",
            rules=[
                _rule("", "v1", "configmaps", "CREATE", "DELETE"),
                _rule("coordination.k8s.io", "v1", "leases", "CREATE", "DELETE"),
                _rule("networking.k8s.io", "v1", "networkpolicies", "CREATE", "DELETE"),
            ],
            validations=[
                ValidationArgs(
                    expression=fields.object_names(services),
                    message="a release creates the histories and locks of services, and deletes their configuration "
                    "and the NetworkPolicies of their ports",
                )
            ],
        )
        if args.weighted:
            self._weights(args.weighted)
        self._release_policy(
            "hello-release-jobs",
            rules=[_rule("batch", "v1", "jobs", "CREATE")],
            validations=[
                ValidationArgs(
                    expression=fields.is_hook(services),
                    message="a release creates no Job but those of its service's hooks, outside of any slot",
                )
            ],
        )
        self._own_images(services)
        self._verified_images(services)
        self.register_outputs({})

    def _weights(self, services: Sequence[str]) -> None:
        """A release changes an Ingress' weights and nothing else; nobody else changes them."""
        rules = [_rule("networking.k8s.io", "v1", "ingresses", "UPDATE")]
        metadata = fields.unchanged("metadata", [name for name in fields.METADATA if name != "annotations"])
        spec = fields.unchanged("spec", fields.INGRESS)
        self._release_policy(
            "hello-release-ingresses",
            rules=rules,
            validations=[
                ValidationArgs(
                    expression=f"{metadata} && {spec} && {fields.only_weights_changed(services)}",
                    message="a release changes in ingresses nothing but the weights of a service's slots",
                )
            ],
        )
        name = "hello-weights"
        policy = self._policy(
            name,
            ValidatingAdmissionPolicySpecArgs(
                match_constraints=MatchResourcesArgs(resource_rules=rules),
                match_conditions=[MatchConditionArgs(name="others", expression=fields.IS_OTHER_WRITER)],
                validations=[
                    ValidationArgs(
                        expression=fields.weights_unchanged(services),
                        message="the weights of slots are a release's; if the stack has others: pulumi refresh",
                    )
                ],
            ),
        )
        self._bind(name, policy, self._args.environments)

    def _field_policy(
        self, resource: str, *, group: str, version: str, unchanged: Sequence[str], change: str, change_name: str
    ) -> None:
        """A policy on the update of one kind of object.

        Args:
            resource: The kind's resource, such as `services`.
            group: Its API group.
            version: Its API version.
            unchanged: Fields of `spec` that a release must not change.
            change: What the change of the other fields keeps to, in CEL.
            change_name: The allowed change, for the message of a refusal.
        """
        self._release_policy(
            f"hello-release-{resource}",
            rules=[_rule(group, version, resource, "UPDATE")],
            validations=[
                ValidationArgs(
                    expression=fields.unchanged("metadata", fields.METADATA),
                    message="a release changes no metadata",
                ),
                ValidationArgs(
                    expression=f"{fields.unchanged('spec', unchanged)} && {change}",
                    message=f"a release changes in {resource} nothing but {change_name}",
                ),
            ],
        )

    def _release_policy(
        self, name: str, *, rules: Sequence[NamedRuleWithOperationsArgs], validations: Sequence[ValidationArgs]
    ) -> None:
        """A policy on the release identity and on deployers, in every environment."""
        policy = self._policy(
            name,
            ValidatingAdmissionPolicySpecArgs(
                match_constraints=MatchResourcesArgs(resource_rules=rules),
                match_conditions=[MatchConditionArgs(name="releases", expression=IS_DEPLOYER)],
                validations=validations,
            ),
        )
        self._bind(name, policy, self._args.environments)

    def _own_images(self, services: Sequence[str]) -> None:
        """Admits images of the service's own repository only, by digest, and the sentinel alone in a new Deployment."""
        name = "hello-own-images"
        first = services[0]
        registry = pulumi.Output.from_input(self._args.repositories[first]).apply(lambda url: url.removesuffix(first))
        policy = self._policy(
            name,
            ValidatingAdmissionPolicySpecArgs(
                match_constraints=MatchResourcesArgs(
                    resource_rules=[_rule("apps", "v1", "deployments", "CREATE", "UPDATE"), NEW_JOBS]
                ),
                variables=_variables("service", "slot", "images", "kept"),
                validations=[
                    ValidationArgs(expression=images.is_slot(services), message="no service has this slot or Job"),
                    ValidationArgs(
                        expression=registry.apply(images.is_own_image),
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
        """Admits verified images only: the records of a service are the parameter of the binding to its Deployments."""
        name = "hello-verified-images"
        policy = self._policy(
            name,
            ValidatingAdmissionPolicySpecArgs(
                param_kind=ParamKindArgs(api_version="v1", kind="ConfigMap"),
                match_constraints=MatchResourcesArgs(
                    resource_rules=[_rule("apps", "v1", "deployments", "UPDATE"), NEW_JOBS]
                ),
                variables=_variables("service", "images", "kept", "reason", "person"),
                validations=[
                    ValidationArgs(
                        expression=images.is_verified(self._args.signing_key),
                        message="an image is "
                        + ("signed, and " if self._args.signing_key else "")
                        + "verified on dev before it comes here; a person with the right to may say why not",
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
            self._records(service)
            records = ParamRefArgs(
                name=verified_images_name(service),
                namespace=VERIFIED_ENVIRONMENT,
                parameter_not_found_action="Deny",
            )
            slots = [slot_name(service, slot) for slot in SLOTS]
            self._bind(
                f"{name}-{service}",
                policy,
                [VERIFIED_ENVIRONMENT],
                resource_rules=[_rule("apps", "v1", "deployments", "UPDATE", names=slots)],
                param_ref=records,
            )
            self._bind(  # a Job's name is another each time; one without this label is refused above
                f"{name}-{service}.jobs",
                policy,
                [VERIFIED_ENVIRONMENT],
                resource_rules=[NEW_JOBS],
                of_service=service,
                param_ref=records,
            )

    def _records(self, service: str) -> None:
        """An empty ConfigMap, which the verify identity may patch but not create; its data is that identity's."""
        kubernetes.core.v1.ConfigMap(
            f"{self.pulumi_resource_name}-{verified_images_name(service)}",
            metadata=ObjectMetaArgs(
                name=verified_images_name(service),
                namespace=self._args.environments[VERIFIED_ENVIRONMENT],
                labels={labels.SERVICE: service},
                annotations={signatures.KEY: key} if (key := self._args.signing_key) else None,
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect),
        )

    def _policy(self, name: str, spec: ValidatingAdmissionPolicySpecArgs) -> pulumi.Output[str]:
        policy = kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
            name, metadata=ObjectMetaArgs(name=name), spec=spec, opts=pulumi.ResourceOptions(parent=self)
        )
        return name_of(policy.metadata, name)

    def _bind(
        self,
        name: str,
        policy: pulumi.Input[str],
        environments: Sequence[str] | Mapping[str, pulumi.Input[str]],
        *,
        resource_rules: Sequence[NamedRuleWithOperationsArgs] | None = None,
        of_service: str | None = None,
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
                    object_selector=LabelSelectorArgs(match_labels={labels.SERVICE: of_service})
                    if of_service
                    else None,
                    resource_rules=resource_rules,
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _variables(*names: str) -> list[VariableArgs]:
    return [VariableArgs(name=name, expression=images.VARIABLES[name]) for name in names]
