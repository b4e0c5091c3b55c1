"""Annotations that the program writes for the Kubernetes provider."""

from __future__ import annotations

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""A release that does not get ready on dev must not hold up a change of prod: health is `release status`' to show.

https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""
