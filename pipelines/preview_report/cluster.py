"""Fails where a stack's cluster is not reached.

`pulumi stack output --json --show-secrets | python -m pipelines.preview_report.cluster`: outputs on standard input.

The Kubernetes provider previews an unreachable cluster's objects as if nothing stood there, with a warning: a preview
that looks whole and is not.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import yaml

from kube.client import KubernetesApi, KubernetesApiError


def problem(outputs: dict[str, Any]) -> str | None:
    """What keeps a preview from being whole; None where nothing does, or no cluster stands yet.

    Args:
        outputs: The stack's outputs; `kubeconfig` is one of them once it was brought up.
    """
    kubeconfig = outputs.get("kubeconfig")
    if kubeconfig is None:
        return None
    try:
        KubernetesApi(yaml.safe_load(kubeconfig)).list("v1", "Namespace", metadata_only=True)
    except KubernetesApiError as error:
        return (
            f"the cluster does not answer as it should: {error}. A preview without it would show what is not so. Run "
            "this where the Kubernetes API is reached (the variable PREVIEW_RUNNER), as a role that enters the cluster"
        )
    return None


if __name__ == "__main__":
    found = problem(json.load(sys.stdin))
    sys.exit(f"error: {found}" if found else 0)
