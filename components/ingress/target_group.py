"""Annotations for a load balancer's target group: health checks and deregistration delay.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/
"""

from __future__ import annotations

from typing import Literal

PREFIX = "alb.ingress.kubernetes.io"

INTERVAL_SECONDS = 10
TIMEOUT_SECONDS = 5
HEALTHY_AFTER = 2
UNHEALTHY_AFTER = 3
"""Consecutive results. A dead node gets no more requests after half a minute; one slow answer removes no node."""


GRPC_CHECK = ("/AWS.ALB/healthcheck", "12")
"""The load balancer's default check of gRPC: a method that no server has, and its status, UNIMPLEMENTED.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""


DELAY = "deregistration_delay.timeout_seconds"

NO_FAILOVER = "target_group_health.dns_failover.minimum_healthy_targets.count=off"
"""An attribute: whether its targets are healthy has no effect on DNS.

By default, one target group without a healthy target, such as an idle slot's, makes every zone of the load balancer
count as unhealthy. DNS then answers with all zones, even with one whose load balancer nodes have failed.
https://repost.aws/knowledge-center/elb-dns-cross-zone-balance-configuration
"""


def target_group(
    *,
    health_path: str,
    longest_request_seconds: int,
    success_codes: str = "200",
    protocol: str = "HTTP",
    version: Literal["HTTP1", "HTTP2", "GRPC"] = "HTTP1",
) -> dict[str, str]:
    """Annotations of a Service, or of an Ingress as defaults for its Services.

    Targets are nodes. A node forwards the health check to any ready pod of the live slot, so it shows the health of the
    node and not of a pod.

    Args:
        health_path: Path of the health check.
        longest_request_seconds: Deregistration delay: time for open requests when a node leaves (0 to 3600).
        success_codes: HTTP status codes of a healthy target, such as `200` or `200-399`.
        protocol: Protocol of the Service, `HTTP` or `HTTPS`.
        version: Its version. With `GRPC` the health check is `GRPC_CHECK` instead of the health path.
    """
    if version == "GRPC":
        health_path, success_codes = GRPC_CHECK
    return {
        **({} if version == "HTTP1" else {f"{PREFIX}/backend-protocol-version": version}),
        f"{PREFIX}/backend-protocol": protocol,
        f"{PREFIX}/healthcheck-protocol": protocol,
        f"{PREFIX}/healthcheck-path": health_path,
        f"{PREFIX}/healthcheck-interval-seconds": str(INTERVAL_SECONDS),
        f"{PREFIX}/healthcheck-timeout-seconds": str(TIMEOUT_SECONDS),
        f"{PREFIX}/healthy-threshold-count": str(HEALTHY_AFTER),
        f"{PREFIX}/unhealthy-threshold-count": str(UNHEALTHY_AFTER),
        f"{PREFIX}/success-codes": success_codes,
        f"{PREFIX}/target-group-attributes": f"{DELAY}={longest_request_seconds},{NO_FAILOVER}",
    }
