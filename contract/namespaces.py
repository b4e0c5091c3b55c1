"""Namespaces of the cluster besides those of the environments, which are named as these are: `dev`, `prod`."""

from __future__ import annotations

DELIVERY = "delivery"
"""Service accounts that release, verify and preview, and the agents that act as them."""

JENKINS = "jenkins"
"""Jenkins' controller."""

LOGGING = "logging"
"""Elasticsearch, Kibana, their operator, and what sets them up."""

LOG_COLLECTOR = "log-collector"
"""Fluentd, which alone may mount directories of a node."""
