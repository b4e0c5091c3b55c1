"""Background processes that outlive the command that starts them, recorded in a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

import psutil

from rehearsal.errors import RehearsalError
from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, RUNS_VARIABLE, Layout
from rehearsal.network import host_ports
from rehearsal.network.enter import enter

Report: TypeAlias = Callable[[str], None]
"""Prints one sentence of progress."""

CLOCK_TOLERANCE = 2.0
"""Seconds by which a start time may differ from the recorded one, since system clocks are adjusted."""

# A program starts only once its record is written: if this process is killed before, the shell reads the end of its
# input and exits, and no unrecorded program remains.
_START_WHEN_RECORDED = 'read -r recorded && exec "$@" </dev/null'


@dataclass(frozen=True)
class Probe:
    """A GET request that succeeds with status 200.

    Attributes:
        waits_for: Completes the message "Waiting for …".
        port: Port on loopback.
        path: Path of the URL.
        client: Name of the client certificate for HTTPS; None for HTTP.
    """

    waits_for: str
    port: int
    path: str
    client: str | None


@dataclass(frozen=True)
class Program:
    """A program to start.

    Attributes:
        name: Unique name in its table, e.g. `kube-apiserver`.
        command: Executable and arguments.
        log: File for the output; that of the previous start is kept (`previous`).
        environment: Variables besides those of this process.
        namespace: Id of a process whose network namespace it runs in, or None for the machine's network.
        host_ports: Ports on the machine's loopback that it serves from inside a namespace: it inherits a listening
            socket for each, with the file descriptor in the variable `HOST_PORT_<port>`.
        ports: Loopback ports that it listens on in its own network.
        after: Names of the programs that must be ready before it is started.
        probes: It is ready when they succeed.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str]
    namespace: int | None = None
    host_ports: tuple[int, ...] = ()
    ports: tuple[int, ...] = ()
    after: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()


@dataclass(frozen=True)
class Record:
    """A started program.

    Attributes:
        started: Start time in seconds since 1970; it tells the process from a later one with the same id.
    """

    name: str
    pid: int
    started: float
    namespace: int | None = None


def of_module(
    layout: Layout,
    name: str,
    module: str,
    *arguments: str,
    namespace: int | None,
    before: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Program:
    """A program that is a Python module of this project; it finds its files by `Layout.of_environment`."""
    return Program(
        name,
        (*before, sys.executable, "-m", module, *arguments),
        layout.logs / f"{name}.log",
        {"PYTHONPATH": str(CHECKOUT), DIRECTORY_VARIABLE: str(layout.directory), **(variables or {})},
        namespace,
    )


class ProcessTable:
    """The started programs, in a file of the rehearsal's directory.

    Not safe for concurrent use: callers hold a lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def running(self) -> tuple[Record, ...]:
        """The recorded programs that still run, in the order of their start."""
        return tuple(record for record in self._records() if _process(record) is not None)

    def is_running(self, name: str) -> bool:
        """Whether the recorded program of this name runs."""
        return any(record.name == name for record in self.running())

    def command(self, name: str) -> Sequence[str]:
        """The command line of the recorded program of this name; empty if it does not run."""
        record = next((record for record in self.running() if record.name == name), None)
        return psutil.Process(record.pid).cmdline() if record else ()

    def start(self, program: Program) -> Record:
        """Starts a program in its own session, so that it survives this process and its terminal.

        Raises:
            RehearsalError: A program of this name runs, the executable cannot be run, or a host port is taken.
        """
        others = self.running()
        if any(record.name == program.name for record in others):
            raise RehearsalError(f"{program.name} runs already.", remedy="stop it first.")
        if not os.access(program.command[0], os.X_OK):
            raise RehearsalError(
                f"{program.name} cannot be started: {program.command[0]} is not an executable file.",
                remedy="remove the toolchain's folder that holds it, and run the command again to build it anew.",
            )
        place = () if program.namespace is None else enter(program.namespace)
        mark = {RUNS_VARIABLE: str(self._path.parent)}
        with open_log(program.log) as log, host_ports.listening(program.host_ports, program=program.name) as sockets:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _START_WHEN_RECORDED, program.name, *place, *program.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **program.environment, **mark, **host_ports.variables(sockets)},
                pass_fds=[one.fileno() for one in sockets.values()],
                start_new_session=True,
            )
        with cast("IO[bytes]", child.stdin) as go_ahead:
            started = psutil.Process(child.pid).create_time()
            record = Record(program.name, child.pid, started, program.namespace)
            self._write((*others, record))
            go_ahead.write(b"recorded\n")
        return record

    def stop(self, names: Iterable[str], *, patience: float = 10.0) -> None:
        """Stops programs: sends SIGTERM to all, and SIGKILL to those that still run after `patience` seconds.

        Names that do not run are no error.
        """
        stopped = [record for record in self.running() if record.name in set(names)]
        end([process for record in stopped if (process := _process(record)) is not None], patience)
        self._write(tuple(record for record in self.running() if record not in stopped))

    def _records(self) -> tuple[Record, ...]:
        if not self._path.exists():
            return ()
        return tuple(Record(**entry) for entry in json.loads(self._path.read_text()))

    def _write(self, records: tuple[Record, ...]) -> None:
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        draft.write_text(json.dumps([asdict(record) for record in records], indent=2) + "\n")
        draft.replace(self._path)


def end(processes: Sequence[psutil.Process], patience: float) -> None:
    """Sends SIGTERM to processes, and SIGKILL to those that still run after `patience` seconds."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    stubborn = _running_after(processes, patience)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _running_after(stubborn, patience)


def _running_after(processes: Sequence[psutil.Process], patience: float) -> Sequence[psutil.Process]:
    """Waits for the end of processes, at most `patience` seconds; returns those that still run.

    A zombie has ended: process 1 of a container may collect orphans late, or never.
    """
    deadline, running = time.monotonic() + patience, processes
    while running and time.monotonic() < deadline:
        running = [one for one in psutil.wait_procs(running, timeout=0.02)[1] if _is_alive(one)]
    psutil.wait_procs(processes, timeout=0)  # collects those of this process
    return running


def _is_alive(process: psutil.Process) -> bool:
    """Whether a process has not ended; its first thread is a zombie before the last one has ended."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False


def run_watched(
    command: Sequence[str], check: Callable[[], None], *, seconds: float, output: IO[bytes], **options: Any
) -> int:
    """Runs a command and returns its exit code.

    The command runs in its own session. While it runs, `check` is called every so many seconds; an exception that it
    raises kills the command and all of its child processes. `output` gets standard output and standard error; the
    options are those of `Popen`.
    """
    quiet = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, start_new_session=True, **quiet, **options)
    try:
        while True:
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                check()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def previous(log: Path) -> Path:
    """The log file of the run before: `….previous.log`."""
    return log.with_suffix(".previous.log")


def open_log(log: Path) -> IO[bytes]:
    """Opens a new log file, unbuffered; keeps the old one as that of the run before."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(previous(log))
    return log.open("wb", buffering=0)


def tail(log: Path, *, lines: int = 20) -> str:
    """The last lines of a log file; empty if it does not exist."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _process(record: Record) -> psutil.Process | None:
    """The process of a record; None if it has ended, or another process has its id."""
    try:
        process = psutil.Process(record.pid)
        ours = abs(process.create_time() - record.started) <= CLOCK_TOLERANCE
        return process if ours and _is_alive(process) else None
    except psutil.NoSuchProcess:
        return None
