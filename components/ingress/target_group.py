"""How a load balancer finds out which nodes lead to a Service, and when it stops using one: annotations.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/
"""

from __future__ import annotations

PREFIX = "alb.ingress.kubernetes.io"

INTERVAL_SECONDS = 10
TIMEOUT_SECONDS = 5
HEALTHY_AFTER = 2
UNHEALTHY_AFTER = 3
"""Answers in a row. A node that dies gets nothing any more after half a minute; one slow answer takes none away."""


def target_group(
    *, health_path: str, longest_request_seconds: int, success_codes: str = "200", protocol: str = "HTTP"
) -> dict[str, str]:
    """The annotations of a Service, or of an Ingress for those of its Services that say nothing.

    A check asks one node, and the node any ready pod of the live slot: it tells of nodes, not of pods.

    Args:
        health_path: Answers with one of the codes while the Service serves.
        longest_request_seconds: A node that leaves still answers requests for as long (0 to 3600).
        success_codes: HTTP status codes of a good answer, as in `200` or `200-399`.
        protocol: What the Service speaks, `HTTP` or `HTTPS`.
    """
    return {
        f"{PREFIX}/backend-protocol": protocol,
        f"{PREFIX}/healthcheck-protocol": protocol,
        f"{PREFIX}/healthcheck-path": health_path,
        f"{PREFIX}/healthcheck-interval-seconds": str(INTERVAL_SECONDS),
        f"{PREFIX}/healthcheck-timeout-seconds": str(TIMEOUT_SECONDS),
        f"{PREFIX}/healthy-threshold-count": str(HEALTHY_AFTER),
        f"{PREFIX}/unhealthy-threshold-count": str(UNHEALTHY_AFTER),
        f"{PREFIX}/success-codes": success_codes,
        f"{PREFIX}/target-group-attributes": f"deregistration_delay.timeout_seconds={longest_request_seconds}",
    }
