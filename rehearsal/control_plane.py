"""A Kubernetes control plane on this machine, with KWOK for the nodes and the emulated AWS API."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from filelock import FileLock

from rehearsal import certificates, kwok_stages, ports
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.processes import Probe, ProcessTable, Program
from rehearsal.programs import AWS_ENDPOINT, KUBE_PROXY, KUBELET, POD_SIMULATOR, RELAY, ControlPlane
from rehearsal.readiness import Report, wait
from rehearsal.toolchain import Toolchain

TRAFFIC = (namespace.HOLDER, RELAY, KUBE_PROXY, POD_SIMULATOR, AWS_ENDPOINT, KUBELET)
"""The programs that requests to pods need; the first one holds the network namespace."""

_ENDED_LAST = ("kube-apiserver", "etcd", namespace.HOLDER)


def start(
    layout: Layout, toolchain: Toolchain, report: Report, *, refusal: Callable[[], str | None] | None = None
) -> None:
    """Starts the programs of a rehearsal's control plane that do not run, and waits until they are ready.

    They run in a network namespace, or, where none can be created, in the machine's network: pods then get no traffic,
    and the reason is reported. Certificates, ports and etcd's data are kept between starts. Writes the kubeconfigs.

    Args:
        layout: The rehearsal's files.
        toolchain: The programs.
        report: Progress output.
        refusal: Replaces `namespace.refusal`, for example by a cached result.

    Raises:
        RehearsalError: A program ended or did not become ready, or another program holds one of its ports.
    """
    layout.control_plane.mkdir(parents=True, exist_ok=True)
    with FileLock(layout.control_plane / "lock"):
        table = ProcessTable(layout.processes)
        plane = ControlPlane(
            layout=layout,
            toolchain=toolchain,
            certificates=certificates.ensure(layout.control_plane / "pki"),
            ports=ports.ensure(layout.control_plane / "ports.json"),
            namespace=_network(table, layout, report, refusal or namespace.refusal),
        )
        plane.write_kubeconfigs()
        kwok_stages.write_stages(toolchain.kwok_stages, plane.stages, containers_run=plane.namespace is not None)
        programs = plane.programs()
        _check_ports(table, plane, programs)
        for program in programs:
            if not table.is_running(program.name):
                report(f"Starting {program.name}")
                table.start(program)
            for probe in program.probes:
                wait(probe, program.name, layout, report)


def stop(layout: Layout) -> None:
    """Stops all programs of a rehearsal, clients of the API server first. No error if none runs."""
    if not layout.control_plane.exists():
        return
    with FileLock(layout.control_plane / "lock"):
        table = ProcessTable(layout.processes)
        _end(table, {record.name for record in table.running()})


def has_traffic(layout: Layout) -> bool:
    """Whether requests reach pods: all of `TRAFFIC` runs."""
    return {record.name for record in ProcessTable(layout.processes).running()} >= set(TRAFFIC)


def wait_for_traffic(layout: Layout, report: Report) -> None:
    """Waits until kube-proxy is ready; returns at once without a network namespace, where it does not run.

    Raises:
        RehearsalError: kube-proxy ended or did not become ready.
    """
    if namespace.find_holder(ProcessTable(layout.processes)) is not None:
        port = ports.ensure(layout.control_plane / "ports.json").kube_proxy
        wait(Probe(KUBE_PROXY, port, "/livez", None), KUBE_PROXY, layout, report)


def is_reachable(layout: Layout) -> bool:
    """Whether the API server runs, and the relay to it, if it is in a network namespace."""
    table = ProcessTable(layout.processes)
    server = next((one for one in table.running() if one.name == "kube-apiserver"), None)
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


def _check_ports(table: ProcessTable, plane: ControlPlane, programs: Sequence[Program]) -> None:
    """Checks that the ports of programs that do not run are free.

    Raises:
        RehearsalError: Another program holds a port.
    """
    for program in programs:
        if not table.is_running(program.name if plane.namespace is None else RELAY):
            for port in program.ports:
                ports.check_free(port, program=program.name)
