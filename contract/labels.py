"""Label keys."""

from __future__ import annotations

ENVIRONMENT = "environment"
"""`dev` or `prod`, on nodes, namespaces and pods. Also the key of the taint of prod's nodes."""

SERVICE = "app.kubernetes.io/name"
"""Name of the service. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/."""

SLOT = "slot"
"""`blue` or `green`, on Deployments and pods, and in the selector of a service's Services."""
