"""Each service by itself, and beside the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from config.model import ENVIRONMENTS, PROJECT, Service, Settings
from config.problems import Problem
from config.quantities import cpu_millis, memory_bytes

RESERVED_SUFFIXES = ("-blue", "-green", "-preview")
"""Endings that the platform gives to a service's own objects."""

RESERVED_NAMES = ("default", "environment", "kubernetes")
"""Objects that Kubernetes or the platform makes in each namespace, e.g. the ServiceAccount `default`."""

RESERVED_PREFIX = "kube-"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#working-with-namespaces."""

RESERVED_VARIABLES = "KUBERNETES_"
"""The kubelet sets KUBERNETES_SERVICE_HOST and others of this prefix in every container.

https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
"""

KERNEL_DIRECTORIES = tuple(map(PurePosixPath, ("/proc", "/sys", "/dev")))


def problems(settings: Settings) -> Iterator[Problem]:
    """Services that take what is another's, or that cannot run as described.

    Taken are the names `default`, `environment`, `kubernetes`, `kube-…`, `…-blue`, `…-green`, `…-preview`, other
    services' paths and what is below them (below `/` there is room for all), and variables that begin with
    `KUBERNETES_` or are secrets too. Replicas are not upside down, and
    one at most where a service is `exclusive`. A CPU request is not above its limit; a memory request is its limit.
    Writable paths are not inside one another, and not in `/proc`, `/sys`, `/dev`.
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
                key, path, {one: other for one, other in settings.services.items() if one != name}
            )
        yield from _replica_problems(key, service)
        yield from _variable_problems(key, service)
        yield from _resource_problems(key, service)
        yield from _volume_problems(key, service)


def timing_problems(settings: Settings) -> Iterator[Problem]:
    """A service with a path whose times do not go with the load balancer's idle time-out.

    It keeps idle connections longer than the load balancer does, and none of its requests is silent for longer.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html#connection-idle-timeout
    """
    idle = settings.load_balancer.idle_timeout_seconds
    for name, service in settings.services.items():
        key = f"{PROJECT}:services.{name}"
        if service.paths and service.keep_alive_seconds <= idle:
            yield Problem(
                f"{key}.keepAliveSeconds",
                str(service.keep_alive_seconds),
                f"more than loadBalancer.idleTimeoutSeconds, {idle}: else it sends requests to closed connections",
            )
        if service.paths and service.longest_request_seconds > idle:
            yield Problem(
                f"{key}.longestRequestSeconds",
                str(service.longest_request_seconds),
                f"loadBalancer.idleTimeoutSeconds, {idle}, or less: it ends a request that is silent for longer",
            )


def _shadow_problems(key: str, path: str, others: Mapping[str, Service]) -> Iterator[Problem]:
    for name, other in others.items():
        for wider in other.paths:
            if wider not in ("/", path) and PurePosixPath(path).is_relative_to(wider):
                yield Problem(f"{key}.paths", path, f"a path outside {wider}: it would take a part of it from {name}")


def _name_problems(key: str, name: str) -> Iterator[Problem]:
    if name.endswith(RESERVED_SUFFIXES):
        yield Problem(key, "", f"a name that ends in none of {', '.join(RESERVED_SUFFIXES)}: they are taken")
    if name in RESERVED_NAMES or name.startswith(RESERVED_PREFIX):
        yield Problem(
            key, "", f"another name: {', '.join(RESERVED_NAMES)} and names that begin with {RESERVED_PREFIX} are taken"
        )


def _replica_problems(key: str, service: Service) -> Iterator[Problem]:
    for environment in ENVIRONMENTS:
        replicas = service.replicas.of(environment)
        at = f"{key}.replicas.{environment}"
        if replicas.min > replicas.max:
            yield Problem(at, f"min {replicas.min}, max {replicas.max}", "min ≤ max")
        elif service.exclusive and replicas.max > 1:
            yield Problem(at, f"max {replicas.max}", "max 1, as the service is exclusive: never two at once")


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
    # What a pod uses above its request, the node may not have: memory cannot be slowed down, the pod is ended instead.
    if memory_bytes(requests.memory) != memory_bytes(limits.memory):
        yield Problem(
            f"{key}.resources.requests.memory", requests.memory, f"the same as limits.memory, which is {limits.memory}"
        )


def _volume_problems(key: str, service: Service) -> Iterator[Problem]:
    paths = [PurePosixPath(path) for path in service.writable_paths]
    for path in paths:
        if any(path.is_relative_to(kernel) for kernel in KERNEL_DIRECTORIES):
            yield Problem(f"{key}.writablePaths", str(path), "a directory of the container's own, not of the kernel")
        for other in paths:
            if path != other and path.is_relative_to(other):
                yield Problem(f"{key}.writablePaths", str(path), f"directories side by side: it is inside {other}")
