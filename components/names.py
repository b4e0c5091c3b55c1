"""What the API server calls an object that the program makes."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.meta.v1.outputs import ObjectMeta


def name_of(metadata: pulumi.Output[ObjectMeta], name: str) -> pulumi.Output[str]:
    """The name that an object was given, known once it is made: whatever uses it comes after it, and goes before it."""
    return metadata.name.apply(lambda known: known or name)


def uid_of(metadata: pulumi.Output[ObjectMeta]) -> pulumi.Output[str]:
    """What makes an object another one than an earlier one of its name; the API server's to say."""
    return metadata.uid.apply(lambda known: known or "")
