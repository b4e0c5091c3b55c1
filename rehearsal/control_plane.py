"""A Kubernetes control plane on this machine, with KWOK for the nodes and the emulated AWS API."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
from filelock import FileLock

from rehearsal import certificates, kwok_stages, ports, toolchain
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.ports import LOOPBACK
from rehearsal.processes import Probe, ProcessTable, Program, Report, tail
from rehearsal.programs import (
    API_SERVER,
    AWS_ENDPOINT,
    CONTROLLER_MANAGER,
    ETCD,
    EVERY_NODE,
    KUBE_PROXY,
    KUBELET,
    KWOK,
    POD_SIMULATOR,
    RELAY,
    ControlPlane,
    free_block,
)
from rehearsal.toolchain import Toolchain
from rehearsal.toolchain.tools import KUBERNETES

TRAFFIC = (namespace.HOLDER, RELAY, KUBE_PROXY, POD_SIMULATOR, AWS_ENDPOINT, KUBELET)
"""The programs that requests to pods need; the first one holds the network namespace."""

PATIENCE = 180.0
"""Seconds in which a program must become ready. The slowest takes 40 on two busy cores."""

_REPORT_EVERY = 10.0
_PAUSE = 0.1

_ENDED_LAST = (API_SERVER, ETCD, namespace.HOLDER)


def start(layout: Layout, tools: Toolchain, report: Report, *, refusal: Callable[[], str | None] | None = None) -> None:
    """Starts the programs of a rehearsal's control plane that do not run, and waits until they are ready.

    They run in a network namespace, or, where none can be created, in the machine's network: pods then get no traffic,
    and the reason is reported. Certificates, ports and etcd's data are kept between starts. Writes the kubeconfigs.
    `refusal` replaces `namespace.refusal`, for example by a cached result.

    Raises:
        RehearsalError: A program ended or did not become ready, or another program holds one of its ports.
    """
    layout.control_plane.mkdir(parents=True, exist_ok=True)
    with FileLock(layout.control_plane / "lock"):
        table = ProcessTable(layout.processes)
        plane = ControlPlane(
            layout=layout,
            toolchain=tools,
            certificates=certificates.ensure(layout.control_plane / "pki"),
            ports=ports.ensure(layout.control_plane / "ports.json"),
            namespace=_network(table, layout, report, refusal or namespace.refusal),
        )
        plane.write_kubeconfigs()
        kwok_stages.write_stages(tools.kwok_stages, plane.stages, containers_run=plane.namespace is not None)
        programs = {program.name: program for program in plane.programs()}
        _check_ports(table, plane, tuple(programs.values()))

        @functools.cache
        def wait_until_ready(name: str) -> None:
            for probe in programs[name].probes:
                _wait(probe, name, layout, report)

        for name, program in programs.items():
            if not table.is_running(name):
                for other in program.after:
                    wait_until_ready(other)
                report(f"Starting {name}")
                if name == KWOK:
                    program = replace(program, command=(*program.command, f"--cidr={free_block(_addresses(plane))}"))  # noqa: PLW2901
                alone = name == KUBE_PROXY and not table.is_running(CONTROLLER_MANAGER)
                with _node_of_kube_proxy(plane) if alone else nullcontext():
                    table.start(program)
                    if alone:
                        wait_until_ready(name)
        for name in programs:
            wait_until_ready(name)


def stop(layout: Layout) -> None:
    """Stops all programs of a rehearsal, clients of the API server first. No error if none runs."""
    if not layout.control_plane.exists():
        return
    with FileLock(layout.control_plane / "lock"):
        table = ProcessTable(layout.processes)
        _end(table, {record.name for record in table.running()})


def versions(layout: Layout, names: Sequence[str]) -> dict[str, str]:
    """The minor version, e.g. `1.36`, of each of these programs of Kubernetes that runs: `GoTool.key` has it."""
    table = ProcessTable(layout.processes)
    found = {name: re.search(r"/kubernetes-(\d+\.\d+)\.", " ".join(table.command(name))) for name in names}
    return {name: match[1] for name, match in found.items() if match}


def bring_version(layout: Layout, version: str | None, names: Sequence[str]) -> None:
    """Has programs of Kubernetes run in a minor version, as EKS upgrades them; without one in the newest, as on EKS.

    Raises:
        RehearsalError: Another one runs, and the toolchain, from which alone they can be started, has another, too.
    """
    offered = ".".join(KUBERNETES.version.split(".")[:2])
    wanted, running = version or offered, versions(layout, names)
    if set(running.values()) <= {wanted}:
        return
    tools = toolchain.find()
    if tools is None or wanted != offered:
        raise RehearsalError(
            f"Kubernetes {wanted} is asked for; this rehearsal can start {offered}, and runs {running}",
            remedy="take that version in `versions.py`, or build another: rehearsal/toolchain/go/shared/go.mod.",
        )
    with FileLock(layout.control_plane / "lock"):
        _end(ProcessTable(layout.processes), {*running})
    start(layout, tools, lambda _: None)


def has_traffic(layout: Layout) -> bool:
    """Whether requests reach pods: all of `TRAFFIC` runs."""
    return {record.name for record in ProcessTable(layout.processes).running()} >= set(TRAFFIC)


def is_reachable(layout: Layout) -> bool:
    """Whether the API server runs, and the relay to it, if it is in a network namespace."""
    table = ProcessTable(layout.processes)
    server = next((one for one in table.running() if one.name == API_SERVER), None)
    return server is not None and (server.namespace is None or table.is_running(RELAY))


def _end(table: ProcessTable, names: set[str]) -> None:
    table.stop(names - {*_ENDED_LAST})
    for name in _ENDED_LAST:
        table.stop(names & {name})


def _network(table: ProcessTable, layout: Layout, report: Report, refusal: Callable[[], str | None]) -> int | None:
    """Id of the process that holds the network namespace, created if missing; stops programs in any other network."""
    holder = namespace.find_holder(table)
    if holder is None:
        if (reason := refusal()) is None:
            report(f"Starting {namespace.HOLDER}")
            holder = namespace.make(table, layout.logs)
        else:
            report(f"No traffic in this rehearsal: {reason}. Everything else works.")
    inside = holder.pid if holder else None
    _end(table, {record.name for record in table.running() if record.namespace != inside} - {namespace.HOLDER})
    return inside


@contextmanager
def _node_of_kube_proxy(plane: ControlPlane) -> Generator[None]:
    """A Node for kube-proxy to find, which otherwise looks for it for 30 s before it begins.

    Only while nothing else watches nodes. One of the cluster's would not do: kube-proxy would prefer its zone. Its
    deletion does not end kube-proxy: https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/node.go
    """
    url = f"https://{LOOPBACK}:{plane.ports.api_server}/api/v1/nodes"
    addresses = [{"type": "InternalIP", "address": namespace.OWN_ADDRESS}]
    node = {"metadata": {"name": EVERY_NODE}, "status": {"addresses": addresses}}
    with plane.certificates.caller("admin") as pool:
        pool.request("POST", url, json=node, timeout=5)
        try:
            yield
        finally:
            pool.request("DELETE", f"{url}/{EVERY_NODE}", timeout=5)


def _addresses(plane: ControlPlane) -> list[str]:
    """The addresses of all pods. KWOK would give those again that it gave before it was ended.

    It knows an address only of pods whose status it has written:
    https://github.com/kubernetes-sigs/kwok/blob/v0.8.0/pkg/kwok/controllers/pod_controller.go (`markPodIP`)
    """
    with plane.certificates.caller("admin") as pool:
        answer = pool.request("GET", f"https://{LOOPBACK}:{plane.ports.api_server}/api/v1/pods", timeout=30)
    pods: list[dict[str, Any]] = answer.json()["items"]
    return [str(pod["status"]["podIP"]) for pod in pods if pod["status"].get("podIP")]


def _check_ports(table: ProcessTable, plane: ControlPlane, programs: Sequence[Program]) -> None:
    """Checks that the ports of programs that do not run are free."""
    for program in programs:
        if not table.is_running(program.name if plane.namespace is None else RELAY):
            for port in program.ports:
                ports.check_free(port, program=program.name)


def _wait(probe: Probe, program: str, layout: Layout, report: Report) -> None:
    """Waits until a program's probe succeeds.

    Raises:
        RehearsalError: The program ended, or took longer than `PATIENCE`; the message has the end of its log.
    """
    table, log = ProcessTable(layout.processes), layout.logs / f"{program}.log"
    trust = certificates.ensure(layout.control_plane / "pki")
    began = reported = time.monotonic()
    with trust.caller(probe.client) if probe.client else urllib3.PoolManager() as pool:
        while (problem := _problem(probe, pool)) is not None:
            now = time.monotonic()
            if now - reported > _REPORT_EVERY:
                report(f"Waiting for {probe.waits_for} ({now - began:.0f} s): {problem}")
                reported = now
            if not table.is_running(program):
                raise _failure(f"{program} ended while waiting for {probe.waits_for}.", log)
            if now - began > PATIENCE:
                raise _failure(f"Gave up waiting for {probe.waits_for} after {PATIENCE:.0f} s: {problem}.", log)
            time.sleep(_PAUSE)


def _problem(probe: Probe, pool: urllib3.PoolManager) -> str | None:
    """Why the probe fails; None if it succeeds."""
    url = f"http{'s' if probe.client else ''}://{LOOPBACK}:{probe.port}{probe.path}"
    try:
        status = pool.request("GET", url, timeout=5, retries=False).status
    except urllib3.exceptions.HTTPError as error:
        return str(error)
    return None if status == HTTPStatus.OK else f"it answers {probe.path} with HTTP {status}"


def _failure(problem: str, log: Path) -> RehearsalError:
    return RehearsalError(
        f"{problem} The end of {log}:\n{tail(log)}",
        remedy="read the lines above; the command can be run again, and starts what does not run.",
    )
