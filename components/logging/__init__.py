"""Elasticsearch, Fluentd and Kibana."""
