"""Checks across keys: values that are valid by themselves but not together."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from config.checks import (
    access,
    analysis,
    capacity,
    charts,
    delivery,
    dns,
    egress,
    logs,
    network,
    nodes,
    secrets,
    services,
)
from config.problems import Problem
from config.settings import Settings

CHECKS = (
    (charts.problems, {"charts", "delivery"}),
    (network.problems, {"region", "network"}),
    (network.endpoint_problems, {"region", "network"}),
    (network.address_problems, {"network", "environments"}),
    (access.problems, {"account_id", "permissions_boundary_arn", "cluster"}),
    (access.staff_problems, {"load_balancer"}),
    (dns.problems, {"domain", "dns"}),
    (access.regional_problems, {"account_id", "region", "cluster", "load_balancer"}),
    (access.partition_problems, {"region", "permissions_boundary_arn", "cluster", "load_balancer", "previews"}),
    (nodes.problems, {"environments"}),
    (services.problems, {"services"}),
    (services.url_problems, {"services"}),
    (services.timing_problems, {"services", "load_balancer"}),
    (services.protocol_problems, {"services"}),
    (services.health_problems, {"services"}),
    (analysis.problems, {"services", "prometheus"}),
    (egress.problems, {"network", "services"}),
    (logs.problems, {"environments", "logs"}),
    (capacity.problems, {"environments", "services", "logs"}),
    (secrets.problems, {"services", "secrets"}),
    (delivery.problems, {"services", "delivery"}),
    (delivery.preview_problems, {"delivery", "previews"}),
    (delivery.actions_problems, {"services", "github_actions", "previews"}),
    (access.hook_problems, {"load_balancer", "delivery"}),
)
"""The checks, each with the fields of `Settings` that it reads; its docstring says what it refuses."""


def cross_field_errors(settings: Settings, sound: AbstractSet[str]) -> list[Problem]:
    """All problems that the checks find.

    Args:
        settings: Settings with at least the valid fields.
        sound: The fields with valid values; a check that reads another field is skipped.
    """
    return [problem for check, fields in CHECKS if fields <= sound for problem in check(settings)]
