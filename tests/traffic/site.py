"""The platform's own objects on a control plane in its own network, with everything that carries a request."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from config import PROJECT
from contract import labels
from kube.client import KubernetesApi, KubernetesObject
from rehearsal import aws, control_plane, demo_images, first_release, workspace
from rehearsal.demo_images import Fault
from rehearsal.front_door import haproxy, running
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.network.enter import enter
from rehearsal.processes import ProcessTable
from rehearsal.toolchain import Toolchain
from release import verification
from release.clock import SystemClock
from release.goals import Goal
from release.http import ThroughApiServer
from release.observe import observe
from release.rules import weights_in_effect
from release.run import Context, Limits, Result, reconcile
from release.state import ServiceState
from tests.rehearsal.conftest import eventually
from tests.release.identities import STACK, apply_the_program
from tests.release.platform import node
from tests.traffic import cloud
from tests.unit.program import configured, stack_config
from tools.program.graph import Graph

NODES = {"dev": "10.1.0.10", "prod": "10.1.1.10"}
"""Each environment's node, and its address."""

HOST = haproxy.LOCAL_DOMAIN
"""Prod's host."""

CLIENT = "203.0.113.10"
"""From where clients call nodes themselves (RFC 5737, 4).

An address of their own has ports of its own. A port that the front door has just used, for a connection that a pod's
end reset, still leads to that pod: Linux remembers such a connection for 10 s (nf_conntrack_tcp_timeout_close), and
takes a new one from the same port for it.
"""

LONGEST_REQUEST = 10
"""Seconds of the services' longest request, which is what a pod's end takes: the default is 30."""

LAST_LINES = 20
"""Lines of each log that are told of when a test fails."""

LIMITS = Limits(ready=120, patience=2, endpoints=60, gone=120, watch=1, warm=600, lock=0)
"""As people release, but for the watch: theirs is 10 s."""


_EXPAND = """
echo "expand for $VERSION, with $AI_URL as $(id -u)"
case $VERSION in *-broken) echo "no such table" >&2; exit 3;; *-hangs) exec sleep 600;; esac
"""

HOOKS = {
    "beforeSwitch": {
        "command": ["sh", "-c"],
        "args": [_EXPAND],
        "timeoutSeconds": 10,
    },
    "afterSwitch": {"command": ["sh", "-c", "case $VERSION in *-late) exit 4;; esac; echo warm the cache"]},
    "afterRetire": {"command": ["./manage", "migrate", "--contract"]},
    "afterRollback": {"command": ["sh", "-c", 'echo "undo $VERSION"']},
}
"""What the hooks of the api do, by the version's name."""


def tell(*words: str) -> None:
    """Writes a line with its time on the monotonic clock, as the clients' logs have it."""
    sys.stdout.write(f"{time.monotonic():.3f} {' '.join(words)}\n")


@dataclass
class Site:
    """A platform that serves.

    Attributes:
        layout: Its files.
        api: Its API server, with all rights.
        tools: Its programs.
        outputs: The stack's.
        entrance: Where its hosts are.
    """

    layout: Layout
    api: KubernetesApi
    tools: Toolchain
    outputs: Mapping[str, Any]
    entrance: running.Entrance
    _versions: int = 0

    @property
    def port(self) -> int:
        """The front door's port for the staff."""
        return int(self.entrance.hosts["prod"].rpartition(":")[2])

    @property
    def outside(self) -> int:
        """The front door's port for others."""
        return int(self.entrance.outside["prod"].rpartition(":")[2])

    def inside(self) -> tuple[str, ...]:
        """What comes before a command that runs in the platform's network."""
        holder = namespace.find_holder(ProcessTable(self.layout.processes))
        assert holder is not None
        return enter(holder.pid)

    def service(self, environment: str, name: str) -> KubernetesObject:
        """A service's active Service."""
        found = self.api.get("v1", "Service", name, environment)
        assert found is not None
        return found

    def pods(self, environment: str, service: str, slot: str) -> list[KubernetesObject]:
        """A slot's pods."""
        selector = f"{labels.SERVICE}={service},{labels.SLOT}={slot}"
        return self.api.list("v1", "Pod", namespace=environment, label_selector=selector)

    def new_image(self, environment: str, service: str, fault: Fault | None = None) -> str:
        """An image like no other, let into prod."""
        self._versions += 1
        digest = demo_images.digest(f"v{self._versions + 1}", fault)
        if environment == verification.VERIFIED_ENVIRONMENT:
            record = verification.Record(digest, "the traffic tests", datetime.now(UTC))
            verification.write(self.api, service, record, in_use=())
        return f"{self.outputs['repositories'][service]}@{digest}"

    def weights(self, state: ServiceState) -> Mapping[str, int] | None:
        """The weights of a service's slots in the load balancer's rules."""
        return weights_in_effect(self.api, state, lambda region: aws.client(self.layout, "elbv2", region=region))

    def release(
        self,
        environment: str,
        service: str,
        goal: Goal,
        *,
        api: Any = None,
        surroundings: Mapping[str, Any] | None = None,
        **limits: float,
    ) -> Result:
        """Runs the release tool; `surroundings` are fields of its `Context`."""
        context = Context(
            api=api or self.api,
            caller=ThroughApiServer(self.api),
            clock=SystemClock(),
            report=partial(tell, f"{environment}/{service}:"),
            by="tester",
            limits=replace(LIMITS, **limits),
            weights=self.weights,
        )
        context = replace(context, **(surroundings or {}))
        return reconcile(context, environment, service, goal)

    def state(self, environment: str, service: str) -> ServiceState:
        """How a service stands."""
        return observe(self.api, environment, service, now=SystemClock().now())

    def get(
        self, host: str, path: str = "/", *, outside: bool = False, headers: Mapping[str, str] | None = None
    ) -> tuple[int | None, str]:
        """What a request of the staff, or from outside, gets by the front door: status, None without one, and body."""
        port = self.outside if outside else self.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError as error:
            return None, str(error)
        finally:
            connection.close()

    def logged(self) -> str:
        """The last requests that HAProxy could not serve, and the last connections that no pod took."""
        failed = [line for line in self._log(running.FRONT_DOOR) if "] front-door " in line]
        refused = [line for line in self._log("pod-simulator") if "does not take" in line or "no pod's" in line]
        now = f"{datetime.now(UTC):%H:%M:%S.%f} is {time.monotonic():.3f} of the monotonic clock"
        return "\n".join([*failed[-LAST_LINES:], *refused[-LAST_LINES:], now])

    def _log(self, program: str) -> list[str]:
        return (self.layout.logs / f"{program}.log").read_text(errors="replace").splitlines()

    def kill(self, name: str) -> None:
        """Kills a program of the rehearsal."""
        table = ProcessTable(self.layout.processes)
        (record,) = [one for one in table.running() if one.name == name]
        os.kill(record.pid, signal.SIGKILL)
        eventually(lambda: not table.is_running(name), f"the end of {name}")

    def start(self, report: Callable[[str], None] = print) -> None:
        """Starts what does not run of it, as `make up` does."""
        control_plane.start(self.layout, self.tools, report)
        _start_door(self.layout, self.outputs, report)


@cache
def stack() -> Graph:
    """The stack's resources, as configured for requests of `LONGEST_REQUEST` seconds, with the page of releases.

    The frontend is released by weight, and its idle slot can be seen. The api has hooks.
    """
    settings, key = stack_config(STACK), f"{PROJECT}:services"
    services = {
        name: {**service, "longestRequestSeconds": LONGEST_REQUEST}
        for name, service in json.loads(settings[key]).items()
    }
    services["frontend"] |= {"canary": {"steps": [10, 50], "secondsPerStep": 0}, "preview": {}}
    services["api"]["hooks"] = HOOKS
    parsed = {**settings, workspace.PAGE: json.loads(settings[workspace.PAGE])}
    page = workspace.with_page({"config": parsed}, STACK)["config"][workspace.PAGE]
    changed = {**settings, key: json.dumps(services), workspace.PAGE: json.dumps(page)}
    return configured(changed, stack=STACK)


@contextmanager
def site(directory: Path, tools: Toolchain) -> Generator[Site]:
    """The stack's services with a demo image in every blue slot.

    Args:
        directory: An empty folder.
        tools: The toolchain.
    """
    layout = Layout(directory)
    try:
        control_plane.start(layout, tools, print)
        api, outputs = KubernetesApi(layout.kubeconfig), stack().outputs
        account = cloud.make(layout, outputs["cluster"]["region"], NODES)
        for name, address in NODES.items():
            api.create(_node(name, address, account.instances[name]))
        apply_the_program(api, stack())
        cloud.name_account(api, account)
        cloud.start_controller(layout, tools, account)
        first_release.release(api, first_release.targets(outputs), print)
        _start_door(layout, outputs, print)
        entrance = running.entrance(layout, outputs["hosts"])
        assert entrance is not None
        found = Site(layout, api, tools, outputs, entrance)
        # Kube-proxy may be later than the first health check, and the next one comes after the interval.
        pages = [(HOST, "/"), (HOST, "/api"), (f"test.{HOST}", "/"), (f"test.{HOST}", "/api")]
        eventually(lambda: all(found.get(*page)[0] == http.HTTPStatus.OK for page in pages), "every host answers")
        yield found
    finally:
        control_plane.stop(layout)


def _start_door(layout: Layout, outputs: Mapping[str, Any], report: Callable[[str], None]) -> None:
    running.start(layout, domain=outputs["hosts"]["prod"], region=outputs["cluster"]["region"], report=report)


def _node(name: str, address: str, provider_id: str) -> KubernetesObject:
    machine = node()
    machine["metadata"] = {"name": name, "labels": {"environment": name}}
    addresses = [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]
    return {
        **machine,
        "spec": {"providerID": provider_id},
        "status": {**machine["status"], "addresses": addresses},
    }
