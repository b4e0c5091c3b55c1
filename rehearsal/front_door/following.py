"""Updates of HAProxy's configuration from ELBv2, without a dropped connection."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from rehearsal import aws, ports
from rehearsal.errors import RehearsalError
from rehearsal.front_door import elbv2, haproxy, health
from rehearsal.layout import Layout
from rehearsal.network import host_ports
from rehearsal.processes import ProcessTable

FRONT_DOOR = "front-door"
"""Name of the HAProxy process in the process table."""

_LOOK = 0.1
"""Seconds between two checks of the journal's size."""

_GATHER = 0.3
"""Seconds without a change before the state is read: the controller changes many objects in a row."""

_GATHER_LONGEST = 3.0

_SIGNATURE = 64
_OURS = re.compile(rb"/(elasticloadbalancing|ec2)/aws4_request")
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html."""

_PAUSE = 1.0
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
        at = ports.ensure(self.layout.control_plane / "ports.json")
        return at.front_door, at.front_door_outside

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
        (folder / health.STATES).write_text(health.states(text, health.ask(folder, "show servers state")))
        if self.configuration.exists() and self.configuration.read_text() == text:
            return False
        draft = self.configuration.with_suffix(".draft")
        draft.write_text(text)
        if refusal := _refusal(self.command(draft), staff, outside):
            raise RehearsalError(
                f"HAProxy refuses what the front door made from the load balancers:\n{refusal}",
                remedy=f"see {draft}; it stays as it was until something changes.",
            )
        draft.replace(self.configuration)
        return True

    def command(self, configuration: Path) -> tuple[str, ...]:
        """HAProxy's command line for a configuration file."""
        return (program() or "haproxy", "-C", str(self.layout.front_door), "-f", str(configuration))


def problem_file(layout: Layout) -> Path:
    """File with the reason why the configuration is out of date; missing if it is not."""
    return layout.front_door / "problem.txt"


def program() -> str | None:
    """Path of HAProxy, or None; Debian has it in /usr/sbin."""
    return shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))


def follow(door: FrontDoor, report: Callable[[str], None]) -> None:
    """Updates HAProxy after each change of the AWS account; does not return.

    If the state has something unsupported, HAProxy keeps its configuration; the reason is in `problem_file`.
    """
    problem, seen = problem_file(door.layout), -1
    while True:
        seen = _next_size(door.layout.aws_journal, seen)
        try:
            changed = door.update()
            problem.unlink(missing_ok=True)
            if changed:
                _reload(door.layout)
                report("The front door follows a change")
        except RehearsalError as error:
            problem.write_text(f"{error}\n")
            report(str(error))
        except (ClientError, BotoCoreError) as error:
            report(f"The account does not answer, or changes meanwhile: {error}")
            time.sleep(_PAUSE)
            seen = -1


def _next_size(journal: Path, seen: int) -> int:
    """Waits for a request to ELBv2 or EC2, and then for a pause of requests; returns the journal's size.

    A negative `seen` waits for the pause only.
    """
    while seen >= 0 and not _concerns(journal, seen, size := _size(journal)):
        seen = size
        time.sleep(_LOOK)
    ends, size = time.monotonic() + _GATHER_LONGEST, -1
    while size != (size := _size(journal)) and time.monotonic() < ends:
        time.sleep(_GATHER)
    return size


def _concerns(journal: Path, begin: int, end: int) -> bool:
    """Whether the journal has a request to ELBv2 or EC2 between two sizes, by its signature."""
    if begin == end:
        return False
    with journal.open("rb") as file:
        file.seek(max(0, begin - _SIGNATURE))  # a line may have been half written
        return _OURS.search(file.read(end - file.tell())) is not None


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _refusal(command: Sequence[str], *variables: str) -> str:
    """Why HAProxy refuses a configuration; empty if it does not. The check needs inherited sockets; any will do."""
    with socket.socket() as stand_in:
        descriptor = str(stand_in.fileno())
        check = subprocess.run(
            [*command, "-c"],
            env={**os.environ, **dict.fromkeys(variables, descriptor)},
            pass_fds=[stand_in.fileno()],
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
