"""Kubernetes goes up from the minor version before: control plane, kube-proxy, nodes, add-ons; requests are kept."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import psutil
import pytest
from rich.console import Console

import versions
from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject, has_condition
from rehearsal import control_plane
from rehearsal.front_door import haproxy, running
from rehearsal.lifecycle import Rehearsal
from rehearsal.network import namespace
from rehearsal.network.enter import enter
from rehearsal.processes import ProcessTable
from rehearsal.programs import API_SERVER, KUBE_PROXY, KUBERNETES_CONTROL_PLANE
from tests.rehearsal.conftest import eventually
from tests.rehearsal.one_service import before
from tests.rehearsal.one_service.conftest import SERVICE
from tests.traffic.load import Client, ClientLog, Failure, Load

LONG = 5
"""Seconds of the long requests."""

AROUND = 60.0
"""Seconds before and after a failure of which the course is told."""

UNTIL_ITS_END = 2 * LONG
"""Seconds after which a node that is drained and gone answers with a reset.

The emulator takes it away as soon as no load balancer uses it, EKS in any case a minute after its cordon: time enough
for requests under way.
"""


@dataclass
class Seen:
    """What was seen of an upgrade.

    Attributes:
        changes: Symbol and type of each resource that `up` changed, in order.
        logs: Requests during the upgrade, by kind.
        versions: The minor versions of API server, kube-proxy and nodes that were seen together, in order.
        pods: Which pods of the service on prod were ready, as long as no node was replaced.
        fewest: The fewest of them at any time.
        before: The names of the nodes before.
        ended: The addresses of nodes whose instances ended, and which then answered no more.
        shared: Addresses that two pods had.
        course: Nodes and the service's pods on prod, each time on the monotonic clock that they changed.
        refused: The lines of the front door's log on requests without a good answer.
    """

    before: set[str]
    changes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    logs: dict[str, ClientLog] = field(default_factory=dict[str, ClientLog])
    versions: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list[tuple[str, str, tuple[str, ...]]])
    pods: set[frozenset[str]] = field(default_factory=set[frozenset[str]])
    fewest: int = 1000
    ended: set[str] = field(default_factory=set[str])
    shared: set[str] = field(default_factory=set[str])
    course: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    refused: list[str] = field(default_factory=list[str])

    def note(self, what: str) -> None:
        """Notes what is so from now on."""
        if what not in [last for _, last in self.course[-1:]]:
            self.course.append((time.monotonic(), what))

    def story(self, failure: Failure) -> str:
        """What was so around a failure, and what the front door's log has of the failed requests."""
        near = [f"{at - failure.sent:+.1f} s: {what}" for at, what in self.course if abs(at - failure.sent) < AROUND]
        return "\n".join([f"{failure.kind} of a request that was sent at 0 s", *near, *self.refused[:5]])


@pytest.fixture(scope="module")
def seen(rehearsal: Rehearsal, program_before: Path) -> Seen:
    """The upgrade, under load."""
    if not rehearsal.layout.kubeconfig.exists():
        with before.used(program_before):
            rehearsal.up()  # this file by itself
    entrance = running.entrance(rehearsal.layout, rehearsal.outputs()["hosts"])
    assert entrance is not None
    port = int(entrance.hosts["prod"].rpartition(":")[2])
    door = Load("127.0.0.1", port, haproxy.LOCAL_DOMAIN, at_once=2, pause=0.05)
    loads = {"short requests": door, "long requests": replace(door, path=f"/?sleep={LONG}", at_once=4)}
    found = Seen(before=set(nodes(rehearsal.api())))
    screen = StringIO()
    with ExitStack() as stack:
        stack.enter_context(watched(rehearsal, found))
        clients = {name: stack.enter_context(Client(load)) for name, load in loads.items()}
        eventually(lambda: all(client.answers() for client in clients.values()), "answers")
        replace(rehearsal, console=Console(file=screen), verbose=True).up()
        eventually(lambda: len(found.ended) == len(found.before), "the end of the last node", UNTIL_ITS_END + 10)
        time.sleep(1)
        found.logs.update({name: client.end() for name, client in clients.items()})
    lines = (rehearsal.layout.logs / f"{running.FRONT_DOOR}.log").read_text().splitlines()
    found.refused += [line for line in lines if "frontend" in line and " 503 " in line]
    found.changes += re.findall(r"^  (\S) (\S+:\S+) ", screen.getvalue(), re.MULTILINE)
    return found


def nodes(api: KubernetesApi) -> dict[str, KubernetesObject]:
    return {str(node["metadata"]["name"]): node for node in api.list("v1", "Node")}


def address(node: KubernetesObject) -> str:
    return next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")


def minor(version: str) -> str:
    """`1.36` of `v1.36.1-…`."""
    return ".".join(version.removeprefix("v").split(".")[:2])


def ready_pods(api: KubernetesApi) -> list[KubernetesObject]:
    pods = api.list("v1", "Pod", namespace="prod", label_selector=f"app.kubernetes.io/name={SERVICE}")
    return [pod for pod in pods if has_condition(pod, "Ready") and "deletionTimestamp" not in pod["metadata"]]


def shared_addresses(api: KubernetesApi) -> set[str]:
    """Addresses that two pods have, apart from their nodes'."""
    pods = [pod for pod in api.list("v1", "Pod") if not pod["spec"].get("hostNetwork")]
    given = Counter(pod["status"].get("podIP") for pod in pods if pod["status"].get("phase") in ("Pending", "Running"))
    return {str(address) for address, number in given.items() if address and number > 1}


@contextmanager
def watched(rehearsal: Rehearsal, found: Seen) -> Generator[None]:
    """Notes versions and pods all the time; an instance that has ended answers with a reset."""
    holder = namespace.find_holder(ProcessTable(rehearsal.layout.processes))
    assert holder is not None
    inside = enter(holder.pid)
    nft(inside, "add table inet ended")
    nft(inside, "add chain inet ended output { type filter hook output priority -300; }")
    done, api, gone, known = threading.Event(), rehearsal.api(), dict[str, float](), dict[str, str]()

    def look() -> None:
        present = nodes(api)
        known.update({name: address(node) for name, node in present.items()})
        for name in known.keys() - present.keys():
            since = gone.setdefault(name, time.monotonic())
            if time.monotonic() - since > UNTIL_ITS_END and known[name] not in found.ended:
                nft(inside, f"add rule inet ended output ip daddr {known[name]} meta l4proto tcp reject with tcp reset")
                found.ended.add(known[name])
        found.shared |= shared_addresses(api)
        pods = ready_pods(api)
        cordoned = sorted(name for name, node in present.items() if node["spec"].get("unschedulable"))
        found.note(
            f"{sorted(pod['metadata']['name'] + '@' + pod['spec']['nodeName'] for pod in pods)} are ready; "
            f"nodes {sorted(present)}, cordoned {cordoned}, ended {sorted(found.ended)}"
        )
        found.fewest = min(found.fewest, len(pods))
        if present.keys() == found.before:
            found.pods.add(frozenset(str(pod["metadata"]["name"]) for pod in pods))
        run = control_plane.versions(rehearsal.layout, (API_SERVER, KUBE_PROXY))
        if len(run) == 2:  # else one is starting
            kubelets = {minor(node["status"]["nodeInfo"]["kubeletVersion"]) for node in present.values()}
            now = (run[API_SERVER], run[KUBE_PROXY], tuple(sorted(kubelets)))
            if now not in found.versions[-1:]:
                found.versions.append(now)

    def watch() -> None:
        while not done.wait(2):
            with suppress(KubernetesApiError, psutil.NoSuchProcess):  # while the API server is exchanged
                look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        nft(inside, "delete table inet ended")


def nft(inside: tuple[str, ...], rule: str) -> None:
    subprocess.run([*inside, "nft", rule], check=True)


def test_all_is_changed_in_place(seen: Seen) -> None:
    kinds = {symbol: {kind.rpartition(":")[2] for one, kind in seen.changes if one == symbol} for symbol in "~+"}
    assert {"Cluster", "Addon", "NodeGroup", "Release"} <= kinds["~"]
    assert kinds["+"] == {
        "CordonedNodes",
        "ForwardActions",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
    }
    assert {symbol for symbol, _ in seen.changes} == {"~", "+"}


def test_the_control_plane_goes_first_and_nothing_is_ever_newer(seen: Seen) -> None:
    old, new = before.VERSIONS["KUBERNETES"], versions.KUBERNETES
    assert seen.versions[0] == (old, old, (old,))
    assert seen.versions[-1] == (new, new, (new,))
    for server, proxy, kubelets in seen.versions:
        assert max(proxy, *kubelets) <= server


def test_the_real_programs_run_at_the_new_version_with_the_objects_of_before(seen: Seen, rehearsal: Rehearsal) -> None:
    del seen
    api = rehearsal.api()
    running_now = control_plane.versions(rehearsal.layout, KUBERNETES_CONTROL_PLANE)
    assert set(running_now.values()) == {versions.KUBERNETES}
    namespace_ = api.get("v1", "Namespace", "prod")
    assert namespace_ is not None
    assert namespace_["metadata"]["labels"]["pod-security.kubernetes.io/enforce-version"] == f"v{versions.KUBERNETES}"


def test_the_control_planes_upgrade_touches_no_pod(seen: Seen) -> None:
    (pods,) = seen.pods
    assert len(pods) >= 2
    assert any(
        server == versions.KUBERNETES and kubelets == (before.VERSIONS["KUBERNETES"],)
        for server, _, kubelets in seen.versions
    )


def test_every_node_is_another_one_and_the_pods_live_there(seen: Seen, rehearsal: Rehearsal) -> None:
    present = nodes(rehearsal.api())
    assert len(present) == len(seen.before) == len(seen.ended)
    assert not seen.before & present.keys()
    released = versions.NODE_IMAGE_RELEASE.partition("-")[0]
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in present.values()} == {f"v{released}"}
    pods = ready_pods(rehearsal.api())
    assert len(pods) >= 2
    assert {pod["spec"]["nodeName"] for pod in pods} <= present.keys()


def test_the_service_always_had_a_pod_and_no_request_failed(seen: Seen) -> None:
    assert seen.fewest >= 1
    assert seen.shared == set()
    failures = sorted((one for log in seen.logs.values() for one in log.failures), key=lambda one: one.sent)
    assert not failures, f"{len(failures)} failures; {seen.story(failures[0])}"
    assert all(len(log.answers) > 50 for log in seen.logs.values())
    assert all(one.answered - one.sent >= LONG for one in seen.logs["long requests"].answers)
