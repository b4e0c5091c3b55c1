"""Metadata of Kubernetes objects: names and uids as outputs, and the selector of a namespace."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.meta.v1.outputs import ObjectMeta

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label with a namespace's name; the API server sets it, and it cannot be changed.

https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
"""


def name_of(metadata: pulumi.Output[ObjectMeta], name: str) -> pulumi.Output[str]:
    """An object's name as an output: resources that use it depend on the object.

    Args:
        metadata: The object's metadata.
        name: Its name where a preview does not know the metadata.
    """
    return metadata.name.apply(lambda value: value or name)


def uid_of(metadata: pulumi.Output[ObjectMeta]) -> pulumi.Output[str]:
    """An object's uid; empty in a preview before the object exists."""
    return metadata.uid.apply(lambda value: value or "")


def in_namespace(name: pulumi.Input[str]) -> LabelSelectorArgs:
    """Selector of the namespace with this name."""
    return LabelSelectorArgs(match_labels={NAMESPACE_NAME: name})
