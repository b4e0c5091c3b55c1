"""What no single value shows: values that do not go together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from settings.model import ENVIRONMENTS, PROJECT, Settings
from settings.problems import Problem
from settings.required import RequiredSecret, required_secrets

RESERVED_SUFFIXES = ("-blue", "-green", "-preview")
"""Endings that the platform gives to a service's own objects."""


def contradictions(settings: Settings, sound: AbstractSet[str]) -> list[Problem]:
    """What no single value shows: values that do not go together, as far as they are sound."""
    checks = (
        (_network_problems, {"region", "network", "cluster"}),
        (_environment_problems, {"environments"}),
        (_service_problems, {"services"}),
        (_secret_problems, {"services", "secrets"}),
    )
    return [problem for check, needed in checks if needed <= sound for problem in check(settings)]


def _network_problems(settings: Settings) -> Iterator[Problem]:
    network = settings.network
    prefix = ipaddress.IPv4Network(network.cidr).prefixlen
    if not 16 <= prefix <= 20:  # noqa: PLR2004 - AWS allows /16 at most; below /20 three zones hold too few pods
        yield Problem(f"{PROJECT}:network.cidr", network.cidr, "a range from /16 to /20")
    for zone in network.zones:
        if zone[:-1] != settings.region:
            yield Problem(f"{PROJECT}:network.zones", zone, f"zones of the region {settings.region}")
    if len(set(network.zones)) < len(network.zones):
        yield Problem(f"{PROJECT}:network.zones", ", ".join(network.zones), "each zone once")
    for cidr in settings.cluster.public_access_cidrs:
        if cidr == "0.0.0.0/0":
            yield Problem(
                f"{PROJECT}:cluster.publicAccessCidrs",
                cidr,
                "the addresses of your offices and CI, not the world",
            )


def _environment_problems(settings: Settings) -> Iterator[Problem]:
    for name, environment in settings.environments.items():
        nodes = environment.nodes
        if not nodes.min <= nodes.desired <= nodes.max:
            yield Problem(
                f"{PROJECT}:environments.{name}.nodes",
                f"min {nodes.min}, desired {nodes.desired}, max {nodes.max}",
                "min ≤ desired ≤ max",
            )


def _service_problems(settings: Settings) -> Iterator[Problem]:
    paths: dict[str, str] = {}
    for name, service in settings.services.items():
        key = f"{PROJECT}:services.{name}"
        if name.endswith(RESERVED_SUFFIXES):
            yield Problem(key, "", f"a name that ends in none of {', '.join(RESERVED_SUFFIXES)}: they are taken")
        for path in service.paths:
            if path in paths:
                yield Problem(f"{key}.paths", path, f"a path of its own: {paths[path]} has this one")
            paths[path] = name
        for environment in ENVIRONMENTS:
            replicas = service.replicas.of(environment)
            if replicas.min > replicas.max:
                yield Problem(
                    f"{key}.replicas.{environment}",
                    f"min {replicas.min}, max {replicas.max}",
                    "min ≤ max",
                )
        for variable in service.variables.keys() & set(service.secrets):
            yield Problem(f"{key}.variables.{variable}", "", "a variable or a secret, not both")


def _secret_problems(settings: Settings) -> Iterator[Problem]:
    required = required_secrets({name: service.secrets for name, service in settings.services.items()})
    for secret in required:
        if secret.name not in settings.secrets.get(secret.environment, {}).get(secret.service, {}):
            yield Problem(secret.key, "", f"is required; set it with: {secret.command}")
    known = {secret.key for secret in required}
    for environment, services in settings.secrets.items():
        for service, values in services.items():
            for name in values:
                key = RequiredSecret(environment, service, name).key
                if key not in known:
                    yield Problem(key, "", f"no service names this secret: add it to services.{service}.secrets")
