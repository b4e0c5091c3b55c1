"""Fluentd's configuration file, as pure functions: `configuration` joins the sections of the other modules."""

from components.logging.fluentd.configuration import configuration
from components.logging.fluentd.outputs import Elasticsearch

__all__ = ["Elasticsearch", "configuration"]
