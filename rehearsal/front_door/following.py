"""Keeps HAProxy as ELBv2 says, without dropping a connection."""

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
"""HAProxy's name among the rehearsal's processes."""

_LOOK = 0.1
"""Seconds between two looks at the journal's size."""

_GATHER = 0.3
"""Seconds without a change after which the state is read: the controller changes many objects at once."""

_GATHER_LONGEST = 3.0

_SIGNATURE = 64
_OURS = re.compile(rb"/(elasticloadbalancing|ec2)/aws4_request")
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html."""

_PAUSE = 1.0
"""Seconds before an API that did not answer is asked again."""


@dataclass(frozen=True)
class FrontDoor:
    """What HAProxy is told, and where it is written, for a stack's domain and region."""

    layout: Layout
    domain: str
    region: str

    @property
    def configuration(self) -> Path:
        """HAProxy's."""
        return self.layout.front_door / "haproxy.cfg"

    @property
    def ports(self) -> tuple[int, int]:
        """Ports of this machine's loopback: for who comes from where he says, and for who comes from outside."""
        at = ports.ensure(self.layout.control_plane / "ports.json")
        return at.front_door, at.front_door_outside

    def update(self) -> bool:
        """Writes what ELBv2 says now; says whether it is another configuration than before.

        Raises:
            RehearsalError: ELBv2 says what is not understood, or HAProxy refuses it.
            ClientError, BotoCoreError: The account cannot be read.
        """
        clients = (aws.client(self.layout, name, region=self.region) for name in ("elbv2", "ec2"))
        return self.write(elbv2.read(*clients))

    def write(self, state: elbv2.State) -> bool:
        """Writes the configuration for a state, once HAProxy has agreed to it, as `update` does."""
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
        """HAProxy with a configuration, in the folder of its other files."""
        return (program() or "haproxy", "-C", str(self.layout.front_door), "-f", str(configuration))


def problem_file(layout: Layout) -> Path:
    """Why the configuration does not say what ELBv2 does; not there if it does."""
    return layout.front_door / "problem.txt"


def program() -> str | None:
    """Where HAProxy is; Debian has it where only administrators look."""
    return shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))


def follow(door: FrontDoor, report: Callable[[str], None]) -> None:
    """Brings HAProxy up to date with each change of the account; does not return.

    What cannot be done is reported, and written into the file for it; HAProxy then stays as it is.
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
    """Waits for a change beyond the size that was seen, and then until there is no other, or for a while."""
    while seen >= 0 and not _concerns(journal, seen, size := _size(journal)):
        seen = size
        time.sleep(_LOOK)
    ends, size = time.monotonic() + _GATHER_LONGEST, -1
    while size != (size := _size(journal)) and time.monotonic() < ends:
        time.sleep(_GATHER)
    return size


def _concerns(journal: Path, begin: int, end: int) -> bool:
    """Whether one of the requests between two sizes is for ELBv2 or EC2, as its signature says."""
    if begin == end:
        return False
    with journal.open("rb") as file:
        file.seek(max(0, begin - _SIGNATURE))  # a line may have been written by halves
        return _OURS.search(file.read(end - file.tell())) is not None


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _refusal(command: Sequence[str], *variables: str) -> str:
    """What HAProxy has against a configuration; empty if nothing. It looks at what it inherits: any socket will do."""
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
    """A new worker accepts from the same sockets; the old one ends when its connections have.

    https://docs.haproxy.org/2.6/management.html#4
    """
    for record in ProcessTable(layout.processes).running():
        if record.name == FRONT_DOOR:
            os.kill(record.pid, signal.SIGUSR2)
