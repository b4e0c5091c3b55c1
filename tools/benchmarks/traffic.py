"""What clients see of a switch: new connections to a node's port, and a pool through the front door."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from statistics import median, quantiles
from typing import Any, cast

from components.ingress.ingress_class import CONTROLLER
from components.ingress.target_group import PREFIX
from kube.client import KubernetesApi, KubernetesObject
from rehearsal.emulators import in_cluster
from rehearsal.front_door import running
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.network.enter import enter
from rehearsal.ports import LOOPBACK
from rehearsal.processes import ProcessTable
from rehearsal.toolchain import Toolchain
from release.goals import Deploy, Retire, Switch
from release.run import Limits
from tests.rehearsal.conftest import eventually
from tests.release.identities import charts_kinds
from tests.release.platform import Platform, image, node
from tests.traffic import cloud
from tests.traffic.load import Answer, Client, ClientLog, Load
from tests.traffic.moves import PatchClock, slot

NODE = "10.1.0.10"
REGION = "ap-northeast-2"
DOMAIN = "hello.example.com"
SWITCHES = 3
QUIET_SECONDS = 5
PRE_STOP_SECONDS = 10
"""As the program's services have it."""

_LIMITS = Limits(ready=900, endpoints=120, gone=120, watch=1, settle=0)


@dataclass(frozen=True)
class Traffic:
    """Seconds, and milliseconds of requests through the front door.

    Attributes:
        new: From the patch to the last new connection that the old slot got; the worst of `SWITCHES`.
        pooled: From the patch to the last answer of the old slot over a pooled connection, the slot being retired at
            once.
        quiet: Median and 99.9th percentile with nothing going on.
        switching: The same while the tool switches.
    """

    new: float
    pooled: float
    quiet: tuple[float, float]
    switching: tuple[float, float]


def machine() -> KubernetesObject:
    """The node, with an address."""
    one = node()
    addresses = [{"type": "InternalIP", "address": NODE}, {"type": "Hostname", "address": "large"}]
    return {**one, "status": {**one["status"], "addresses": addresses}}


def prepare(layout: Layout, tools: Toolchain, api: KubernetesApi) -> None:
    """Has the node be an instance of an account, and the controller make load balancers there."""
    if namespace.find_holder(ProcessTable(layout.processes)) is None:
        return
    account = cloud.make(layout, REGION, {"large": NODE})
    change = [{"op": "add", "path": "/spec/providerID", "value": account.instances["large"]}]
    api.json_patch("v1", "Node", "large", change)
    in_cluster.define(api, charts_kinds(), manager="helm")
    api.apply(_class(), field_manager="benchmark")
    cloud.start_controller(layout, tools, account)


def measure(layout: Layout, platform: Platform, service: str) -> Traffic | None:
    """Switches a service of dev to and fro under load, then retires the old slot.

    Args:
        layout: The control plane's files.
        platform: The control plane.
        service: A service, released twice.

    Returns:
        None where there is no network namespace or no HAProxy.
    """
    through, new = _loads(layout, platform.api, service)
    holder = namespace.find_holder(ProcessTable(layout.processes))
    if through is None or holder is None:
        return None
    platform.run("dev", service, Deploy(image(service)), limits=replace(_LIMITS, watch=0.1))
    with Client(through) as first, Client(new, enter(holder.pid)) as second:
        quiet = time.monotonic() + 1
        time.sleep(QUIET_SECONDS)
        windows: list[tuple[float, float]] = []
        patches: list[tuple[float, str]] = []
        for _ in range(SWITCHES):
            clock, began = PatchClock(platform.api, service), time.monotonic()
            result = platform.run("dev", service, Switch(), api=cast("Any", clock), limits=_LIMITS)
            windows.append((began, time.monotonic()))
            patches.append((clock.patched, result.state.live))
        platform.run("dev", service, Retire(now=True), limits=_LIMITS)
        time.sleep(PRE_STOP_SECONDS + 3)
        pooled, fresh = first.end(), second.end()
    _complain(pooled, fresh)
    patched, live = patches[-1]
    old = [one.answered for one in pooled.answers if slot(one.by) != live and one.answered > patched]
    return Traffic(
        new=max(last_new(fresh.answers, patches)),
        pooled=max(old, default=patched) - patched,
        quiet=_milliseconds(pooled.answers, [(quiet, windows[0][0])]),
        switching=_milliseconds(pooled.answers, windows),
    )


def _loads(layout: Layout, api: KubernetesApi, service: str) -> tuple[Load | None, Load]:
    """Gives the service a node's port, a host and an end as in the program; what asks it by the one and the other."""
    lifecycle = {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}}
    spec = "/template/spec"
    change = [
        {"op": "add", "path": f"{spec}/containers/0/lifecycle", "value": lifecycle},
        {"op": "replace", "path": f"{spec}/terminationGracePeriodSeconds", "value": 2 * PRE_STOP_SECONDS},
    ]
    api.json_patch("v1", "PodTemplate", service, change, namespace="dev")
    node_port = [{"op": "replace", "path": "/spec/type", "value": "NodePort"}]
    found = api.json_patch("v1", "Service", service, node_port, namespace="dev")
    host = f"{service}.{DOMAIN}"
    api.apply(_ingress(service, host), field_manager="benchmark")
    running.start(layout, domain=DOMAIN, region=REGION, report=print)
    door = running.entrance(layout, {"prod": DOMAIN, service: host})
    port = int(found["spec"]["ports"][0]["nodePort"])
    new = Load(NODE, port, host, at_once=8, reuse=False, pause=0.02)
    if door is None:
        return None, new
    through = Load(LOOPBACK, int(door.hosts[service].rpartition(":")[2]), host, at_once=64, pause=0.03)
    eventually(lambda: _status(through) == HTTPStatus.OK, f"the front door serves {host}")
    return through, new


def _status(load: Load) -> int:
    connection = http.client.HTTPConnection(load.address, load.port, timeout=10)
    try:
        connection.request("GET", load.path, headers={"Host": load.host})
        return connection.getresponse().status
    finally:
        connection.close()


def _class() -> KubernetesObject:
    metadata = {"name": "public"}
    spec = {"controller": CONTROLLER}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": metadata, "spec": spec}


def _ingress(service: str, host: str) -> KubernetesObject:
    backend = {"service": {"name": service, "port": {"name": "http"}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": service,
            "namespace": "dev",
            "annotations": {f"{PREFIX}/target-type": "instance", f"{PREFIX}/scheme": "internet-facing"},
        },
        "spec": {"ingressClassName": "public", "rules": [rule]},
    }


def last_new(answers: Iterable[Answer], patches: list[tuple[float, str]]) -> list[float]:
    """After each patch, the seconds until the last connection was asked for that led to the old slot."""
    ends = [*(patched for patched, _ in patches[1:]), float("inf")]
    found: list[float] = []
    for (patched, live), end in zip(patches, ends, strict=True):
        old = [one.connected for one in answers if patched < one.connected < end and slot(one.by) != live]
        found.append(max(old, default=patched) - patched)
    return found


def _milliseconds(answers: Iterable[Answer], windows: list[tuple[float, float]]) -> tuple[float, float]:
    taken = [
        1000 * (one.answered - one.sent) for one in answers if any(begin < one.sent < end for begin, end in windows)
    ]
    return median(taken), quantiles(taken, n=1000)[-1]


def _complain(*logs: ClientLog) -> None:
    failures = [failure for log in logs for failure in log.failures]
    if failures:
        print(f"{len(failures)} requests failed, the first: {failures[0]}")  # noqa: T201 - the result is not to be trusted
