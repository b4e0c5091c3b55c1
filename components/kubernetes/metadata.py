"""What the API server calls an object that the program makes."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.meta.v1.outputs import ObjectMeta

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The API server's own label of a namespace, which nobody changes.

https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
"""


def name_of(metadata: pulumi.Output[ObjectMeta], name: str) -> pulumi.Output[str]:
    """The name that an object was given, known once it is made: whatever uses it comes after it, and goes before it."""
    return metadata.name.apply(lambda known: known or name)


def uid_of(metadata: pulumi.Output[ObjectMeta]) -> pulumi.Output[str]:
    """What makes an object another one than an earlier one of its name; the API server's to say."""
    return metadata.uid.apply(lambda known: known or "")


def in_namespace(name: pulumi.Input[str]) -> LabelSelectorArgs:
    """Selects the one namespace of this name."""
    return LabelSelectorArgs(match_labels={NAMESPACE_NAME: name})
