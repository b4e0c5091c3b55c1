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


def action_annotation(service: str) -> dict[str, str]:
    """The annotation with the initial action of a service."""
    return {f"{FORWARD_ACTION}{service}": forward_action(service)}


def ignored(service: str) -> str:
    """The property path of the annotation, for `ignore_changes`."""
    return f'metadata.annotations["{FORWARD_ACTION}{service}"]'
