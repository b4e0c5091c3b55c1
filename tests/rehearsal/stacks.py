"""Helpers of tests with a stack that is up. The fixture `platform` is one."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from kube.client import KubernetesApi
from rehearsal import workspace
from rehearsal.engine import Engine
from rehearsal.layout import Layout
from rehearsal.lifecycle import Rehearsal

ENVIRONMENTS = ("dev", "prod")
SERVICES = ("frontend", "gateway", "api", "ai", "crawling")
SLOTS = ("blue", "green")


ONE_STACK, ON_PROD = (
    pytest.mark.parametrize("platform", [stack], indirect=True, ids=[f"stack-{stack}"]) for stack in ("dev", "prod")
)
"""For what one stack shows as well as two: dev, or prod where that one's worker has more time."""


def changes(rehearsal: Rehearsal, edit: Callable[[dict[str, Any]], None]) -> dict[str, str]:
    """Edits the stack's settings and says what `up` did: the operation by URN, without those that stayed the same."""
    file = rehearsal.layout.workspace / f"Pulumi.{rehearsal.stack}.yaml"
    before = file.read_text()
    content = yaml.safe_load(before)
    edit(content["config"])
    file.write_text(yaml.safe_dump(content))
    try:
        return run_up(rehearsal)
    finally:
        file.write_text(before)


def refreshed(engine: Engine) -> set[str]:
    """What a refresh found: the engine's operations, `same` for what is as it was."""
    recorder = Recorder()
    engine.refresh(recorder)
    return recorder.counted


def run_up(rehearsal: Rehearsal) -> dict[str, str]:
    """What one more `up` did: the operation by resource name, without those that stayed the same."""
    recorder = Recorder()
    rehearsal.open().up(recorder)
    return recorder.operations


def asked(url: str) -> tuple[int, str]:
    """The status of a host behind the front door, and the environment that answers."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=10)
    with closing(connection):
        connection.request("GET", "/", headers={"Host": place.netloc})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body)["environment"] if answer.status == HTTPStatus.OK else ""


def exported_state(layout: Layout, stack: str) -> str:
    """The state in its backend, which compresses it, with pending operations and encrypted secrets as they are there.

    https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/backend/diy/backend.go (`ExportDeployment`)
    """
    export = subprocess.run(
        [layout.tools / "pulumi", "stack", "export", "--stack", stack],
        cwd=layout.workspace,
        env={**os.environ, **workspace.environment(layout)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return export.stdout


class Recorder:
    """A display that notes what the engine did, and what went wrong."""

    def __init__(self) -> None:
        self.operations: dict[str, str] = {}
        self.counted: set[str] = set()
        """The operations in the engine's summary, without how often."""
        self.errors: list[str] = []
        self.told: list[str] = []

    def event(self, event: Any) -> None:
        """Takes one event."""
        self.told.append(json.dumps(event, default=as_plain))
        if event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            self.errors.append(event.diagnostic_event.message)
            print(event.diagnostic_event.message)  # noqa: T201 - pytest shows it with the failure
        if event.summary_event is not None:
            self.counted = set(map(str, event.summary_event.resource_changes))
        if event.res_outputs_event is not None and event.res_outputs_event.metadata.op.value != "same":
            metadata = event.res_outputs_event.metadata
            self.operations[metadata.urn.split("::", 2)[2].rsplit("$", 1)[-1]] = metadata.op.value


def as_plain(part: object) -> str | dict[str, Any]:
    """A part of an engine's event as JSON has it."""
    return str(part.name) if isinstance(part, Enum) else vars(part)


def pods(api: KubernetesApi, namespace: str) -> list[dict[str, Any]]:
    """The pods of an environment."""
    return api.list("v1", "Pod", namespace=namespace)


def live_pods(api: KubernetesApi, environment: str, service: str) -> list[dict[str, Any]]:
    """A service's pods that are there to stay; only its live slot has any."""
    mine = [one for one in pods(api, environment) if one["metadata"]["labels"]["app.kubernetes.io/name"] == service]
    assert mine, f"{service} has no pod"
    return [one for one in mine if "deletionTimestamp" not in one["metadata"]]


def status_of(pod: dict[str, Any], condition: str) -> str | None:
    """The status of a pod's condition; None if it has none yet."""
    conditions = pod.get("status", {}).get("conditions", [])
    return next((one["status"] for one in conditions if one["type"] == condition), None)


@dataclass(frozen=True)
class FirstUp:
    """What the first `up` of a stack left to see.

    Attributes:
        console: Its output for the user.
        log: The engine's output.
        processes: Command lines of all processes of this machine meanwhile.
    """

    console: str
    log: str
    processes: frozenset[str]


FIRST_UPS: dict[str, FirstUp] = {}
"""By stack, from the fixture `platform`."""

POLLS_OF_A_NEW_PROCESS, SECONDS_BETWEEN_POLLS = 2, 0.2
"""How often the command line of a new process is read: it changes with `exec`. `pulumi` runs for 0.3 s at least."""


@contextmanager
def watched_processes() -> Generator[set[str]]:
    """Collects the command lines of all processes of this machine while something runs."""
    seen: set[str] = set()
    polls: Counter[str] = Counter()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(SECONDS_BETWEEN_POLLS):
            for process in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 - a path each would cost a core
                polls[process] += 1
                if polls[process] <= POLLS_OF_A_NEW_PROCESS:
                    with suppress(OSError):
                        seen.add(Path(f"/proc/{process}/cmdline").read_text(errors="replace").replace("\0", " "))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
