"""Checks that a stack's cluster is reachable before a preview: exits with 1 if not.

`pulumi stack output --json --show-secrets | python -m pipelines.preview_report.cluster`

If it is not, the Kubernetes provider only warns, and previews all objects as new: a preview that looks complete and is
not.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import yaml

from kube.client import KubernetesApi, KubernetesApiError


def problem(outputs: dict[str, Any]) -> str | None:
    """Why a preview would be incomplete; None if it would not, or if there is no cluster yet.

    Args:
        outputs: The stack's outputs; `kubeconfig` is among them after its first `up`.
    """
    kubeconfig = outputs.get("kubeconfig")
    if kubeconfig is None:
        return None
    try:
        KubernetesApi(yaml.safe_load(kubeconfig)).list("v1", "Namespace", metadata_only=True)
    except KubernetesApiError as error:
        return (
            f"the Kubernetes API of the stack's cluster is not usable: {error}. A preview without it would be wrong. "
            "Run it where that API is reachable (the variable PREVIEW_RUNNER), as a role with access to the cluster"
        )
    return None


if __name__ == "__main__":
    message = problem(json.load(sys.stdin))
    sys.exit(f"error: {message}" if message else 0)
