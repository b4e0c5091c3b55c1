"""The services' analyses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from config.checks.egress import LOCAL, SHORTEST_PREFIX
from config.models.analysis import SUCCESS_RATE
from config.models.base import PROJECT
from config.problems import Problem
from config.settings import Settings

LATE_SECONDS = 240
"""CloudWatch's metrics come two minutes late, and begin and end with whole minutes."""


def problems(settings: Settings) -> Iterator[Problem]:
    """Analyses without a source, or without time.

    A `query` and `requests` need `prometheus`. Without a path no load balancer has metrics of a service: it needs
    queries, and `requests`. Each metric has a name of its own. `limitSeconds` is at least `seconds`, and 240 more with
    the load balancer's metrics. `successRate` is not for a service with the protocol `GRPC`. `prometheus.cidr` is a /8
    or smaller, and none of a machine's own addresses.
    """
    if settings.prometheus and settings.prometheus.cidr:
        cidr = ipaddress.IPv4Network(settings.prometheus.cidr)
        if cidr.prefixlen < SHORTEST_PREFIX or any(cidr.overlaps(ipaddress.IPv4Network(one)) for one in LOCAL):
            allowed = f"a range that is /{SHORTEST_PREFIX} or smaller, and none of a machine's own addresses"
            yield Problem(f"{PROJECT}:prometheus.cidr", str(cidr), allowed)
    for name, service in settings.services.items():
        analysis = service.analysis
        if analysis is None:
            continue
        key = f"{PROJECT}:services.{name}.analysis"
        if analysis.has_queries and settings.prometheus is None:
            yield Problem(key, "", f"queries only with {PROJECT}:prometheus, which says where they are sent to")
        if analysis.uses_load_balancer and not service.paths:
            yield Problem(key, "", "queries for all metrics and for requests: without a path, no load balancer has any")
        names = [metric.metric for metric in analysis.metrics]
        if service.protocol == "GRPC" and SUCCESS_RATE in names:
            # https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
            needed = "a query: calls of gRPC that fail have the HTTP status 200, too, which the load balancer counts"
            yield Problem(f"{key}.metrics", SUCCESS_RATE, needed)
        for twice in sorted({one for one in names if names.count(one) > 1}):
            yield Problem(f"{key}.metrics", twice, "each metric once")
        least = analysis.seconds + (LATE_SECONDS if analysis.uses_load_balancer else 0)
        if analysis.limit_seconds < least:
            yield Problem(
                f"{key}.limitSeconds", str(analysis.limit_seconds), f"{least} or more, as seconds is {analysis.seconds}"
            )
