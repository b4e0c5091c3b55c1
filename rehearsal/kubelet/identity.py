"""Variables and token that EKS adds to the pods of a service account with a Pod Identity association.

https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
"""

from __future__ import annotations

import copy
from typing import Any

from kube.client import KubernetesObject
from rehearsal.aws.pod_identity import ADDRESS, AUDIENCE, PATH

FOLDER = f"/var/run/secrets/{AUDIENCE}/serviceaccount"
TOKEN = "eks-pod-identity-token"  # noqa: S105 - a file's name
LIFETIME = 86400
"""Seconds that the token is valid."""

AGENT = f"http://{ADDRESS}{PATH}"


def injected(pod: KubernetesObject, region: str) -> KubernetesObject:
    """The pod with the variables and the token that EKS adds at admission; variables that it sets itself stay."""
    copied = copy.deepcopy(pod)
    source = {"audience": AUDIENCE, "expirationSeconds": LIFETIME, "path": TOKEN}
    volume = {"name": TOKEN, "projected": {"sources": [{"serviceAccountToken": source}]}}
    variables = {
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": AGENT,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{FOLDER}/{TOKEN}",
    }
    spec = copied["spec"]
    spec["volumes"] = [*(spec.get("volumes") or ()), volume]
    for container in spec["containers"]:
        env: list[dict[str, Any]] = container.get("env") or []
        own = {variable["name"] for variable in env}
        added = [{"name": name, "value": value} for name, value in variables.items() if name not in own]
        mount = {"name": TOKEN, "mountPath": FOLDER, "readOnly": True}
        container["env"] = [*env, *added]
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    return copied
