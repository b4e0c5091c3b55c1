"""Annotations that the Kubernetes provider of Pulumi reads."""

from __future__ import annotations

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""No wait for readiness: `pulumi up` must not fail because a release is unhealthy. `release status` shows health.

https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""

PATCH_FORCE = {"pulumi.com/patchForce": "true"}
"""Conflicts of a server-side apply are overwritten: for fields of ours that a controller writes back in its own form.

Not for fields that another writer decides about: decision 0002.
https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/
"""
