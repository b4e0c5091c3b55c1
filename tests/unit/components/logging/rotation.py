"""Counts lines that Fluentd loses or doubles while a kubelet rotates the file, with the configuration of the platform.

`python -m tests.unit.components.logging.rotation /path/to/fluentd` prints the table of `docs/logs.md`.

The file is rotated as by the kubelet, and Fluentd has its own HTTP output in place of Elasticsearch's, with the same
buffer. https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/logs/container_log_manager.go
"""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from components.logging.fluentd.syntax import Section, section
from tests.unit.components.logging import real_fluentd
from tests.unit.components.logging.fluentd_grammar import parse
from tests.unit.components.logging.golden_lines import TEXT, UID

MIB = 2**20
MAX_FILES = 5
"""`containerLogMaxFiles`, its default."""

PADDING = "GET /orders/4711 200 in 12 ms for a customer who has 3 items in the basket and pays by card, as last time; "

MONITOR_SECONDS = 10.0
"""`containerLogMonitorInterval`, its default: a kubelet rotates no file twice within it.

https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""


@dataclass
class Container:
    """A container's log file, written and rotated as on a node.

    Attributes:
        folder: Its directory below `/var/log/pods`.
        line_bytes: Length of a line in the file, such as that of a log line in JSON.
        written: How many lines it has written.
    """

    folder: Path
    line_bytes: int = 1024
    written: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self._file = (self.folder / "0.log").open("ab")

    def write(self, mib: float) -> None:
        """Writes so many MiB of numbered lines at once."""
        end = self._file.tell() + mib * MIB
        while self._file.tell() < end:
            self._file.write(b"".join(self.line(self.written + ahead) for ahead in range(1, 101)))
            self.written += 100
        self._file.flush()

    def line(self, number: int) -> bytes:
        """A line, in CRI format; all of them are of one length."""
        start = f"2026-11-23T10:00:00.{number:09}+09:00 stdout F INFO line={number:09} "
        return f"{start}{PADDING * (self.line_bytes // len(PADDING))}"[: self.line_bytes - 1].encode() + b"\n"

    def rotate(self) -> None:
        """Compresses what was rotated before, keeps `MAX_FILES`, renames the current file and opens a new one."""
        for path in self.folder.glob("0.log.*[0-9]"):
            temporary = Path(f"{path}.tmp")
            temporary.write_bytes(gzip.compress(path.read_bytes(), compresslevel=1))
            temporary.rename(f"{path}.gz")
            path.unlink()
        for path in sorted(self.folder.glob("0.log.*"))[: -(MAX_FILES - 2) or None]:
            path.unlink()
        self._file.close()
        (self.folder / "0.log").rename(self.folder / time.strftime("0.log.%Y%m%d-%H%M%S", time.gmtime()))
        self._file = (self.folder / "0.log").open("ab")


@dataclass
class Receiver:
    """An HTTP server that counts the lines it receives; while `down`, it answers 503."""

    down: bool = False
    received: Counter[int] = field(default_factory=Counter[int])
    lost_bytes: int = 0

    def __post_init__(self) -> None:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not receiver.down:
                    receiver.take(json.loads(body))
                self.send_response(503 if receiver.down else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, events: list[dict[str, Any]]) -> None:
        """Counts the lines of a request, and the bytes that Fluentd says are lost."""
        for event in events:
            self.lost_bytes += event.get("lost_bytes", 0)
            self.received.update(int(number) for number in re.findall(r"line=(\d+)", str(event["message"])))

    def close(self) -> None:
        """Ends the server."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Node:
    """A node with one container and Fluentd.

    Attributes:
        program: Path of `fluentd`.
        folder: The node's file system, an empty directory.
        buffer_mib: Size limit of the buffer.
        configured: Parameters of the input that differ from the platform's.
    """

    program: str
    folder: Path
    buffer_mib: int = 1024
    configured: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self.container = Container(self.folder / real_fluentd.PODS / f"dev_api-blue-0_{UID}" / "api")
        self.receiver = Receiver()
        self._config = self.folder / "fluent.conf"
        parts = real_fluentd.changed(parse(TEXT), self.folder)
        self._config.write_text("\n".join(self._with_http(part).text for part in parts), encoding="utf-8")
        self._running: subprocess.Popen[bytes] | None = None

    def _with_http(self, part: Section) -> Section:
        if part.parameters.get("@type") == "tail":
            paths = {name: one.replace("/var/log", f"{self.folder}/var/log") for name, one in self.configured.items()}
            return replace(part, parameters={**part.parameters, **paths})
        if part.name == "label":
            return replace(part, sections=[self._with_http(one) for one in part.sections])
        if part.parameters.get("@type") != "file":
            return part
        name = part.parameters["path"].rpartition("/events-")[2]
        (buffer,) = [one for one in _sections_of_output(name) if one.name == "buffer"]
        http_output = {
            "@type": "http",
            "endpoint": f"http://127.0.0.1:{self.receiver.port}/",
            "json_array": "true",
            "retryable_response_codes": "503",
            "error_response_as_unrecoverable": "false",
        }
        limits = {
            "path": f"{self.folder}/buffer/{name}",
            "total_limit_size": f"{self.buffer_mib}m",
            "flush_interval": "1s",
            "retry_max_interval": "2s",
        }
        return replace(
            part,
            parameters=http_output,
            sections=[
                section("format", {"@type": "json"}),
                replace(buffer, parameters={**buffer.parameters, **limits}),
            ],
        )

    def start(self) -> None:
        """Starts Fluentd, and waits until it begins to read.

        Raises:
            AssertionError: It did not start within ten minutes.
        """
        path = self.folder / "log"
        with path.open("ab") as log:
            before = log.tell()
            self._running = subprocess.Popen([self.program, "--config", self._config], stdout=log, stderr=log)
        deadline = time.monotonic() + 600
        while b"starting fluentd worker" not in path.read_bytes()[before:]:
            assert time.monotonic() < deadline, path.read_text(encoding="utf-8")
            time.sleep(0.2)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Ends Fluentd, by SIGTERM as on an update, or by SIGKILL as when it runs out of memory."""
        assert self._running is not None
        if by == signal.SIGKILL:
            # The supervisor and its worker, at once: the worker ends by itself when its supervisor is gone.
            children = Path(f"/proc/{self._running.pid}/task/{self._running.pid}/children").read_text(encoding="utf-8")
            self._running.kill()
            for child in children.split():
                os.kill(int(child), signal.SIGKILL)
        else:
            self._running.send_signal(by)
        try:
            self._running.wait(90)
        except subprocess.TimeoutExpired:
            # As the kubelet does after a pod's grace period.
            self.stop(signal.SIGKILL)

    def settle(self, most: float = 3600) -> None:
        """Waits until every line has arrived, or Fluentd has nothing left to read or to send.

        By its own files, since on a busy machine it may send nothing for minutes.
        """
        self._wait(lambda: len(self.receiver.received) == self.container.written, 5, most)

    def buffered(self, most: float = 3600) -> None:
        """Waits until Fluentd has read everything, or its buffer is full."""
        self._wait(lambda: self._unread() == 0 or self._buffered() > 0.9 * self.buffer_mib * MIB, 20, most)

    def _wait(self, condition: Callable[[], bool], seconds: float, most: float) -> None:
        """Waits until a condition has held for some seconds, or Fluentd has had nothing to do for a minute."""
        start = since = idle_since = time.monotonic()
        while time.monotonic() - start < most:
            now = time.monotonic()
            since = since if condition() else now
            idle_since = idle_since if self._unread() + self._buffered() == 0 else now
            if now - since > seconds or now - idle_since > 60:
                return
            time.sleep(0.5)

    def _unread(self) -> int:
        """How many bytes of the files that there are Fluentd has not read, by its position file."""
        file = self.folder / "position"
        entries = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
        read = {int(inode, 16): int(position, 16) for _, position, inode in (one for one in entries if len(one) == 3)}
        stats = [path.stat() for path in self.container.folder.glob("0.log*") if path.suffix not in (".gz", ".tmp")]
        return sum(max(0, one.st_size - read.get(one.st_ino, 0)) for one in stats)

    def _buffered(self) -> int:
        """The size of the buffer."""
        return sum(one.stat().st_size for one in (self.folder / "buffer").rglob("*.log"))

    def cpu(self) -> float:
        """CPU seconds of Fluentd since it started last; 0 if it does not run."""
        if self._running is None or self._running.poll() is not None:
            return 0
        supervisor = psutil.Process(self._running.pid)
        times = [one.cpu_times() for one in (supervisor, *supervisor.children(recursive=True))]
        return sum(one.user + one.system for one in times)

    def counted(self) -> tuple[int, int, int]:
        """How many lines were written, lost, and received more than once."""
        received = self.receiver.received
        lost = self.container.written - len(received)
        return self.container.written, lost, received.total() - len(received)


def _sections_of_output(name: str) -> list[Section]:
    (found,) = [
        one
        for part in parse(TEXT).sections
        for one in part.sections
        if one.parameters.get("@type") == "elasticsearch" and one.parameters["@id"] == name
    ]
    return list(found.sections)


@contextlib.contextmanager
def node(program: str, folder: Path, **changed: Any) -> Generator[Node]:
    """A node, on which Fluentd ends with the block."""
    one = Node(program, folder, **changed)
    try:
        one.start()
        yield one
    finally:
        one.stop()
        one.receiver.close()


def rotated_once(one: Node, mib: float) -> None:
    """A burst, and one rotation before Fluentd has read it."""
    one.container.write(mib)
    one.container.rotate()
    one.container.write(0.1)
    one.settle()


def rotated_twice(one: Node, mib: float) -> None:
    """Two bursts, each followed by a rotation, as soon as a kubelet rotates again."""
    for _ in range(2):
        one.container.write(mib)
        one.container.rotate()
        time.sleep(MONITOR_SECONDS)
    one.container.write(0.1)
    one.settle()


def restarted(one: Node, mib: float) -> None:
    """Fluentd is replaced while it reads a burst, and the file rotated once meanwhile."""
    one.container.write(mib)
    time.sleep(5)
    one.stop()
    one.container.rotate()
    one.container.write(0.1)
    one.start()
    one.settle()


def killed(one: Node, mib: float) -> None:
    """The same, but Fluentd is killed."""
    one.container.write(mib)
    time.sleep(5)
    one.stop(signal.SIGKILL)
    one.container.rotate()
    one.container.write(0.1)
    one.start()
    one.settle()


def outage(one: Node, mib: float) -> None:
    """Elasticsearch is down until Fluentd has read a burst, and the file is rotated meanwhile."""
    one.receiver.down = True
    one.container.write(mib)
    one.container.rotate()
    one.container.write(0.1)
    one.buffered()
    one.receiver.down = False
    one.settle()


def full(one: Node, mib: float) -> None:
    """The same, with a buffer of a quarter of the burst, and no second rotation before Elasticsearch is back."""
    outage(one, mib)


def steady(one: Node, mib: float) -> None:
    """A container that writes a burst in ten parts, one each time when the kubelet looks, which rotates after each."""
    for _ in range(10):
        one.container.write(mib / 10)
        one.container.rotate()
        time.sleep(MONITOR_SECONDS)
    one.settle()


def drained(one: Node, mib: float) -> None:
    """The node goes for good, two seconds after a burst: Fluentd is ended as by a drain, and what it holds is lost."""
    one.container.write(mib)
    time.sleep(2)
    one.stop()


def drained_later(one: Node, mib: float) -> None:
    """The node goes when Fluentd has read and sent the burst."""
    one.container.write(mib)
    one.settle()
    one.stop()


def drained_in_outage(one: Node, mib: float) -> None:
    """The node goes with a burst that has been read long before, while Elasticsearch is down."""
    one.receiver.down = True
    one.container.write(mib)
    one.buffered()
    one.stop()


Scenario = Callable[[Node, float], None]
SCENARIOS: Mapping[str, Scenario] = {
    "one rotation before Fluentd has read the file": rotated_once,
    "two rotations within ten seconds, before Fluentd has read the first file": rotated_twice,
    "one rotation while Fluentd restarts": restarted,
    "one rotation after Fluentd was killed": killed,
    "one rotation while Elasticsearch is down": outage,
    "the same, with a buffer of a quarter of the burst": full,
    "a tenth of the burst every ten seconds, and a rotation after each": steady,
    "the node is drained two seconds after the burst": drained,
    "the node is drained once Fluentd has sent the burst": drained_later,
    "the node is drained while Elasticsearch is down": drained_in_outage,
}


def main() -> None:
    """Prints the table, of bursts of so many MiB as the second argument says; of some scenarios, if words follow."""
    program, mib, words = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    _say("| | lines | lost | of these, counted as lost | doubled | CPU s of Fluentd |\n|---|---|---|---|---|---|")
    for name, scenario in SCENARIOS.items():
        if words and not any(word in name for word in words):
            continue
        buffer_mib = int(mib / 4) if scenario is full else 1024
        with tempfile.TemporaryDirectory() as folder, node(program, Path(folder), buffer_mib=buffer_mib) as one:
            scenario(one, mib)
            written, lost, doubled = one.counted()
            told = one.receiver.lost_bytes / one.container.line_bytes
            _say(f"| {name} | {written:,} | {lost:,} | {told:,.0f} | {doubled:,} | {one.cpu():.0f} |")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
