"""What no single value shows: values that do not go together."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from config.checks import access, capacity, charts, delivery, dns, egress, logs, network, nodes, secrets, services
from config.model import Settings
from config.problems import Problem

CHECKS = (
    (charts.problems, {"charts", "delivery"}),
    (network.problems, {"region", "network"}),
    (network.address_problems, {"network", "environments"}),
    (access.problems, {"account_id", "permissions_boundary_arn", "cluster"}),
    (access.staff_problems, {"load_balancer"}),
    (dns.problems, {"domain", "dns"}),
    (access.regional_problems, {"account_id", "region", "load_balancer"}),
    (nodes.problems, {"environments"}),
    (services.problems, {"services"}),
    (services.timing_problems, {"services", "load_balancer"}),
    (egress.problems, {"network", "services"}),
    (logs.problems, {"environments", "logs"}),
    (capacity.problems, {"environments", "services", "logs"}),
    (secrets.problems, {"services", "secrets"}),
    (delivery.problems, {"services", "delivery"}),
    (delivery.preview_problems, {"delivery", "previews"}),
    (access.hook_problems, {"load_balancer", "delivery"}),
)
"""Each check with the fields of `Settings` that it reads."""


def cross_field_errors(settings: Settings, sound: AbstractSet[str]) -> list[Problem]:
    """Every problem that no single value shows.

    Args:
        settings: At least the sound fields of it.
        sound: The fields whose own values are good; what depends on a bad one is not guessed.
    """
    return [problem for check, needed in CHECKS if needed <= sound for problem in check(settings)]
