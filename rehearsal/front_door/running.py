"""Starting the front door, and where it is."""

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
"""The name among the rehearsal's processes of what keeps HAProxy up to date."""


@dataclass(frozen=True)
class Entrance:
    """Where a person opens the hosts in a browser.

    Attributes:
        hosts: URL of each host, by the names of the stack's output `hosts`.
        outside: The same for somebody who is not of the staff.
        problem: Why the front door does not do what ELBv2 says; None if it does.
        unhealthy: Targets that get no request, and why.
    """

    hosts: Mapping[str, str]
    outside: Mapping[str, str]
    problem: str | None
    unhealthy: Sequence[str] = ()


def start(layout: Layout, *, domain: str, region: str, report: Report) -> None:
    """Starts what does not run of it; where there is no network namespace or no HAProxy, it starts nothing.

    Raises:
        RehearsalError: Something else holds its ports.
    """
    with FileLock(layout.control_plane / "lock"):
        table = ProcessTable(layout.processes)
        network = namespace.find_holder(table)
        if network is None:
            return  # the control plane has said so
        if program() is None:
            report("No front door: haproxy cannot be found; install haproxy. All else goes on as ever.")
            return
        door, follower = programs(layout, domain=domain, region=region, network=network.pid)
        # HAProxy stays; what tells it of changes may be of another version of this project, or know another domain.
        table.stop([FOLLOWER])
        if not table.is_running(FRONT_DOOR):
            report(f"Starting {FRONT_DOOR}")
            table.start(door)
        table.start(follower)


def programs(layout: Layout, *, domain: str, region: str, network: int | None) -> tuple[Program, Program]:
    """HAProxy, with its configuration in place, and what keeps it up to date; `network` as `Program`'s `namespace`."""
    door = FrontDoor(layout, domain, region)
    if not ProcessTable(layout.processes).is_running(FRONT_DOOR):
        try:
            door.update()
        except (RehearsalError, ClientError, BotoCoreError):  # the follower says why
            door.write(State())
    command = (*door.command(door.configuration), "-W")
    return (
        Program(FRONT_DOOR, command, layout.logs / f"{FRONT_DOOR}.log", {}, network, door.ports),
        of_module(layout, FOLLOWER, "rehearsal.front_door", domain, region, namespace=network),
    )


def entrance(layout: Layout, hosts: Mapping[str, str]) -> Entrance | None:
    """Where the hosts of the stack's outputs are, prod's being the domain; None where there is no front door."""
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
