"""Fluentd's configuration as text: one module a concern, `configuration` puts them together."""

from components.efk.fluentd.configuration import configuration
from components.efk.fluentd.outputs import Elasticsearch

__all__ = ["Elasticsearch", "configuration"]
