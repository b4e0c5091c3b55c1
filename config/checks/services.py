"""The services: names, paths, variables, resources, replicas, directories, time-outs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from config.models.base import ENVIRONMENTS, PROJECT
from config.models.service import Service
from config.problems import Problem
from config.settings import Settings
from contract.blue_green import SERVICE_PORT
from contract.quantities import cpu_millis, memory_bytes

RESERVED_SUFFIXES = ("-blue", "-green", "-preview")
"""Suffixes of the names of a service's own objects."""

RESERVED_NAMES = ("default", "environment", "kubernetes")
"""Names of objects that Kubernetes or the platform creates in each namespace, e.g. the ServiceAccount `default`."""

RESERVED_PREFIX = "kube-"
"""Reserved by Kubernetes. https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#working-with-namespaces."""

RESERVED_VARIABLES = "KUBERNETES_"
"""The kubelet sets KUBERNETES_SERVICE_HOST and others of this prefix in every container.

https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
"""

URL = re.compile(r"\bhttps?://([a-z0-9-]+)(?:\.[a-z0-9.-]+)?:(\d+)")
"""A URL with a port: the first label of its host, and the port."""

KERNEL_DIRECTORIES = tuple(map(PurePosixPath, ("/proc", "/sys", "/dev")))


def problems(settings: Settings) -> Iterator[Problem]:
    """Services that conflict with one another or with the platform, or that cannot run.

    Reserved are the names `default`, `environment`, `kubernetes`, `kube-…`, `…-blue`, `…-green`, `…-preview`, and
    variables that begin with `KUBERNETES_`. A variable is not also a secret. A path is not another service's, nor
    below one, except below `/`. Replicas have `min` ≤ `max`, and `max` 1 if the service is `exclusive`. A CPU request
    is at most its limit; a memory request equals its limit. Writable paths are not inside one another, and not in
    `/proc`, `/sys`, `/dev`. A `canary` has rising steps, for a service with a path that is not `exclusive`; so is one
    with a `preview`. An `exclusive` service has no `previewReplicas`.
    """
    service_of: dict[str, str] = {}
    for name, service in settings.services.items():
        key = f"{PROJECT}:services.{name}"
        yield from _name_problems(key, name)
        for path in service.paths:
            if path in service_of:
                yield Problem(f"{key}.paths", path, f"a path of its own: {service_of[path]} has this one")
            service_of.setdefault(path, name)
            yield from _shadow_problems(
                key, path, {other: settings.services[other] for other in settings.services if other != name}
            )
        yield from _replica_problems(key, service)
        yield from _variable_problems(key, service)
        yield from _resource_problems(key, service)
        yield from _volume_problems(key, service)
        yield from _canary_problems(key, service)
        yield from _preview_problems(key, service)


def timing_problems(settings: Settings) -> Iterator[Problem]:
    """Time-outs that do not fit one another.

    For a service with a path, `keepAliveSeconds` has to be longer than the load balancer's idle time-out, and
    `heartbeatSeconds`, or else `longestRequestSeconds`, shorter. `longestRequestSeconds` is at least that of each
    service in `egress.services`.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html#connection-idle-timeout
    """
    idle = settings.load_balancer.idle_timeout_seconds
    for name, service in settings.services.items():
        key = f"{PROJECT}:services.{name}"
        if service.paths and service.keep_alive_seconds <= idle:
            yield Problem(
                f"{key}.keepAliveSeconds",
                str(service.keep_alive_seconds),
                f"more than loadBalancer.idleTimeoutSeconds, {idle}: otherwise the load balancer "
                "sends requests on closed connections",
            )
        if service.paths and service.heartbeat_seconds is not None and service.heartbeat_seconds >= idle:
            yield Problem(
                f"{key}.heartbeatSeconds",
                str(service.heartbeat_seconds),
                f"less than loadBalancer.idleTimeoutSeconds, {idle}: the load balancer "
                "cuts a stream without data for as long",
            )
        if service.paths and service.heartbeat_seconds is None and service.longest_request_seconds >= idle:
            yield Problem(
                f"{key}.longestRequestSeconds",
                str(service.longest_request_seconds),
                f"less than loadBalancer.idleTimeoutSeconds, {idle}: the load balancer "
                "aborts a request without data for as long; or set heartbeatSeconds, if it sends data meanwhile",
            )
        for other in service.egress.services:
            called = settings.services.get(other)
            if called and called.longest_request_seconds > service.longest_request_seconds:
                yield Problem(
                    f"{key}.longestRequestSeconds",
                    str(service.longest_request_seconds),
                    f"{called.longest_request_seconds} or more: it waits for {other}, whose longest request takes that",
                )


def protocol_problems(settings: Settings) -> Iterator[Problem]:
    """A `protocol` without a path: it is between load balancer and container; others call a service by HTTP."""
    for name, service in settings.services.items():
        if service.protocol != "HTTP1" and not service.paths:
            yield Problem(
                f"{PROJECT}:services.{name}.protocol",
                service.protocol,
                "HTTP1: without paths no load balancer calls it, and others in the cluster may speak what they like",
            )


def health_problems(settings: Settings) -> Iterator[Problem]:
    """A smoke test of the health path that expects another status than the load balancer."""
    for name, service in settings.services.items():
        test = service.smoke_test
        if test.status and test.path in (None, service.health_path) and test.status != service.health_status:
            yield Problem(
                f"{PROJECT}:services.{name}.smokeTest.status",
                str(test.status),
                f"healthStatus, {service.health_status}, for the health path: the load balancer sends no requests to a "
                "node that answers anything else; or a smokeTest.path of its own",
            )


def url_problems(settings: Settings) -> Iterator[Problem]:
    """A variable with the URL of another service and a port other than 80, which all Services have.

    Services keep that port when a container's `port` changes, so that callers need not change.
    """
    for name, service in settings.services.items():
        for variable, value in service.variables.items():
            for text in dict.fromkeys((value.dev, value.prod)):
                for host, port in URL.findall(text):
                    if host in settings.services and int(port) != SERVICE_PORT:
                        yield Problem(
                            f"{PROJECT}:services.{name}.variables.{variable}",
                            text,
                            f"port {SERVICE_PORT}, or none: a service is called on it, whatever port its container has",
                        )


def _shadow_problems(key: str, path: str, others: Mapping[str, Service]) -> Iterator[Problem]:
    for name, other in others.items():
        for wider in other.paths:
            if wider not in ("/", path) and PurePosixPath(path).is_relative_to(wider):
                yield Problem(f"{key}.paths", path, f"a path outside {wider}, which is a path of {name}")


def _name_problems(key: str, name: str) -> Iterator[Problem]:
    if name.endswith(RESERVED_SUFFIXES):
        yield Problem(key, "", f"a name that ends in none of {', '.join(RESERVED_SUFFIXES)}: they are reserved")
    if name in RESERVED_NAMES or name.startswith(RESERVED_PREFIX):
        yield Problem(
            key,
            "",
            f"another name: {', '.join(RESERVED_NAMES)} and names that begin with {RESERVED_PREFIX} are reserved",
        )


def _replica_problems(key: str, service: Service) -> Iterator[Problem]:
    for environment in ENVIRONMENTS:
        replicas = service.replicas.of(environment)
        at = f"{key}.replicas.{environment}"
        if replicas.min > replicas.max:
            yield Problem(at, f"min {replicas.min}, max {replicas.max}", "min ≤ max")
        elif service.exclusive and replicas.max > 1:
            yield Problem(at, f"max {replicas.max}", "max 1, since the service is exclusive")
    if service.exclusive and service.preview_replicas:
        needed = "left out, since the service is exclusive: no slot serves while the new one is tested"
        yield Problem(f"{key}.previewReplicas", str(service.preview_replicas), needed)


def _canary_problems(key: str, service: Service) -> Iterator[Problem]:
    canary = service.canary
    if canary is None:
        return
    at = f"{key}.canary"
    if not service.paths:
        yield Problem(at, "", "paths, since the load balancer's weights move requests; or no canary")
    if service.exclusive:
        yield Problem(at, "", "no canary, since the service is exclusive: two versions must never run at once")
    if canary.steps != sorted(canary.steps):
        yield Problem(f"{at}.steps", ", ".join(map(str, canary.steps)), "rising weights, such as 10, 50")


def _preview_problems(key: str, service: Service) -> Iterator[Problem]:
    if service.preview and not service.paths:
        yield Problem(f"{key}.preview", "", "paths, at which the staff see the idle slot; or no preview")
    if service.preview and service.exclusive:
        yield Problem(f"{key}.preview", "", "no preview, since the service is exclusive: its idle slot never runs")


def _variable_problems(key: str, service: Service) -> Iterator[Problem]:
    for variable in service.variables:
        if variable in service.secrets:
            yield Problem(f"{key}.variables.{variable}", "", "a variable or a secret, not both")
    for kind, names in (("variables", service.variables), ("secrets", service.secrets)):
        for name in names:
            if name.startswith(RESERVED_VARIABLES):
                yield Problem(
                    f"{key}.{kind}", "", f"names that do not begin with {RESERVED_VARIABLES}: Kubernetes sets those"
                )
                break


def _resource_problems(key: str, service: Service) -> Iterator[Problem]:
    requests, limits = service.resources.requests, service.resources.limits
    if cpu_millis(requests.cpu) > cpu_millis(limits.cpu):
        yield Problem(f"{key}.resources.requests.cpu", requests.cpu, f"the limit, {limits.cpu}, or less")
    # A pod above its memory request is killed when the node runs out: memory, unlike CPU, cannot be throttled.
    if memory_bytes(requests.memory) != memory_bytes(limits.memory):
        yield Problem(
            f"{key}.resources.requests.memory", requests.memory, f"the same as limits.memory, which is {limits.memory}"
        )


def _volume_problems(key: str, service: Service) -> Iterator[Problem]:
    paths = [PurePosixPath(path) for path in service.writable_paths]
    for path in paths:
        if any(path.is_relative_to(kernel) for kernel in KERNEL_DIRECTORIES):
            yield Problem(f"{key}.writablePaths", str(path), "a directory outside /proc, /sys and /dev")
        for other in paths:
            if path != other and path.is_relative_to(other):
                yield Problem(
                    f"{key}.writablePaths", str(path), f"a directory that is not inside another: it is inside {other}"
                )
