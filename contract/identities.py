"""Identities of delivery: service accounts and groups in the Kubernetes API."""

from __future__ import annotations

from contract import labels
from contract.namespaces import DELIVERY

RELEASE = "hello-release"
"""Service account that releases: it changes images and switches slots."""

VERIFY = "hello-verify"
"""Service account that records verified images, and may change nothing else."""

RECONCILER = "hello-reconciler"
"""Service account of the reconciler, which finishes releases, goes back, and retires slots; it brings no image in."""

PAGE = "hello-page"
"""Service account of the page of releases, which reads what `hello-look` allows, and nothing else."""

PREVIEW = "hello-preview"
"""Service account that previews changes of the platform; its access to the cluster comes from an IAM role."""

RELEASE_TOOL_LABELS = {labels.SERVICE: RELEASE}
"""Labels of the agents' pods that run the release tool; network policies select by them."""

RECONCILER_LABELS = {labels.SERVICE: RECONCILER}
"""Labels of the reconciler's pod, likewise."""

DEPLOYERS = "hello:deployers"
"""Group of the people who release; the EKS access entries of their IAM roles name it."""


VERIFIERS = "hello:verifiers"
"""Group of CI outside the cluster that records verified images; the access entry of its IAM role names it."""


def releasers(environment: str) -> str:
    """Group of CI outside the cluster that releases to one environment; the access entry of its IAM role names it."""
    return f"hello:release-{environment}"


def username(service_account: str) -> str:
    """User name of a service account of the delivery namespace in the Kubernetes API.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens
    """
    return f"system:serviceaccount:{DELIVERY}:{service_account}"
