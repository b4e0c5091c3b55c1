"""A stack's configuration with a given number of services."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from math import ceil
from typing import Any

from config import ENVIRONMENTS, PROJECT, required_secrets

MODEL = "api"
"""The service that is copied: variables, secrets, egress."""

EXPOSED = 5
"""Services with a path of the host: a load balancer has 1000 targets at most, one a node for each of them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
"""

_SERVICES_A_NODE = 30
"""Services whose pods, of 200m each, leave room on a node of 16 vCPU: in a rehearsal nobody adds nodes."""


def _room(count: int) -> dict[str, Any]:
    """An environment's nodes and quota for a number of services."""
    nodes = max(2, ceil(count / _SERVICES_A_NODE))
    return {
        "nodes": {"instanceType": "m5.4xlarge", "min": 2, "desired": nodes, "max": 30, "volumes": True},
        "quota": {"cpu": "1000", "memory": "4000Gi", "pods": 1000},
    }


def many_services(config: Mapping[str, Any], count: int) -> dict[str, Any]:
    """A stack's configuration with other services, nodes and quotas for them, and no secrets.

    Args:
        config: The `config` of a stack's file.
        count: The number of services, 1 to 999: `svc-001` and so on, each calling the first, and the first `EXPOSED` of
            them with a path of the host.
    """
    model = config[f"{PROJECT}:services"][MODEL]
    services: dict[str, Any] = {}
    for number in range(1, count + 1):
        name = f"svc-{number:03}"
        egress = {**model["egress"], "services": ["svc-001"] if number > 1 else []}
        replicas = {key: {"min": 1, "max": 1} for key in ENVIRONMENTS}
        services[name] = {**copy.deepcopy(model), "egress": egress, "replicas": replicas}
        if number <= EXPOSED:
            services[name]["paths"] = [f"/{name}"]
    room = _room(count)
    environments = {name: {**environment, **room} for name, environment in config[f"{PROJECT}:environments"].items()}
    others = {f"{PROJECT}:services": services, f"{PROJECT}:environments": environments, f"{PROJECT}:secrets": {}}
    return {**config, **others}


def made_up_secrets(config: Mapping[str, Any]) -> dict[str, str]:
    """A value for each required secret, by configuration key with the path inside it."""
    names = {name: service.get("secrets", []) for name, service in config[f"{PROJECT}:services"].items()}
    return {secret.key: f"made up for {secret.key}" for secret in required_secrets(names)}
