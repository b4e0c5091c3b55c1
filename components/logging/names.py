"""Names that the parts of the logging stack share."""

from __future__ import annotations

from contract.namespaces import LOGGING

FLUENTD = "fluentd"
SETUP = "logs-setup"
READER = "reader"
"""Users of Elasticsearch; the first two are also Kubernetes service accounts, the last is shared by people."""

ELASTICSEARCH = "hello"
"""Name of the Elasticsearch object, from which the operator derives the names of Services and Secrets.

https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/accessing-services
"""

ELASTICSEARCH_HOST = f"{ELASTICSEARCH}-es-http.{LOGGING}.svc"
ELASTICSEARCH_PORT = 9200
TRANSPORT_PORT = 9300
ELASTICSEARCH_CA = f"{ELASTICSEARCH}-es-http-certs-public"
"""Secret with the certificate of Elasticsearch's CA, `ca.crt`."""

KIBANA = "kibana"
KIBANA_HOST = f"{KIBANA}-kb-http.{LOGGING}.svc"
KIBANA_PORT = 5601
KIBANA_CA = f"{KIBANA}-kb-http-certs-public"

CA = "elasticsearch-ca"
"""ConfigMap in Fluentd's namespace with a copy of `ELASTICSEARCH_CA`, which the bootstrap job keeps current."""

CA_KEY = "ca.crt"

DATA_STREAMS = "logs-hello"
"""Prefix of the data streams' names; the environment follows, or `platform`.

https://www.elastic.co/docs/reference/fleet/data-streams#data-streams-naming-scheme
"""

ELASTICSEARCH_PODS = {"elasticsearch.k8s.elastic.co/cluster-name": ELASTICSEARCH}
KIBANA_PODS = {"kibana.k8s.elastic.co/name": KIBANA}
OPERATOR_PODS = {"app.kubernetes.io/name": "elastic-operator"}
"""Pod labels that the operator and its chart set."""
