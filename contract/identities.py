"""Who releases, as the Kubernetes API names them. Needs no Pulumi."""

from __future__ import annotations

from contract import labels
from contract.namespaces import DELIVERY

RELEASE = "hello-release"
"""Service account that brings images in and switches slots."""

VERIFY = "hello-verify"
"""Service account that records which images were tried on dev, and changes nothing else."""

PREVIEW = "hello-preview"
"""Service account that previews changes of the platform: it asks for its rights by an IAM role, as people do."""

TOOL = {labels.SERVICE: RELEASE}
"""Labels of a pod in that namespace that runs the release tool, as whichever of the two: policies let it out and in."""

DEPLOYERS = "hello:deployers"
"""Group of the people who release, by the access entries of their IAM roles."""


def username(service_account: str) -> str:
    """A service account of the delivery namespace, as the API server calls who holds its token.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens
    """
    return f"system:serviceaccount:{DELIVERY}:{service_account}"
