"""A Kubernetes control plane on this machine: etcd, API server, controllers, scheduler, and KWOK for the nodes."""

from __future__ import annotations

from filelock import FileLock

from rehearsal import certificates, kubeconfigs, metrics, ports
from rehearsal.layout import Layout
from rehearsal.processes import ProcessTable, Program
from rehearsal.programs import ControlPlane
from rehearsal.readiness import Probe, Report, wait
from rehearsal.toolchain import Toolchain

START_ORDER = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", metrics.NAME)
"""The programs, each after those that it calls."""

_CLIENTS = ("controller-manager", "scheduler", "kwok")


def start(layout: Layout, toolchain: Toolchain, report: Report) -> None:
    """Starts what does not run of a rehearsal's control plane, and waits until all of it is ready.

    Certificates, ports and etcd's data are those of earlier starts. Writes the administrator's kubeconfig.

    Raises:
        RehearsalError: A program ended or did not get ready, or something else holds one of its ports.
    """
    layout.control_plane.mkdir(parents=True, exist_ok=True)
    with FileLock(layout.control_plane / "lock"):
        plane = ControlPlane(
            directory=layout.control_plane,
            logs=layout.logs,
            toolchain=toolchain,
            certificates=certificates.ensure(layout.control_plane / "pki"),
            ports=ports.ensure(layout.control_plane / "ports.json"),
        )
        _write_kubeconfigs(layout, plane)
        table = ProcessTable(layout.processes)
        for program, listens_on, probes in (*_programs(plane), (metrics.program(layout), (), ())):
            if not table.is_running(program.name):
                for port in listens_on:
                    ports.check_free(port, program=program.name)
                report(f"Starting {program.name}")
                table.start(program)
            for probe in probes:
                wait(probe, program, table=table, trust=plane.certificates, report=report)


def stop(layout: Layout) -> None:
    """Ends a rehearsal's control plane, callers of the API server first. What does not run is no error."""
    if not layout.control_plane.exists():
        return
    with FileLock(layout.control_plane / "lock"):
        table = ProcessTable(layout.processes)
        etcd, api_server, *callers = START_ORDER
        table.stop(callers)
        table.stop([api_server])
        table.stop([etcd])


def _programs(plane: ControlPlane) -> tuple[tuple[Program, tuple[int, ...], tuple[Probe, ...]], ...]:
    """Each program, its ports, and what shows that it is ready, in the order of their start."""
    at = plane.ports
    # The first thing in a new cluster that only a controller makes, and without which no pod is admitted.
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    return (
        (plane.etcd(), (at.etcd, at.etcd_peer), (Probe("etcd", at.etcd, "/health", "etcd"),)),
        (plane.api_server(), (at.api_server,), (Probe("kube-apiserver", at.api_server, "/readyz", "admin"),)),
        (
            plane.controller_manager(),
            (at.controller_manager,),
            (
                Probe("kube-controller-manager", at.controller_manager, "/healthz", "admin"),
                Probe("the controllers' first work", at.api_server, account, "admin"),
            ),
        ),
        (plane.scheduler(), (at.scheduler,), (Probe("kube-scheduler", at.scheduler, "/readyz", "admin"),)),
        (plane.kwok(), (at.kwok,), (Probe("kwok", at.kwok, "/healthz", "admin"),)),
    )


def _write_kubeconfigs(layout: Layout, plane: ControlPlane) -> None:
    """Writes the administrator's kubeconfig, and those of the programs that call the API server."""
    files = {"admin": layout.kubeconfig, **{client: plane.kubeconfig_of(client) for client in _CLIENTS}}
    for client, file in files.items():
        content = kubeconfigs.kubeconfig(
            name=f"rehearsal-{layout.directory.name}",
            server=plane.api_server_url,
            authority=plane.certificates.authority,
            client=plane.certificates.of(client),
        )
        kubeconfigs.write(file, content)
