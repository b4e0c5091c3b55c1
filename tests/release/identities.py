"""The program's own objects on a control plane, and clients with the identities that it grants permissions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from contract.identities import DEPLOYERS, RELEASE, VERIFY, username
from contract.namespaces import DELIVERY
from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal import toolchain
from rehearsal.emulators import in_cluster
from tests.release.platform import node
from tests.unit.manifests import manifests
from tests.unit.program import platform
from tools.program.graph import Graph

STACK = "prod"

ACCOUNTS = {"release": RELEASE, "verify": VERIFY}

USERS = {**{identity: username(account) for identity, account in ACCOUNTS.items()}, "person": "jane"}
"""What the API server calls each identity."""


def acting_as(kubeconfig: Path, identity: str) -> KubernetesApi:
    """A client whom the API server takes for one of these identities.

    A service account comes with a token of its own. Who people are, EKS says: they are impersonated.
    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
    """
    if identity in ACCOUNTS:
        return KubernetesApi(with_token(kubeconfig, ACCOUNTS[identity]))
    api = KubernetesApi(kubeconfig)
    for header, value in (("Impersonate-User", USERS[identity]), ("Impersonate-Group", DEPLOYERS)):
        api._rest.set_default_header(header, value)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return api


def with_token(kubeconfig: Path, service_account: str, namespace: str = DELIVERY) -> dict[str, Any]:
    """A kubeconfig with a token that the API server makes, as for a pod of the service account.

    https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
    """
    api: Any = KubernetesApi(kubeconfig)._rest  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    answer = api.call_api(
        f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token",
        "POST",
        body={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        response_types_map={201: "object"},
        _return_http_data_only=True,
    )
    content: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    content["users"] = [{"name": one["name"], "user": {"token": answer["status"]["token"]}} for one in content["users"]]
    return content


def patch(api: KubernetesApi, one: KubernetesObject, change: list[dict[str, Any]]) -> KubernetesObject:
    """What a JSON Patch of an object would make of it; nothing is changed."""
    return api._call(  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        "patch",
        one["apiVersion"],
        one["kind"],
        name=one["metadata"]["name"],
        namespace=one["metadata"]["namespace"],
        body=change,
        content_type="application/json-patch+json",
        dry_run="All",
    )


def apply_the_program(api: KubernetesApi, graph: Graph | None = None) -> None:
    """Makes every Kubernetes object of a graph, else of the stack, as `pulumi up` does, after its charts' kinds."""
    in_cluster.define(api, charts_kinds(), manager="helm")
    order = {"Namespace": 0, "PriorityClass": 1, "ConfigMap": 2}
    uids: dict[str, str] = {}
    for one in sorted(manifests(graph or platform(STACK, preview=False)), key=lambda one: order.get(one["kind"], 3)):
        owned = copy.deepcopy(one)
        for owner in owned["metadata"].get("ownerReferences", []):
            owner["uid"] = uids[owner["name"]]
        made = api.apply(owned, field_manager="pulumi")
        if one["kind"] == "ConfigMap":
            uids[one["metadata"]["name"]] = made["metadata"]["uid"]


def charts_kinds() -> list[KubernetesObject]:
    """The CRDs of the charts that come out of Go modules, without the labels that Helm would write."""
    tools = toolchain.find()
    assert tools is not None
    files = (
        tools.charts["aws-load-balancer-controller"] / "crds" / "crds.yaml",
        tools.charts["eck-operator"] / "charts" / "eck-operator-crds" / "templates" / "all-crds.yaml",
    )
    found = [one for file in files for one in yaml.load_all(file.read_text(), yaml.CSafeLoader) if one]
    for one in found:
        one["metadata"].pop("labels", None)
    return found


def add_nodes(api: KubernetesApi) -> None:
    """Makes a node of each environment."""
    for environment in ("dev", "prod"):
        machine = node()
        machine["metadata"] = {"name": environment, "labels": {"environment": environment}}
        api.create(machine)


def refusal(request: Callable[[], object]) -> str | None:
    """Why the API server refuses; None if it does not."""
    try:
        request()
    except KubernetesApiError as error:
        if error.status not in (403, 422):
            raise
        return str(error)
    return None


def repository(service: str) -> str:
    """A service's repository, as the program knows it."""
    found = platform(STACK, preview=False).outputs["repositories"]
    return str(found[service])
