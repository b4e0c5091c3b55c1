"""Compares a release with a rolling update: `python -m tools.benchmarks.release`. Pods take 10 s to get ready.

Both run on one control plane, one number of replicas after the other. No container runs, so the times are those of
Kubernetes and of the release tool.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any, cast

import typer
from rich.console import Console

from contract.blue_green import BLUE, RELEASE_MANAGER, SERVICE_PORT
from kube.client import KubernetesApi, KubernetesObject
from rehearsal import control_plane, toolchain
from rehearsal.demo_images import Fault
from rehearsal.layout import CHECKOUT, Layout
from release import observe, slots
from release.clock import SystemClock
from release.goals import Deploy
from release.run import Limits
from release.snapshot import Snapshot
from release.status import ServiceStatus, Unreadable, read_statuses
from tests.release.platform import Platform, image, namespace
from tests.release.web import Web
from tools.benchmarks import plot, traffic
from tools.benchmarks.tables import replace_section, table
from tools.benchmarks.traffic import ByWeight, Traffic, done, node_with_address
from tools.guard import guarded_folder

SERIES = ("rolling update", "release, whole", "release, the switch alone")
NEW, POOLED = "no new connection at the old slot", "last answer over a pooled connection"
WEIGHTS = ("by weight: in the rules", "by weight: last request at the old slot")
HEAD = ("replicas", *SERIES, "switch / rolling update", "the tool's own time", NEW, POOLED, *WEIGHTS)
REQUESTS = ("replicas", "median, quiet", "99.9 %, quiet", "median, switching", "99.9 %, switching")
SERVICES, PODS_EACH = 200, 2
"""Services of the environment whose status is timed, and the pods of each one's live slot."""

SMALLEST = 0.001
"""Seconds that are drawn in place of 0, which a logarithmic axis does not have."""

LIMITS = Limits(ready=900, endpoints=120, watch=1, settle=0, rules=0)

_console = Console(stderr=True)


@dataclass(frozen=True)
class Times:
    """Durations of a rolling update and of a release, in seconds.

    Attributes:
        rolling: Rolling update, from the command until no old pod is an endpoint.
        whole: Deploy with the release tool, including the start of the tool.
        switch: Switch alone, from the patch until the EndpointSlices have pods of the new slot only.
        own: The part of `whole` in which the tool neither waits for the cluster nor pauses between requests.
        traffic: The switch as clients see it; None without a network namespace.
        by_weight: The switch by weight; None likewise.
    """

    rolling: float
    whole: float
    switch: float
    own: float
    traffic: Traffic | None = None
    by_weight: ByWeight | None = None


@dataclass(frozen=True)
class Status:
    """Durations of `release status` of many services, in seconds.

    Attributes:
        whole: The whole command.
        start: The part in which Python starts and imports what the command needs.
    """

    whole: float
    start: float


def release(
    sizes: Annotated[list[int] | None, typer.Argument(help="Numbers of replicas; 2 10 50 100 by default.")] = None,
    document: Annotated[Path, typer.Option(help="The Markdown document with the table.")] = CHECKOUT
    / "docs"
    / "benchmarks.md",
) -> None:
    """Time a rolling update, and a release of as many pods."""
    times: dict[int, Times] = {}
    help_seconds = median(_run_seconds("-m", "release", "--help") for _ in range(5))
    with guarded_folder("bench-") as directory, Web(SERVICE_PORT) as web:
        layout = Layout(directory / "run")
        tools = toolchain.ensure(_console.print)
        control_plane.start(layout, tools, _console.print)
        try:
            platform = Platform(KubernetesApi(layout.kubeconfig), layout.kubeconfig, web)
            platform.api.create(node_with_address())
            platform.api.create(namespace("dev"))
            _wait_until(lambda: platform.api.get("v1", "ServiceAccount", "default", "dev") is not None)
            for size in sizes or [2, 10, 50, 100]:
                times[size] = _time(platform, size)
                _console.print(size, times[size])
                _write(document, times, help_seconds)  # results are kept if a later size fails
            status = _status(platform)
            traffic.prepare(layout, tools, platform.api)
            for size, one in times.items():
                seen = traffic.measure(layout, platform, f"service-{size}")
                by_weight = traffic.measure_by_weight(layout, platform, f"service-{size}")
                times[size] = replace(one, traffic=seen, by_weight=by_weight)
                _console.print(size, seen, by_weight)
                _write(document, times, help_seconds, status)
            _write(document, times, help_seconds, status)
        finally:
            control_plane.stop(layout)


def _write(document: Path, times: dict[int, Times], help_seconds: float, status: Status | None = None) -> None:
    rows = [
        [
            str(size),
            f"{one.rolling:.1f} s",
            f"{one.whole:.1f} s",
            f"{one.switch:.2f} s",
            f"{one.switch / one.rolling:.1%}",
            f"{one.own:.1f} s",
            f"{one.traffic.new:.2f} s" if one.traffic else "-",
            f"{one.traffic.pooled:.1f} s" if one.traffic else "-",
            f"{one.by_weight.effective:.2f} s" if one.by_weight else "-",
            f"{one.by_weight.last:.2f} s" if one.by_weight else "-",
        ]
        for size, one in times.items()
    ]
    requests = [
        [str(size), *(f"{time:.1f} ms" for time in (*one.traffic.quiet, *one.traffic.switching))]
        for size, one in times.items()
        if one.traffic
    ]
    note = f"`python -m release --help` takes {help_seconds:.2f} s."
    if status is not None:
        note += (
            f" `python -m release status` of {SERVICES} services with {SERVICES * PODS_EACH} pods takes "
            f"{status.whole:.1f} s, {status.start:.1f} s of them the start of Python and its packages."
        )
    replace_section(document, "bench-release", f"{table(HEAD, rows)}\n\n{table(REQUESTS, requests)}\n\n{note}")
    lines = {SERIES[0]: [one.rolling for one in times.values()], SERIES[1]: [one.whole for one in times.values()]}
    lines[SERIES[2]] = [one.switch for one in times.values()]
    if all(one.traffic for one in times.values()):
        lines[NEW] = [max(one.traffic.new, SMALLEST) for one in times.values() if one.traffic]
    (document.parent / "releases.svg").write_text(plot.logarithmic(list(times), lines, x="replicas", y="seconds"))


def _time(platform: Platform, size: int) -> Times:
    rolling = _rolling_update(platform.api, size)
    return Times(rolling, *_release(platform, size))


def _rolling_update(api: KubernetesApi, size: int) -> float:
    """Seconds of a rolling update of a Deployment with Kubernetes' default strategy."""
    name = f"rolling-{size}"
    labels = {"app": name}
    template: dict[str, Any] = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": image(name)}], "terminationGracePeriodSeconds": 1},
    }
    spec = {"replicas": size, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": name, "namespace": "dev"}
    service = {"selector": labels, "ports": [{"port": 80}]}
    api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
    _wait_until(lambda: len(_endpoints(api, name)) == size)
    old = _endpoints(api, name)
    start = time.monotonic()
    change = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image(name, Fault.SLOW_START)}
    api.json_patch("apps/v1", "Deployment", name, [change], namespace="dev")
    _wait_until(lambda: len(new := _endpoints(api, name)) == size and not new & old)
    seconds = time.monotonic() - start
    api.delete("apps/v1", "Deployment", name, "dev")
    return seconds


def _release(platform: Platform, size: int) -> tuple[float, float, float]:
    """`whole`, `switch` and `own` of `Times`."""
    service = f"service-{size}"
    platform.add("dev", service, minimum=size, maximum=size)
    done(platform.run("dev", service, Deploy(image(service)), limits=replace(LIMITS, watch=0.1)))
    timed = _TimedApi(platform.api, service, size)
    new = Deploy(image(service, Fault.SLOW_START))
    start = time.monotonic()
    done(platform.run("dev", service, new, api=cast("Any", timed), clock=timed, limits=LIMITS))
    whole = time.monotonic() - start + _run_seconds("-c", "import kubernetes, release.commands.releases")
    for thread in timed.watchers:
        thread.join()
    return whole, timed.switch, whole - timed.waited


def _status(platform: Platform) -> Status:
    """Times the status of an environment of its own, with a live slot in each service."""
    environment = "many"
    platform.api.create(namespace(environment))
    _wait_until(lambda: platform.api.get("v1", "ServiceAccount", "default", environment) is not None)

    def add(number: int) -> None:
        service = f"service-{number}"
        platform.add(environment, service, minimum=PODS_EACH, maximum=PODS_EACH)
        template = platform.api.get("v1", "PodTemplate", service, environment)
        if template is None:
            raise LookupError(service)
        deployment = slots.render(template, slot=BLUE, image=image(service), replicas=PODS_EACH)
        platform.api.apply(deployment, field_manager=RELEASE_MANAGER, force=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(SERVICES)))
    _wait_until(lambda: all(_is_ready(one) for one in _statuses(platform.api, environment)))
    command = ("-m", "release", "status", environment, "--kubeconfig", str(platform.kubeconfig))
    whole = median(_run_seconds(*command) for _ in range(5))
    return Status(whole, median(_run_seconds("-c", "import kubernetes, release.commands.reports") for _ in range(5)))


def _is_ready(status: ServiceStatus | Unreadable) -> bool:
    return isinstance(status, ServiceStatus) and status.seen.live_slot.is_ready


def _statuses(api: KubernetesApi, environment: str) -> list[ServiceStatus | Unreadable]:
    snapshot = Snapshot(api, environment)
    return read_statuses(snapshot, environment, observe.services(snapshot, environment), now=SystemClock().now())


def _run_seconds(*arguments: str) -> float:
    """Seconds that a Python program runs."""
    start = time.monotonic()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


class _TimedApi(SystemClock):
    """API client and clock of a release, which measure the switch of the Service and the sum of the tool's waits."""

    def __init__(self, api: KubernetesApi, service: str, size: int) -> None:
        self._api = api
        self._service = service
        self._size = size
        self.switch = 0.0
        self.waited = 0.0
        self.watchers: list[threading.Thread] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def sleep(self, seconds: float) -> None:
        start = time.monotonic()
        super().sleep(seconds)
        self.waited += time.monotonic() - start

    def watch(self, *arguments: Any, **options: Any) -> Iterator[tuple[str, KubernetesObject]]:
        events = self._api.watch(*arguments, **options)
        while True:
            start = time.monotonic()
            event = next(events, None)
            self.waited += time.monotonic() - start
            if event is None:
                return
            yield event

    def json_patch(self, api_version: str, kind: str, name: str, *arguments: Any, **options: Any) -> KubernetesObject:
        if (kind, name) == ("Service", self._service):
            old = _endpoints(self._api, name)
            self.watchers.append(threading.Thread(target=self._time_switch, args=(old, time.monotonic())))
            self.watchers[-1].start()
        return self._api.json_patch(api_version, kind, name, *arguments, **options)

    def _time_switch(self, old: set[str], start: float) -> None:
        """Waits until all endpoints of the Service are new pods, as many as before."""
        _wait_until(lambda: len(new := _endpoints(self._api, self._service)) == self._size and not new & old)
        self.switch = time.monotonic() - start


def _endpoints(api: KubernetesApi, service: str) -> set[str]:
    """The names of a Service's ready pods."""
    label = f"kubernetes.io/service-name={service}"
    slices = api.list("discovery.k8s.io/v1", "EndpointSlice", namespace="dev", label_selector=label)
    endpoints: list[dict[str, Any]] = [
        one for found in slices for one in cast("list[Any]", found.get("endpoints") or [])
    ]
    return {str(one["targetRef"]["name"]) for one in endpoints if one["conditions"].get("ready")}


def _wait_until(condition: Callable[[], bool], seconds: float = 900) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s")
        time.sleep(0.02)


if __name__ == "__main__":
    typer.run(release)
