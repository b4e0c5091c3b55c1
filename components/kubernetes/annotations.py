"""Annotations that the Kubernetes provider of Pulumi reads."""

from __future__ import annotations

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""No wait for readiness: `pulumi up` must not fail because a release is unhealthy. `release status` shows health.

https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""
