"""Keeps HAProxy as the cluster's objects say, without dropping a connection."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.front_door import haproxy
from rehearsal.front_door.routes import Objects, routes
from rehearsal.layout import Layout
from rehearsal.processes import ProcessTable
from rehearsal.stand_ins import in_cluster
from release.kubernetes_api import KubernetesApi, KubernetesApiError

FRONT_DOOR = "front-door"
"""HAProxy's name among the rehearsal's processes."""

_WATCHED = (
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("elbv2.k8s.aws/v1beta1", "IngressClassParams"),
    ("v1", "Service"),
    ("v1", "Node"),
    ("v1", "Namespace"),
)

_WATCH_SECONDS = 300
_PAUSE = 1.0
"""Seconds before an API server that did not answer is asked again."""

_GATHER = 0.1
"""Seconds in which further changes are awaited: an update changes many objects at once."""


@dataclass(frozen=True)
class Files:
    """A front door's files.

    Attributes:
        configuration: HAProxy's.
        problem: Why the configuration does not say what the objects ask for; not there if it does.
    """

    configuration: Path
    problem: Path

    @classmethod
    def of(cls, layout: Layout) -> Files:
        """The files of a rehearsal."""
        return cls(layout.front_door / "haproxy.cfg", layout.front_door / "problem.txt")


def observe(api: KubernetesApi) -> Objects:
    """What the load balancers are made from."""
    ingresses, classes, parameters, services, nodes, namespaces = (in_cluster.every(api, *kind) for kind in _WATCHED)
    return Objects(
        ingresses=ingresses,
        classes=classes,
        parameters=parameters,
        services=services,
        nodes=nodes,
        namespaces=namespaces,
    )


def write(files: Files, text: str, sockets: haproxy.Sockets) -> bool:
    """Writes a configuration, once HAProxy has agreed to it.

    Args:
        files: Where.
        text: The configuration.
        sockets: Those that it names.

    Returns:
        Whether it is another one than before.

    Raises:
        RehearsalError: HAProxy refuses it.
    """
    files.problem.unlink(missing_ok=True)
    if files.configuration.exists() and files.configuration.read_text() == text:
        return False
    files.configuration.parent.mkdir(parents=True, exist_ok=True)
    draft = files.configuration.with_suffix(".draft")
    draft.write_text(text)
    refusal = _refusal(draft, sockets)
    if refusal:
        raise RehearsalError(
            f"HAProxy refuses what the front door made from the cluster's objects:\n{refusal}",
            remedy=f"see {draft}; it stays as it was until an object changes.",
        )
    draft.replace(files.configuration)
    return True


def program() -> str | None:
    """Where HAProxy is; Debian has it where only administrators look."""
    return shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))


def follow(layout: Layout, *, domain: str, sockets: haproxy.Sockets, report: Callable[[str], None]) -> None:
    """Brings HAProxy up to date with each change of an object; does not return.

    What cannot be done is reported, and written into the file for it; HAProxy then stays as it is.
    """
    api, files, changed = KubernetesApi(layout.kubeconfig), Files.of(layout), threading.Event()
    for kind in _WATCHED:
        threading.Thread(target=_watch, args=(api, kind, changed), daemon=True).start()
    while True:
        changed.wait()
        time.sleep(_GATHER)
        changed.clear()
        try:
            text = haproxy.configuration(routes(observe(api)), domain=domain, sockets=sockets)
            if write(files, text, sockets):
                _reload(layout)
                report("The front door follows a change")
        except RehearsalError as error:
            files.problem.write_text(f"{error}\n")
            report(str(error))
        except KubernetesApiError as error:
            report(f"The API server does not answer: {error}")
            time.sleep(_PAUSE)
            changed.set()


def _refusal(configuration: Path, sockets: haproxy.Sockets) -> str:
    """What HAProxy has against a configuration; empty if nothing. It looks at what it inherits: any socket will do."""
    with socket.socket() as stand_in:
        descriptor = str(stand_in.fileno())
        check = subprocess.run(
            [program() or "haproxy", "-c", "-f", str(configuration)],
            env={**os.environ, sockets.staff: descriptor, sockets.outside: descriptor},
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


def _watch(api: KubernetesApi, kind: tuple[str, str], changed: threading.Event) -> None:
    while True:
        try:
            for _ in api.watch(*kind, timeout=_WATCH_SECONDS):
                changed.set()
        except KubernetesApiError:
            time.sleep(_PAUSE)
