"""Start and URLs of the front door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]
from filelock import FileLock

from rehearsal import ports
from rehearsal.errors import RehearsalError
from rehearsal.front_door import haproxy, health
from rehearsal.front_door.elbv2 import State
from rehearsal.front_door.following import FRONT_DOOR, FrontDoor, problem_file, program
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.processes import ProcessTable, Program, of_module
from rehearsal.readiness import Report

FOLLOWER = "front-door-follower"
"""Name, in the process table, of the process that updates HAProxy's configuration."""


@dataclass(frozen=True)
class Entrance:
    """URLs and problems of the front door.

    Attributes:
        hosts: URL by name of the stack's output `hosts`.
        outside: The same, as an outsider.
        problem: Why HAProxy's configuration is out of date; None if it is not.
        unhealthy: Targets that get no requests, with the reason.
    """

    hosts: Mapping[str, str]
    outside: Mapping[str, str]
    problem: str | None
    unhealthy: Sequence[str] = ()


def start(layout: Layout, *, domain: str, region: str, report: Report) -> None:
    """Starts HAProxy, if it does not run, and restarts its updater; nothing without a network namespace or HAProxy.

    Raises:
        RehearsalError: Another program holds a port of the front door.
    """
    with FileLock(layout.control_plane / "lock"):
        table = ProcessTable(layout.processes)
        network = namespace.find_holder(table)
        if network is None:
            return  # `control_plane.start` has reported it
        if program() is None:
            report("No front door: haproxy cannot be found; install haproxy. All else goes on as ever.")
            return
        door, follower = programs(layout, domain=domain, region=region, network=network.pid)
        # The updater is restarted, as code or domain may have changed.
        table.stop([FOLLOWER])
        if not table.is_running(FRONT_DOOR):
            report(f"Starting {FRONT_DOOR}")
            table.start(door)
        table.start(follower)


def programs(layout: Layout, *, domain: str, region: str, network: int | None) -> tuple[Program, Program]:
    """HAProxy, whose configuration is written first, and its updater; `network` is `Program.namespace` of both."""
    door = FrontDoor(layout, domain, region)
    if not ProcessTable(layout.processes).is_running(FRONT_DOOR):
        try:
            door.update()
        except (RehearsalError, ClientError, BotoCoreError):  # the updater reports it
            door.write(State())
    command = (*door.command(door.configuration), "-W")
    return (
        Program(FRONT_DOOR, command, layout.logs / f"{FRONT_DOOR}.log", {}, network, door.ports),
        of_module(layout, FOLLOWER, "rehearsal.front_door", domain, region, namespace=network),
    )


def entrance(layout: Layout, hosts: Mapping[str, str]) -> Entrance | None:
    """The front door's URLs for the stack's output `hosts`; None if HAProxy does not run."""
    if not ProcessTable(layout.processes).is_running(FRONT_DOOR):
        return None
    at, problem = ports.ensure(layout.control_plane / "ports.json"), problem_file(layout)
    names = {name: haproxy.local(host, hosts["prod"]) for name, host in hosts.items()}
    return Entrance(
        hosts={name: f"http://{host}:{at.front_door}" for name, host in names.items() if host},
        outside={name: f"http://{host}:{at.front_door_outside}" for name, host in names.items() if host},
        problem=problem.read_text().strip() if problem.exists() else None,
        unhealthy=health.unhealthy(layout.front_door),
    )
