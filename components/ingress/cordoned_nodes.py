"""Takes nodes that are cordoned out of the load balancers, before they end."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.admissionregistration.v1 import (
    MatchConditionArgs,
    MatchResourcesArgs,
    MutatingAdmissionPolicySpecArgs,
    NamedRuleWithOperationsArgs,
)

from components.kubernetes.admission_policy import mutate

NAME = "hello-cordoned-nodes"

LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
"""The load balancer controller deregisters nodes that have it.

https://kubernetes.io/docs/reference/labels-annotations-taints/#node-kubernetes-io-exclude-from-external-load-balancers
"""

VALUE = "cordoned"
"""Its value where the policy has set it; with another one it is somebody else's."""

EKS = "eks:node-manager"
"""The user as whom EKS drains and cordons the nodes of its node groups.

https://docs.aws.amazon.com/eks/latest/userguide/default-roles-users.html
"""

PARENT_ONCE = "hello:platform:FrontDoor"
"""Type of the component that it was made by."""


def _is_cordoned(node: str) -> str:
    return f"{node}.spec.?unschedulable.orValue(false)"


def mutation() -> str:
    """The JSON Patch of a node's update, in CEL: adds the label to a cordoned node, removes it from another one."""
    path = f"/metadata/labels/{LABEL.replace('/', '~1')}"
    value = f"object.metadata.?labels[?'{LABEL}']"
    add = f"{value}.hasValue() ? [] : [JSONPatch{{op: 'add', path: '{path}', value: '{VALUE}'}}]"
    remove = f"{value}.orValue('') == '{VALUE}' ? [JSONPatch{{op: 'remove', path: '{path}'}}] : []"
    return f"{_is_cordoned('object')} ? ({add}) : ({remove})"


class CordonedNodes(pulumi.ComponentResource):
    """A MutatingAdmissionPolicy that labels nodes while somebody has cordoned them.

    Who drains a node cordons it, and may end it right after. The load balancer controller takes no notice of that, but
    of the autoscaler's taint alone: every node carries a part of all requests, and those would be lost. EKS is left
    out: it cordons all nodes that it replaces before it drains the first, and labels each one itself before its end.
    Labelled at their cordon, all would leave the load balancers at once. Node groups are made after the policy.

    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html
    https://github.com/aws/containers-roadmap/issues/2748
    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/pkg/backend/endpoint_utils.go
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        moved = pulumi.ResourceOptions(aliases=[pulumi.Alias(parent=pulumi.create_urn(name, PARENT_ONCE))])
        super().__init__("hello:platform:CordonedNodes", name, {}, pulumi.ResourceOptions.merge(opts, moved))
        mutate(
            NAME,
            MutatingAdmissionPolicySpecArgs(
                # A node that cannot be labelled is cordoned all the same.
                failure_policy="Ignore",
                match_constraints=MatchResourcesArgs(
                    resource_rules=[
                        NamedRuleWithOperationsArgs(
                            api_groups=[""], api_versions=["v1"], resources=["nodes"], operations=["UPDATE"]
                        )
                    ]
                ),
                match_conditions=[
                    MatchConditionArgs(name="not-by-eks", expression=f"request.userInfo.username != '{EKS}'"),
                    MatchConditionArgs(
                        name="cordon-or-uncordon", expression=f"{_is_cordoned('object')} != {_is_cordoned('oldObject')}"
                    ),
                ],
            ),
            mutation(),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
