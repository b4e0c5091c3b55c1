"""What prod needs in order to serve survives the loss of all dev nodes."""

from __future__ import annotations

from collections.abc import Collection

from contract import labels
from kube.client import KubernetesApi, KubernetesObject
from rehearsal import status
from rehearsal.lifecycle import Rehearsal
from tests.rehearsal.conftest import eventually
from tests.rehearsal.stacks import ONE_STACK

ESSENTIAL = ("cluster-autoscaler", "coredns", "ebs-csi-controller", "metrics-server")
"""Deployments in kube-system without which prod cannot resolve names, scale, or mount volumes."""


def nodes(api: KubernetesApi, environment: str) -> dict[str, KubernetesObject]:
    """An environment's nodes, by name."""
    found = api.list("v1", "Node", label_selector=f"{labels.ENVIRONMENT}={environment}")
    return {str(node["metadata"]["name"]): node for node in found}


def ready_on(api: KubernetesApi, deployment: str, places: Collection[str]) -> list[KubernetesObject]:
    """The Deployment's ready pods on these nodes."""
    owner = api.get("apps/v1", "Deployment", deployment, "kube-system")
    assert owner is not None, deployment
    wanted: dict[str, str] = owner["spec"]["selector"]["matchLabels"]
    return [
        pod
        for pod in api.list("v1", "Pod", namespace="kube-system")
        if wanted.items() <= pod["metadata"].get("labels", {}).items()
        and pod["spec"].get("nodeName") in places
        and any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))
    ]


def prods_pods(api: KubernetesApi) -> dict[str, str]:
    """Where each pod of prod is, by its uid."""
    return {pod["metadata"]["uid"]: pod["spec"]["nodeName"] for pod in api.list("v1", "Pod", namespace="prod")}


@ONE_STACK
def test_what_prod_needs_to_serve_survives_the_loss_of_all_dev_nodes(platform: Rehearsal) -> None:
    api = platform.api()
    dev, prod = nodes(api, "dev"), nodes(api, "prod")
    assert dev
    assert prod
    survivors = {name: {pod["metadata"]["uid"] for pod in ready_on(api, name, prod)} for name in ESSENTIAL}
    assert all(survivors.values()), "before the loss each has a pod on prod's nodes already"
    before = prods_pods(api)

    for node in dev:
        api.delete("v1", "Node", node)
    # The control plane gives the pods up some 40 seconds after their nodes are gone.
    eventually(
        lambda: not [pod for pod in api.list("v1", "Pod") if pod["spec"].get("nodeName") in dev],
        "the pods of the lost nodes are given up",
        180,
    )

    for name in ESSENTIAL:
        uids = {pod["metadata"]["uid"] for pod in ready_on(api, name, prod)}
        assert survivors[name] <= uids, f"{name} lost a pod that was on prod's nodes"
    assert prods_pods(api) == before
    slots = status.slot_table(api, platform.outputs())
    live = [slot for slot in slots if slot.namespace == "prod" and slot.live]
    assert live
    assert all(slot.ready == slot.wanted > 0 for slot in live)

    for node in dev.values():
        metadata = {key: value for key, value in node["metadata"].items() if key not in ("resourceVersion", "uid")}
        api.create({**node, "metadata": metadata})
    eventually(lambda: not pending(api), "all pods are ready on the nodes that are back", 180)


def pending(api: KubernetesApi) -> list[str]:
    """Pods that neither run nor have ended."""
    pods = api.list("v1", "Pod")
    return [
        pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") not in ("Running", "Succeeded", "Failed")
    ]
