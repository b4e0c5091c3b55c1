"""The namespace of Elasticsearch and Kibana, and the backend of Kibana's host."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.ingress.ingress import Backend, Route
from components.ingress.target_group import target_group
from components.kubernetes.namespace import Namespace, NamespaceArgs
from contract.namespaces import LOGGING

KIBANA = Route(path="/", service="kibana-kb-http", port=5601)
"""The Service that the ECK operator makes for a Kibana named `kibana`.

https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/accessing-services
"""

LOGIN = "/login"
"""Health check path: answers without a login; the operator's readiness probe uses it as well.

https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/k8s-kibana-advanced-configuration
"""

LONGEST_QUERY = 30
"""Seconds; the default of Kibana's `elasticsearch.requestTimeout`."""


@dataclass(frozen=True, kw_only=True)
class KibanaArgs:
    """Arguments of `Kibana`.

    Attributes:
        environment: Environment on whose nodes Kibana runs.
        protect: Whether the namespace is protected from deletion.
    """

    environment: str
    protect: bool


class Kibana(pulumi.ComponentResource):
    """The namespace of Elasticsearch and Kibana, and the backend of Kibana's host. `Logs` creates Kibana itself.

    Attributes:
        namespace: Name of the namespace.
        backend: Routes of Kibana's host.
    """

    namespace: pulumi.Output[str]
    backend: Backend

    def __init__(self, name: str, args: KibanaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Kibana", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = Namespace(LOGGING, NamespaceArgs(name=LOGGING, protect=args.protect), opts=child).namespace
        self.backend = Backend(
            namespace=self.namespace,
            routes=[KIBANA],
            environment=args.environment,
            annotations=target_group(health_path=LOGIN, longest_request_seconds=LONGEST_QUERY, protocol="HTTPS"),
        )
        self.register_outputs({"namespace": self.namespace})
