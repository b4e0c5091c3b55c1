"""A route by weight: the load balancer's action that forwards to the slots of a service, and its annotation.

A new weight changes the rule alone. The target groups of all three Services, and the targets in them, stay as they are
in `instance` mode (nodes) and in `ip` mode (pods) alike: the controller registers by Service, whatever the weights say.
https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/pkg/ingress/model_build_actions.go
"""

from __future__ import annotations

from contract.blue_green import FORWARD_ACTION, forward_action

USE_ANNOTATION = "use-annotation"
"""Name of the port of a backend whose action is in an annotation.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#actions
"""


PATCH_FORCE = {"pulumi.com/patchForce": "true"}
"""Lets `pulumi up` change an Ingress though a release owns its weights.

The provider leaves ignored fields of another manager out of what it applies, but splits their paths at dots, and so
does not know a key that has some: it would end with a conflict. With force it writes the initial action, if it changes
the Ingress at all; the active Service decides then, until the next release. `kubernetes_provider/test_weights.py`
measures it.
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/await/await.go (`handleSSAIgnoreFields`)
"""


def with_action(service: str) -> dict[str, str]:
    """The annotations of an Ingress that leads to a service by weight, with the initial action."""
    return {**PATCH_FORCE, f"{FORWARD_ACTION}{service}": forward_action(service)}


def ignored(service: str) -> str:
    """The property path of the annotation, for `ignore_changes`."""
    return f'metadata.annotations["{FORWARD_ACTION}{service}"]'
