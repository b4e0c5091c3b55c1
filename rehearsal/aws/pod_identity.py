"""The EKS Pod Identity agent, which gives a pod the credentials of its service account's role.

https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from kube.client import KubernetesApi
from rehearsal import aws
from rehearsal.aws.authorization import granted
from rehearsal.emulators.aws.account import ASSOCIATION, Account
from rehearsal.layout import Layout

ADDRESS = "169.254.170.23"
"""The agent's IP address on each node; its port is 80."""

PATH = "/v1/credentials"
"""The agent's only path."""

AUDIENCE = "pods.eks.amazonaws.com"
"""Audience of a pod's token, and the service principal that a role has to trust."""

_REQUIRED_ACTIONS = {"sts:AssumeRole", "sts:TagSession"}
"""Actions that a role's trust policy has to allow. https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html"""

_USER = "system:serviceaccount:"


@dataclass(frozen=True)
class RefusedError(Exception):
    """A refused request for credentials: HTTP status code, and the reason in one sentence."""

    status: int
    reason: str


def associations(layout: Layout) -> dict[tuple[str, str], str]:
    """Role ARNs of the Pod Identity associations, by namespace and name of the service account."""
    inputs = [record.inputs for record in Account.load(layout).records(ASSOCIATION)]
    return {(str(one["namespace"]), str(one["serviceAccount"])): str(one["roleArn"]) for one in inputs}


def credentials(layout: Layout, api: KubernetesApi, token: str, *, region: str) -> dict[str, str]:
    """Credentials for a pod's service account token for `AUDIENCE`, as in the agent's response.

    Raises:
        RefusedError: The token is invalid, its service account has no association, or the role does not trust EKS.
    """
    namespace, name = _service_account(api, token)
    role = associations(layout).get((namespace, name))
    if role is None:
        raise RefusedError(404, f"service account {namespace}/{name} has no Pod Identity association")
    iam, sts = (aws.client(layout, service, region=region) for service in ("iam", "sts"))
    trust = iam.get_role(RoleName=role.rsplit("/", 1)[-1])["Role"]["AssumeRolePolicyDocument"]
    if not granted(trust, AUDIENCE) >= _REQUIRED_ACTIONS:
        raise RefusedError(403, f"{role} does not trust {AUDIENCE} with {' and '.join(sorted(_REQUIRED_ACTIONS))}")
    session = sts.assume_role(RoleArn=role, RoleSessionName=f"eks-{name}"[:64])["Credentials"]
    return {
        "AccessKeyId": session["AccessKeyId"],
        "SecretAccessKey": session["SecretAccessKey"],
        "Token": session["SessionToken"],
        "AccountId": role.split(":")[4],
        "Expiration": session["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def application(answer: Callable[[str], Mapping[str, str]]) -> Callable[..., Iterable[bytes]]:
    """The agent as a WSGI application; `answer` returns the credentials for a token, or raises `RefusedError`."""

    @Request.application
    def respond(request: Request) -> Response:
        if request.path != PATH:
            return Response(f"the only path is {PATH}", 404)
        try:
            body = json.dumps(answer(request.headers.get("Authorization", "")))
        except RefusedError as error:
            return Response(error.reason, error.status)
        return Response(body, mimetype="application/json")

    return respond


def _service_account(api: KubernetesApi, token: str) -> tuple[str, str]:
    """Namespace and name of the service account to which a token belongs."""
    review = api.create(
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "metadata": {},
            "spec": {"token": token, "audiences": [AUDIENCE]},
        }
    )
    status: dict[str, Any] = review.get("status", {})
    user = str(status.get("user", {}).get("username", ""))
    if not status.get("authenticated") or not user.startswith(_USER):
        raise RefusedError(400, f"the token is not a service account's for {AUDIENCE}")
    namespace, _, name = user.removeprefix(_USER).partition(":")
    return namespace, name
