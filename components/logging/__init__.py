"""Elasticsearch, Fluentd, Kibana: three programs, hence a folder."""
