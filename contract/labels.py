"""Label keys."""

from __future__ import annotations

ENVIRONMENT = "environment"
"""`dev` or `prod`, on nodes, namespaces and pods. Also the key of the taint of prod's nodes."""

NODES = "nodes"
"""On nodes that an environment has for its services alone; also the key of their taint."""

SERVICES = "services"
"""The value of `NODES`."""

SERVICE = "app.kubernetes.io/name"
"""Name of the service. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/."""

SLOT = "slot"
"""`blue` or `green`, on Deployments and pods, and in the selector of a service's Services."""
