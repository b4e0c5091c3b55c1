"""Kibana's namespace and host name; the programs themselves, and what may reach them, are not built yet."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.ingress import Ingress, IngressArgs, Route
from components.namespace import Namespace, NamespaceArgs

NAMESPACE = "logging"

KIBANA = Route(path="/", service="kibana-kb-http", port=5601)
"""The Service that the ECK operator makes for a Kibana named `kibana`.

https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/accessing-services
"""


@dataclass(frozen=True, kw_only=True)
class KibanaArgs:
    """What `Kibana` is made from.

    Attributes:
        host: Its host name.
        ingress_class: Name of the IngressClass that staff reach.
        protect: Whether its namespace refuses to be deleted.
    """

    host: str
    ingress_class: pulumi.Input[str]
    protect: bool


class Kibana(pulumi.ComponentResource):
    """Where staff read the logs.

    Attributes:
        namespace: The namespace of Elasticsearch and Kibana.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: KibanaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Kibana", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = Namespace(NAMESPACE, NamespaceArgs(name=NAMESPACE, protect=args.protect), opts=child).namespace
        Ingress(
            name,
            IngressArgs(namespace=self.namespace, host=args.host, ingress_class=args.ingress_class, routes=[KIBANA]),
            opts=child,
        )
        self.register_outputs({"namespace": self.namespace})
