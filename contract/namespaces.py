"""Namespaces of the platform's tooling. An environment's namespace has the environment's name."""

from __future__ import annotations

DELIVERY = "delivery"
"""Service accounts of delivery, and the Jenkins agents that use them."""

JENKINS = "jenkins"
"""The Jenkins controller."""

LOGGING = "logging"
"""Elasticsearch, Kibana, the ECK operator and the logging bootstrap."""

LOG_COLLECTOR = "log-collector"
"""Fluentd, the only pods that may mount host paths."""
