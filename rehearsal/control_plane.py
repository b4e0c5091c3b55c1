"""A Kubernetes control plane on this machine: etcd, API server, controllers, scheduler, and KWOK for the nodes."""

from __future__ import annotations

from typing import TypeAlias

from filelock import FileLock

from rehearsal import aws, certificates, kubeconfigs, kubelet, kubelets, metrics, ports, responder
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.processes import ProcessTable, Program
from rehearsal.programs import ControlPlane
from rehearsal.readiness import Probe, Report, wait
from rehearsal.stand_ins import volumes
from rehearsal.toolchain import Toolchain

START_ORDER = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
    metrics.NAME,
    volumes.NAME,
    responder.NAME,
    aws.NAME,
)
"""The programs of Kubernetes, and those that do what containers would, each after those that it calls."""

NETWORK = (namespace.HOLDER, "relay")
"""The programs that make their network and the way into it, where there is one."""

TRAFFIC = ("kube-proxy", aws.ENDPOINT, kubelet.NAME)
"""The programs that bring requests to pods, are AWS as pods find it, and run containers, where there is a network."""

_CLIENTS = ("controller-manager", "scheduler", "kwok", "kube-proxy", "kubelet")

Started: TypeAlias = tuple[Program, dict[int, str], tuple[Probe, ...]]
"""A program, the ports that it takes of this machine (with who listens there in the end), what shows it is ready."""


def start(layout: Layout, toolchain: Toolchain, report: Report) -> None:
    """Starts what does not run of a rehearsal's control plane, and waits until all of it is ready.

    It runs in a network namespace, or in this machine's network where none can be had: then there is no traffic, and
    the reason is reported. Certificates, ports and etcd's data are those of earlier starts. Writes the administrator's
    kubeconfig.

    Raises:
        RehearsalError: A program ended or did not get ready, or something else holds one of its ports.
    """
    layout.control_plane.mkdir(parents=True, exist_ok=True)
    with FileLock(layout.control_plane / "lock"):
        table = ProcessTable(layout.processes)
        plane = ControlPlane(
            directory=layout.control_plane,
            logs=layout.logs,
            toolchain=toolchain,
            certificates=certificates.ensure(layout.control_plane / "pki"),
            ports=ports.ensure(layout.control_plane / "ports.json"),
            namespace=_network(table, layout, report),
        )
        _write_kubeconfigs(layout, plane)
        kubelets.write_stages(toolchain.kwok_stages, plane.stages, containers_run=plane.namespace is not None)
        for program, listens_on, probes in (
            *_programs(plane),
            *_companions(layout, plane),
            _account(layout, plane),
            *_traffic(layout, plane),
        ):
            if not table.is_running(program.name):
                for port, listener in listens_on.items():
                    ports.check_free(port, program=listener)
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
        _end(table, {record.name for record in table.running()})


def has_traffic(layout: Layout) -> bool:
    """Whether requests reach pods: there is a network for it, and what it takes runs."""
    table = ProcessTable(layout.processes)
    return all(table.is_running(name) for name in (*NETWORK, *TRAFFIC))


def wait_for_traffic(layout: Layout, report: Report) -> None:
    """Returns when requests reach pods, or at once where no network for it could be had.

    Raises:
        RehearsalError: kube-proxy ended or did not get ready.
    """
    table = ProcessTable(layout.processes)
    if namespace.find_holder(table) is None:
        return
    at = ports.ensure(layout.control_plane / "ports.json")
    proxy = Program("kube-proxy", (), layout.logs / "kube-proxy.log", {})
    probe = Probe("kube-proxy", at.kube_proxy, "/livez", None)
    trust = certificates.ensure(layout.control_plane / "pki")
    wait(probe, proxy, table=table, trust=trust, report=report)


def is_reachable(layout: Layout) -> bool:
    """Whether the API server runs, and what leads to it, if that is another network."""
    server = next((one for one in ProcessTable(layout.processes).running() if one.name == "kube-apiserver"), None)
    return server is not None and (server.namespace is None or ProcessTable(layout.processes).is_running("relay"))


def _end(table: ProcessTable, names: set[str]) -> None:
    etcd, api_server = START_ORDER[:2]
    table.stop(names - {etcd, api_server, namespace.HOLDER})
    table.stop(names & {api_server})
    table.stop(names & {etcd})
    table.stop(names & {namespace.HOLDER})


def _network(table: ProcessTable, layout: Layout, report: Report) -> int | None:
    """Whose network namespace to start programs in; what runs in another network, or in one that is gone, is ended."""
    holder = namespace.find_holder(table)
    if holder is None:
        reason = namespace.refusal()
        if reason is None:
            report(f"Starting {namespace.HOLDER}")
            holder = namespace.make(table, layout.logs)
        else:
            report(f"No traffic in this rehearsal: {reason}. All else goes on as ever.")
    inside = holder.pid if holder else None
    _end(table, {record.name for record in table.running() if record.namespace != inside} - {namespace.HOLDER})
    return inside


def _programs(plane: ControlPlane) -> tuple[Started, ...]:
    """What Kubernetes runs, in the order of starting."""
    at = plane.ports
    # The first thing in a new cluster that only a controller makes, and without which no pod is admitted.
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    kubernetes = (
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
    if plane.namespace is None:
        return tuple((one, dict.fromkeys(at, one.name), probes) for one, at, probes in kubernetes)
    taken = {port: program.name for program, listens_on, _ in kubernetes for port in listens_on}
    nothing: dict[int, str] = {}
    inside = ((program, nothing, probes) for program, _, probes in kubernetes)
    return ((plane.relay(), {**taken, at.kube_proxy: "kube-proxy", at.aws: aws.NAME}, ()), *inside)


def _traffic(layout: Layout, plane: ControlPlane) -> tuple[Started, ...]:
    """What brings requests to pods. Nobody waits for it here: kube-proxy takes half a minute (`wait_for_traffic`)."""
    if plane.namespace is None:
        return ()
    return (
        (plane.kube_proxy(), {}, ()),
        (aws.endpoint(layout, plane.namespace), {}, ()),
        (kubelet.program(layout, plane.toolchain, plane.namespace), {}, ()),
    )


def _account(layout: Layout, plane: ControlPlane) -> Started:
    """The AWS account's API."""
    port = plane.ports.aws
    listens_on = {port: aws.NAME} if plane.namespace is None else {}
    return aws.program(layout, plane.namespace), listens_on, (Probe("the AWS API", port, aws.HEALTH, None),)


def _companions(layout: Layout, plane: ControlPlane) -> tuple[Started, ...]:
    """What does the work of containers that do not run. Nobody waits for it."""
    beside = (metrics.program(layout, plane.namespace), volumes.program(layout, plane.namespace))
    nobodys: dict[int, str] = {}
    unawaited = tuple((one, nobodys, ()) for one in beside)
    if plane.namespace is not None:
        return (*unawaited, (responder.program(layout, plane.namespace), nobodys, ()))
    port = plane.ports.responder
    return (*unawaited, (responder.program(layout, None, by_name=port), {port: responder.NAME}, ()))


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
