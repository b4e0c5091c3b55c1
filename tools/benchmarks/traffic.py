"""A switch as clients see it: new connections to a NodePort, and requests through the load balancer.

A switch of the Service moves connections; one by weight moves requests, also on the load balancer's pooled connections.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from statistics import median, quantiles
from typing import Any, cast

from components.ingress.forward import USE_ANNOTATION
from components.ingress.ingress import LISTEN_PORTS
from components.ingress.ingress_class import CONTROLLER
from components.ingress.target_group import NO_FAILOVER, PREFIX
from contract import labels
from contract.blue_green import CANARY, FORWARD_ACTION, SLOTS, forward_action, slot_name
from kube.client import KubernetesApi, KubernetesObject
from rehearsal import aws
from rehearsal.emulators import in_cluster
from rehearsal.front_door import running
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.network.enter import enter
from rehearsal.ports import LOOPBACK
from rehearsal.processes import ProcessTable
from rehearsal.toolchain import Toolchain
from release.errors import ExitCode
from release.goals import Deploy, Retire, Switch
from release.rules import weights_in_effect
from release.run import Limits, Result
from release.state import ServiceState
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
"""The preStop hook of the program's services."""

_LIMITS = Limits(ready=900, endpoints=120, gone=120, watch=1, settle=0, rules=0)


@dataclass(frozen=True)
class Traffic:
    """Delays of a switch in seconds, and latencies of requests through the load balancer in milliseconds.

    Attributes:
        new: From the patch to the last new connection to the old slot; the longest of `SWITCHES`.
        pooled: From the patch to the last response of the old slot over a pooled connection, where the slot is retired
            immediately.
        quiet: Median and 99.9th percentile before the switches.
        switching: Median and 99.9th percentile during the switches.
    """

    new: float
    pooled: float
    quiet: tuple[float, float]
    switching: tuple[float, float]


@dataclass(frozen=True)
class ByWeight:
    """Delays of a switch by the load balancer's weights, in seconds; the longest of `SWITCHES`.

    Attributes:
        effective: From the patch of the Ingress until the release tool has seen the load balancer's rules have it.
        last: From the patch of the Ingress to the last request that the old slot got, over any connection.
    """

    effective: float
    last: float


def done(result: Result) -> Result:
    """The result of a release that did what it was to do: a failed one is not worth a time.

    Raises:
        ValueError: It did not.
    """
    if result.exit_code is not ExitCode.DONE:
        raise ValueError(f"{result.exit_code.name}: {result.message}")
    return result


def node_with_address() -> KubernetesObject:
    """The node, with an address."""
    body = node()
    addresses = [{"type": "InternalIP", "address": NODE}, {"type": "Hostname", "address": "large"}]
    return {**body, "status": {**body["status"], "addresses": addresses}}


def prepare(layout: Layout, tools: Toolchain, api: KubernetesApi) -> None:
    """Registers the node as an EC2 instance of an emulated account, and starts the AWS Load Balancer Controller.

    Without a network namespace, it does nothing.
    """
    if namespace.find_holder(ProcessTable(layout.processes)) is None:
        return
    account = cloud.make(layout, REGION, {"large": NODE})
    change = [{"op": "add", "path": "/spec/providerID", "value": account.instances["large"]}]
    api.json_patch("v1", "Node", "large", change)
    in_cluster.define(api, charts_kinds(), manager="helm")
    api.apply(_class(), field_manager="benchmark")
    cloud.start_controller(layout, tools, account)


def measure(layout: Layout, platform: Platform, service: str) -> Traffic | None:
    """Switches a service of dev `SWITCHES` times under load, then retires the old slot.

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
    done(platform.run("dev", service, Deploy(image(service)), limits=replace(_LIMITS, watch=0.1)))
    with Client(through) as first, Client(new, enter(holder.pid)) as second:
        quiet = time.monotonic() + 1
        time.sleep(QUIET_SECONDS)
        windows: list[tuple[float, float]] = []
        patches: list[tuple[float, str]] = []
        for _ in range(SWITCHES):
            clock, began = PatchClock(platform.api, service), time.monotonic()
            result = done(platform.run("dev", service, Switch(), api=cast("Any", clock), limits=_LIMITS))
            windows.append((began, time.monotonic()))
            patches.append((clock.patched, result.state.live))
        done(platform.run("dev", service, Retire(now=True), limits=_LIMITS))
        time.sleep(PRE_STOP_SECONDS + 3)
        pooled, fresh = first.end(), second.end()
    _print_failures(pooled, fresh)
    patched, live = patches[-1]
    old = [one.answered for one in pooled.answers if slot(one.by) != live and one.answered > patched]
    return Traffic(
        new=max(last_new(fresh.answers, patches)),
        pooled=max(old, default=patched) - patched,
        quiet=_milliseconds(pooled.answers, [(quiet, windows[0][0])]),
        switching=_milliseconds(pooled.answers, windows),
    )


def measure_by_weight(layout: Layout, platform: Platform, service: str) -> ByWeight | None:
    """Switches a service of dev `SWITCHES` times by weight under load; after `measure`, whose route it changes.

    Returns:
        None where there is no network namespace or no HAProxy.
    """
    through, _ = _loads(layout, platform.api, service)
    if through is None:
        return None
    _route_by_weight(platform.api, service, _certificate(layout))
    seen: dict[str, float] = {}

    def weights(state: ServiceState) -> Mapping[str, int] | None:
        found = weights_in_effect(platform.api, state, lambda region: aws.client(layout, "elbv2", region=region))
        if found and found == state.weights and found.get(state.live) == 100:  # noqa: PLR2004 - percent
            seen.setdefault(state.live, time.monotonic())
        return found

    eventually(lambda: weights(platform.seen("dev", service)) is not None, "rules that forward to the slots")
    done(
        platform.run(
            "dev", service, Deploy(image(service), canary=()), limits=replace(_LIMITS, watch=0.1), weights=weights
        )
    )
    patches: list[tuple[float, str]] = []
    delays: list[float] = []
    with Client(through) as client:
        time.sleep(QUIET_SECONDS)
        for _ in range(SWITCHES):
            clock = PatchClock(platform.api, service, "Ingress")
            seen.clear()
            result = done(
                platform.run("dev", service, Switch(), api=cast("Any", clock), limits=_LIMITS, weights=weights)
            )
            patches.append((clock.patched, result.state.live))
            delays.append(seen[result.state.live] - clock.patched)
            time.sleep(QUIET_SECONDS)
        log = client.end()
    _print_failures(log)
    return ByWeight(max(delays), max(last_requests(log.answers, patches)))


def _route_by_weight(api: KubernetesApi, service: str, certificate: str) -> None:
    """Makes a service one with a canary: a Service for each slot, and an action of the Ingress that leads to both."""
    active = api.get("v1", "Service", service, "dev")
    if active is None:
        raise LookupError(service)
    ports = [{key: port[key] for key in ("name", "port", "targetPort")} for port in active["spec"]["ports"]]
    for color in SLOTS:
        spec = {"type": "NodePort", "selector": {**active["spec"]["selector"], labels.SLOT: color}, "ports": ports}
        metadata = {"name": slot_name(service, color), "namespace": "dev"}
        api.apply(
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}, field_manager="benchmark"
        )
    settings = {CANARY: json.dumps({"steps": [50], "secondsPerStep": 0})}
    change = [{"op": "add", "path": "/metadata/annotations", "value": settings}]
    api.json_patch("v1", "PodTemplate", service, change, namespace="dev")
    api.apply(
        _ingress(service, f"{service}.{DOMAIN}", certificate=certificate, by_weight=True), field_manager="benchmark"
    )


def _loads(layout: Layout, api: KubernetesApi, service: str) -> tuple[Load | None, Load]:
    """Gives the service a NodePort, a host and the preStop hook of the program's services.

    Returns:
        The load through the load balancer, None without one; the load on the NodePort.
    """
    lifecycle = {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}}
    spec = "/template/spec"
    change = [
        {"op": "add", "path": f"{spec}/containers/0/lifecycle", "value": lifecycle},
        {"op": "replace", "path": f"{spec}/terminationGracePeriodSeconds", "value": 2 * PRE_STOP_SECONDS},
    ]
    api.json_patch("v1", "PodTemplate", service, change, namespace="dev")
    node_port = [{"op": "replace", "path": "/spec/type", "value": "NodePort"}]
    body = api.json_patch("v1", "Service", service, node_port, namespace="dev")
    host = f"{service}.{DOMAIN}"
    api.apply(_ingress(service, host, certificate=_certificate(layout)), field_manager="benchmark")
    running.start(layout, domain=DOMAIN, region=REGION, report=print)
    door = running.entrance(layout, {"prod": DOMAIN, service: host})
    port = int(body["spec"]["ports"][0]["nodePort"])
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


def _certificate(layout: Layout) -> str:
    """ARN of a certificate for the hosts: a load balancer sends requests on to HTTPS."""
    acm = aws.client(layout, "acm", region=REGION)
    return str(acm.request_certificate(DomainName=f"*.{DOMAIN}", IdempotencyToken="benchmark")["CertificateArn"])


def _ingress(service: str, host: str, *, certificate: str, by_weight: bool = False) -> KubernetesObject:
    backend = {"service": {"name": service, "port": {"name": USE_ANNOTATION if by_weight else "http"}}}
    action = {f"{FORWARD_ACTION}{service}": forward_action(service)} if by_weight else {}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": service,
            "namespace": "dev",
            "annotations": {
                f"{PREFIX}/target-type": "instance",
                f"{PREFIX}/scheme": "internet-facing",
                f"{PREFIX}/listen-ports": LISTEN_PORTS,
                f"{PREFIX}/ssl-redirect": "443",
                f"{PREFIX}/certificate-arn": certificate,
                f"{PREFIX}/target-group-attributes": NO_FAILOVER,
                **action,
            },
        },
        "spec": {"ingressClassName": "public", "rules": [rule]},
    }


def last_new(answers: Iterable[Answer], patches: list[tuple[float, str]]) -> list[float]:
    """For each patch, the seconds until the last new connection to the old slot."""
    return _last([(one.connected, slot(one.by)) for one in answers], patches)


def last_requests(answers: Iterable[Answer], patches: list[tuple[float, str]]) -> list[float]:
    """For each patch, the seconds until the last request that the old slot got."""
    return _last([(one.sent, slot(one.by)) for one in answers], patches)


def _last(events: Sequence[tuple[float, str]], patches: list[tuple[float, str]]) -> list[float]:
    """For each patch, the seconds until the last event at another slot than the one that it made live."""
    ends = [*(patched for patched, _ in patches[1:]), float("inf")]
    return [
        max([at for at, found in events if patched < at < end and found != live], default=patched) - patched
        for (patched, live), end in zip(patches, ends, strict=True)
    ]


def _milliseconds(answers: Iterable[Answer], windows: list[tuple[float, float]]) -> tuple[float, float]:
    latencies = [
        1000 * (one.answered - one.sent) for one in answers if any(begin < one.sent < end for begin, end in windows)
    ]
    return median(latencies), quantiles(latencies, n=1000)[-1]


def _print_failures(*logs: ClientLog) -> None:
    failures = [failure for log in logs for failure in log.failures]
    if failures:
        print(f"{len(failures)} requests failed, the first: {failures[0]}")  # noqa: T201 - such a result is not reliable
