"""What a Kubernetes object that the program makes is called."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.meta.v1.outputs import ObjectMeta


def name_of(metadata: pulumi.Output[ObjectMeta], name: str) -> pulumi.Output[str]:
    """The name that an object was given, known once it is made: whatever uses it comes after it, and goes before it."""
    return metadata.name.apply(lambda known: known or name)
