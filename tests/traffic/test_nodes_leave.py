"""Requests, also long ones, are kept while nodes leave: replaced by EKS, also during a release; by the autoscaler."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject, has_condition
from rehearsal import aws
from rehearsal.emulators.aws.nodes import EXCLUDED
from release.goals import Deploy
from tests.rehearsal.conftest import eventually
from tests.traffic.load import Client, ClientLog, Load
from tests.traffic.moves import Mover
from tests.traffic.site import HOST, LONGEST_REQUEST, NODES, Site

ADDRESS = "10.1.1.20"
"""Of the node that comes."""

LONG = 5
"""Seconds of the long requests."""

WAIT = LONGEST_REQUEST + 3
"""Seconds after which a node ends that the load balancer does not use. EKS waits 60 s, the autoscaler for
the longest request and 30 s.

https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html
"""

TOO_MANY_REQUESTS = 429
CORDON = [{"op": "add", "path": "/spec/unschedulable", "value": True}]
UNCORDON = [{"op": "remove", "path": "/spec/unschedulable"}]
TAINT = {"key": "ToBeDeletedByClusterAutoscaler", "value": "0", "effect": "NoSchedule"}
"""https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-1.36.0/cluster-autoscaler/utils/taints/taints.go."""


def add_node(site: Site, name: str, address: str) -> None:
    """A node like prod's, on an instance of its own."""
    like = site.api.get("v1", "Node", "prod")
    assert like is not None
    ec2 = aws.client(site.layout, "ec2", region=site.outputs["cluster"]["region"])
    place, _, known = str(like["spec"]["providerID"]).rpartition("/")
    (reservation,) = ec2.describe_instances(InstanceIds=[known])["Reservations"]
    (instance,) = reservation["Instances"]
    interface = {
        "DeviceIndex": 0,
        "SubnetId": instance["SubnetId"],
        "PrivateIpAddress": address,
        "Groups": [group["GroupId"] for group in instance["SecurityGroups"]],
    }
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, NetworkInterfaces=[interface])
    addresses = [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]
    site.api.create(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": like["metadata"]["labels"]},
            "spec": {"providerID": f"{place}/{made['Instances'][0]['InstanceId']}"},
            "status": {
                **{key: like["status"][key] for key in ("capacity", "allocatable", "nodeInfo")},
                "addresses": addresses,
            },
        }
    )
    eventually(lambda: is_ready(site.api.get("v1", "Node", name)), f"node {name} is ready")


def remove_node(site: Site, name: str) -> None:
    """Removes a node with its instance."""
    node = site.api.get("v1", "Node", name)
    assert node is not None
    ec2 = aws.client(site.layout, "ec2", region=site.outputs["cluster"]["region"])
    ec2.terminate_instances(InstanceIds=[str(node["spec"]["providerID"]).rpartition("/")[2]])
    site.api.delete("v1", "Node", name)


def is_complete(deployment: KubernetesObject) -> bool:
    return deployment["status"].get("readyReplicas", 0) == deployment["spec"]["replicas"]


def is_ready(node: KubernetesObject | None) -> bool:
    return node is not None and has_condition(node, "Ready")


def pods_on(site: Site, name: str) -> list[KubernetesObject]:
    """The services' pods of prod on a node."""
    return [pod for pod in site.api.list("v1", "Pod", namespace="prod") if pod["spec"].get("nodeName") == name]


def drain(site: Site, name: str) -> None:
    """Evicts a cordoned node's pods within their budgets."""

    def is_empty() -> bool:
        for pod in pods_on(site, name):
            try:
                site.api.evict(pod["metadata"]["name"], "prod")
            except KubernetesApiError as error:
                if error.status != TOO_MANY_REQUESTS:
                    raise
        return not pods_on(site, name)

    eventually(is_empty, f"node {name} has no pods", 120)


@contextmanager
def ended(site: Site, address: str) -> Generator[None]:
    """A node whose instance is gone: whoever sends something to it gets a reset, on open connections, too."""
    # Before kube-proxy translates the address.
    rules = (
        "add table inet ended",
        "add chain inet ended output { type filter hook output priority -300; }",
        f"add rule inet ended output ip daddr {address} meta l4proto tcp reject with tcp reset",
    )
    try:
        for rule in rules:
            subprocess.run([*site.inside(), "nft", rule], check=True)
        yield
    finally:
        subprocess.run([*site.inside(), "nft", "delete table inet ended"], check=True)


def change(site: Site, name: str, operations: list[dict[str, Any]], *, by_eks: bool = False) -> None:
    api = KubernetesApi(site.layout.node_manager) if by_eks else site.api
    api.json_patch("v1", "Node", name, operations)


LABEL = f"/metadata/labels/{EXCLUDED.replace('/', '~1')}"
UNLABEL = [{"op": "remove", "path": LABEL}]


def label(value: str) -> list[dict[str, Any]]:
    return [{"op": "add", "path": LABEL, "value": value}]


@pytest.fixture(scope="module")
def logs(serving: Site) -> Iterator[dict[str, ClientLog]]:
    """A second node comes; the first is replaced, then taken away by the autoscaler; the second is replaced."""
    add_node(serving, "prod-2", ADDRESS)
    yield take_nodes_away(serving)
    # Tests of other files have the node that they began with.
    change(serving, "prod-2", CORDON)
    drain(serving, "prod-2")
    remove_node(serving, "prod-2")
    eventually(lambda: all(map(is_complete, serving.api.list("apps/v1", "Deployment", namespace="prod"))), "its pods")


def take_nodes_away(serving: Site) -> dict[str, ClientLog]:
    """Replaces the first node as EKS does, takes it away as the autoscaler does, drains the other one, under load."""
    door = Load("127.0.0.1", serving.port, HOST, path="/api", at_once=32)
    loads = {
        "the load balancer's pool": door,
        "a service's own pool": replace(door, path="/api?call=http://api/api/x", at_once=4),
        "long requests": replace(door, path=f"/api?sleep={LONG}", at_once=8),
    }
    with ExitStack() as stack:
        clients = {name: stack.enter_context(Client(load)) for name, load in loads.items()}
        time.sleep(1)
        change(serving, "prod", CORDON, by_eks=True)
        drain(serving, "prod")
        change(serving, "prod", label("true"), by_eks=True)
        time.sleep(WAIT)
        with ended(serving, NODES["prod"]):
            time.sleep(1)
        change(serving, "prod", [*UNCORDON, *UNLABEL])
        eventually(lambda: serving.get(HOST, "/api")[0] == 200, "an answer")
        change(serving, "prod", [{"op": "add", "path": "/spec/taints", "value": [TAINT]}])
        time.sleep(WAIT)
        with ended(serving, NODES["prod"]):
            time.sleep(1)
        change(serving, "prod", [{"op": "remove", "path": "/spec/taints"}])
        replace_the_other(serving)
        return {name: client.end() for name, client in clients.items()}


def replace_the_other(serving: Site) -> None:
    """Replaces the second node, too, as a person does who drains it, while a version is released."""
    mover = Mover(serving, "prod", "api")
    change(serving, "prod-2", CORDON)
    with ThreadPoolExecutor(1) as beside:
        released = beside.submit(mover.move, Deploy(serving.new_image("prod", "api")))
        drain(serving, "prod-2")
        released.result()
    time.sleep(WAIT)
    with ended(serving, ADDRESS):
        time.sleep(1)
    change(serving, "prod-2", UNCORDON)
    mover.retire()


def test_no_request_fails(logs: dict[str, ClientLog]) -> None:
    assert {name: log.failures[:5] for name, log in logs.items() if log.failures} == {}


def test_there_were_enough_of_them(logs: dict[str, ClientLog]) -> None:
    assert all(len(log.answers) > 50 for log in logs.values())
    for one in logs["long requests"].answers:
        assert one.answered - one.sent >= LONG


def test_a_cordoned_node_is_labelled_for_the_load_balancers_as_long_as_it_is(serving: Site) -> None:
    def labels() -> dict[str, str]:
        node = serving.api.get("v1", "Node", "dev")
        assert node is not None
        return node["metadata"].get("labels") or {}

    assert EXCLUDED not in labels()
    change(serving, "dev", CORDON)
    assert labels()[EXCLUDED] == "cordoned"
    change(serving, "dev", UNCORDON)
    assert EXCLUDED not in labels()
    change(serving, "dev", label("mine"))
    change(serving, "dev", CORDON)
    change(serving, "dev", UNCORDON)
    assert labels()[EXCLUDED] == "mine", "somebody else's stays"
    change(serving, "dev", UNLABEL)


def test_eks_which_cordons_all_nodes_of_a_group_at_once_says_itself_when_one_leaves(serving: Site) -> None:
    change(serving, "dev", CORDON, by_eks=True)
    node = serving.api.get("v1", "Node", "dev")
    change(serving, "dev", UNCORDON)
    assert node is not None
    assert node["spec"]["unschedulable"]
    assert EXCLUDED not in node["metadata"]["labels"]
