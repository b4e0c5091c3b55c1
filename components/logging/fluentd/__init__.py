"""Fluentd's configuration as text: one module a concern, `configuration` puts them together."""

from components.logging.fluentd.configuration import configuration
from components.logging.fluentd.outputs import Elasticsearch

__all__ = ["Elasticsearch", "configuration"]
