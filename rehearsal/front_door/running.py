"""The front door's processes: HAProxy, and the updater of its configuration, without a dropped connection."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]
from filelock import FileLock

from rehearsal import aws, ports
from rehearsal.errors import RehearsalError
from rehearsal.front_door import elbv2, haproxy
from rehearsal.layout import Layout
from rehearsal.network import host_ports, namespace
from rehearsal.network.enter import search_path
from rehearsal.processes import ProcessTable, Program, Report, of_module

FRONT_DOOR = "front-door"
"""Name of the HAProxy process in the process table."""

FOLLOWER = "front-door-follower"
"""Name, in the process table, of the process that updates HAProxy's configuration."""

_POLL = 0.1
"""Seconds between two checks of the journal's size."""

_QUIET = 0.3
"""Seconds without a change before the state is read: the controller changes many objects in a row."""

_QUIET_LONGEST = 3.0

_RETRY = 1.0
"""Seconds between retries after a failed API call."""


@dataclass(frozen=True)
class FrontDoor:
    """HAProxy's configuration for a stack's domain and region."""

    layout: Layout
    domain: str
    region: str

    @property
    def configuration(self) -> Path:
        """HAProxy's configuration file."""
        return self.layout.front_door / "haproxy.cfg"

    @property
    def ports(self) -> tuple[int, int]:
        """Ports on this machine's loopback: one keeps the source address, one replaces it by `OUTSIDE`."""
        chosen = ports.ensure(self.layout.control_plane / "ports.json")
        return chosen.front_door, chosen.front_door_outside

    def update(self) -> bool:
        """Writes the configuration for the current state of ELBv2; returns whether it changed.

        Raises:
            RehearsalError: The state has something unsupported, or HAProxy refuses the configuration.
            ClientError, BotoCoreError: The AWS API failed.
        """
        clients = (aws.client(self.layout, name, region=self.region) for name in ("elbv2", "ec2"))
        return self.write(elbv2.read(*clients))

    def write(self, state: elbv2.State) -> bool:
        """Writes the configuration for a state, after HAProxy has checked it; returns whether it changed."""
        staff, outside = map(host_ports.variable, self.ports)
        text = haproxy.configuration(state, domain=self.domain, staff=staff, outside=outside)
        folder = self.layout.front_door
        folder.mkdir(parents=True, exist_ok=True)
        (folder / haproxy.STATES).write_text(haproxy.states(text, haproxy.ask(folder, "show servers state")))
        if self.configuration.exists() and self.configuration.read_text() == text:
            return False
        draft = self.configuration.with_suffix(".draft")
        draft.write_text(text)
        if refusal := _refusal(self.command(draft), staff, outside):
            raise RehearsalError(
                f"HAProxy refuses the configuration for the load balancers:\n{refusal}",
                remedy=f"see {draft}; HAProxy keeps its configuration until something changes.",
            )
        draft.replace(self.configuration)
        return True

    def command(self, configuration: Path) -> tuple[str, ...]:
        """HAProxy's command line for a configuration file."""
        return (program() or "haproxy", "-C", str(self.layout.front_door), "-f", str(configuration))


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


def program() -> str | None:
    """Path of HAProxy, or None; Debian has it in /usr/sbin."""
    return shutil.which("haproxy", path=search_path())


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
            report("There is no front door: haproxy cannot be found; install haproxy. Everything else works.")
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
            door.write(elbv2.State())
    command = (*door.command(door.configuration), "-W")
    return (
        Program(FRONT_DOOR, command, layout.logs / f"{FRONT_DOOR}.log", {}, network, door.ports),
        of_module(layout, FOLLOWER, "rehearsal.front_door.running", domain, region, namespace=network),
    )


def entrance(layout: Layout, hosts: Mapping[str, str]) -> Entrance | None:
    """The front door's URLs for the stack's output `hosts`; None if HAProxy does not run."""
    if not ProcessTable(layout.processes).is_running(FRONT_DOOR):
        return None
    staff, outside = FrontDoor(layout, hosts["prod"], region="").ports
    problem = _problem_file(layout)
    names = {name: local for name, host in hosts.items() if (local := haproxy.local(host, hosts["prod"]))}
    return Entrance(
        hosts={name: f"http://{host}:{staff}" for name, host in names.items()},
        outside={name: f"http://{host}:{outside}" for name, host in names.items()},
        problem=problem.read_text().strip() if problem.exists() else None,
        unhealthy=haproxy.unhealthy(layout.front_door),
    )


def follow(door: FrontDoor, report: Callable[[str], None]) -> None:
    """Updates HAProxy after each change of the AWS account; does not return.

    If the state has something unsupported, HAProxy keeps its configuration, and `Entrance.problem` has the reason.
    """
    problem, size = _problem_file(door.layout), -1
    while True:
        size = _next_size(door.layout.aws_journal, size)
        try:
            changed = door.update()
            problem.unlink(missing_ok=True)
            if changed:
                _reload(door.layout)
                report("HAProxy has a new configuration")
        except RehearsalError as error:
            problem.write_text(f"{error}\n")
            report(str(error))
        except (ClientError, BotoCoreError) as error:
            report(f"The AWS API does not answer, or an object was deleted meanwhile: {error}")
            time.sleep(_RETRY)
            size = -1


def _problem_file(layout: Layout) -> Path:
    """File with the reason why the configuration is out of date; missing if it is not."""
    return layout.front_door / "problem.txt"


def _next_size(journal: Path, size: int) -> int:
    """Waits until the journal's size differs from `size`, and then until it stays the same; returns the new size."""
    while (grown := _size(journal)) == size:
        time.sleep(_POLL)
    latest = time.monotonic() + _QUIET_LONGEST
    while grown != size and time.monotonic() < latest:
        time.sleep(_QUIET)
        size, grown = grown, _size(journal)
    return grown


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _refusal(command: Sequence[str], *variables: str) -> str:
    """Why HAProxy refuses a configuration; empty if it does not. The check needs inherited sockets; any will do."""
    with socket.socket() as inherited:
        descriptor = str(inherited.fileno())
        check = subprocess.run(
            [*command, "-c"],
            env={**os.environ, **dict.fromkeys(variables, descriptor)},
            pass_fds=[inherited.fileno()],
            capture_output=True,
            text=True,
            check=False,
        )
    return check.stderr.strip() or "without a reason" if check.returncode else ""


def _reload(layout: Layout) -> None:
    """Replaces HAProxy's worker; the old one ends when its connections have ended.

    https://docs.haproxy.org/2.6/management.html#4
    """
    for record in ProcessTable(layout.processes).running():
        if record.name == FRONT_DOOR:
            os.kill(record.pid, signal.SIGUSR2)


if __name__ == "__main__":
    follow(FrontDoor(Layout.of_environment(), *sys.argv[1:]), report=partial(print, flush=True))
