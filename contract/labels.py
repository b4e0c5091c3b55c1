"""Label keys, for everyone: the program, the release tool, policies, scripts."""

from __future__ import annotations

ENVIRONMENT = "environment"
"""On nodes, namespaces and pods: `dev` or `prod`. Also the key of prod's taint."""

SERVICE = "app.kubernetes.io/name"
"""The service. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/."""

SLOT = "slot"
"""`blue` or `green`, on Deployments and pods, and in the selector of a service's Services."""
