"""A route by weight: the load balancer's action that forwards to the slots of a service, and who writes it.

A new weight changes the rule alone. The target groups of all three Services, and the targets in them, stay as they are
in `instance` mode (nodes) and in `ip` mode (pods) alike: the controller registers by Service, whatever the weights say.
https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/pkg/ingress/model_build_actions.go
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.admissionregistration.v1 import (
    MatchResourcesArgs,
    MutatingAdmissionPolicySpecArgs,
    NamedRuleWithOperationsArgs,
    VariableArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, LabelSelectorRequirementArgs

from components.kubernetes.admission_policy import mutate
from contract.blue_green import FORWARD_ACTION, forward_action

NAME = "hello-forward-actions"

USE_ANNOTATION = "use-annotation"
"""Name of the port of a backend whose action is in an annotation.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#actions
"""

VARIABLES = {
    "annotations": "object.metadata.?annotations.orValue({})",
    "actions": (
        "object.spec.?rules[?0].?http.?paths.orValue([])"
        f".filter(path, path.backend.?service.?port.?name.orValue('') == '{USE_ANNOTATION}')"
        ".map(path, path.backend.service.name)"
    ),
}
"""In CEL: the annotations of an Ingress, and the names of the actions to which its paths lead."""


def mutation() -> str:
    """The JSON Patch of an Ingress, in CEL: adds actions to which a path leads, removes those to which none does."""
    prefix, path = f"'{FORWARD_ACTION}'", "'/metadata/annotations/' + jsonpatch.escapeKey({key})"
    initial = " + name + ".join(map(json.dumps, forward_action("SERVICE").split("SERVICE")))
    missing = f"variables.actions.filter(name, !(({prefix} + name) in variables.annotations))"
    left = (
        f"variables.annotations.filter(key, key.startsWith({prefix}) && "
        f"!variables.actions.exists(name, {prefix} + name == key))"
    )
    add = f"JSONPatch{{op: 'add', path: {path.format(key=f'{prefix} + name')}, value: {initial}}}"
    remove = f"JSONPatch{{op: 'remove', path: {path.format(key='key')}}}"
    return f"{missing}.map(name, {add}) + {left}.map(key, {remove})"


class ForwardActions(pulumi.ComponentResource):
    """A MutatingAdmissionPolicy that gives each route by weight its initial action: all to the active Service.

    Weights are the release tool's alone, so Pulumi declares no action that has some. Nor could it declare the initial
    one and ignore its changes: the engine gives an ignored field its old value in an update, and none where there was
    none, so that a host with a first canary would answer 503. An action to which no path leads any more goes: its
    weights would be those of a slot that was live then.

    https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/resource/deploy/step_generator.go (`processIgnoreChanges`)

    Args:
        name: Its name.
        environments: The namespaces of the Ingresses.
    """

    def __init__(self, name: str, environments: Sequence[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:ForwardActions", name, {}, opts)
        mutate(
            NAME,
            MutatingAdmissionPolicySpecArgs(
                failure_policy="Fail",
                match_constraints=MatchResourcesArgs(
                    namespace_selector=LabelSelectorArgs(
                        match_expressions=[
                            LabelSelectorRequirementArgs(
                                key="kubernetes.io/metadata.name", operator="In", values=list(environments)
                            )
                        ]
                    ),
                    resource_rules=[
                        NamedRuleWithOperationsArgs(
                            api_groups=["networking.k8s.io"],
                            api_versions=["v1"],
                            resources=["ingresses"],
                            operations=["CREATE", "UPDATE"],
                        )
                    ],
                ),
                variables=[VariableArgs(name=name, expression=text) for name, text in VARIABLES.items()],
            ),
            mutation(),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
