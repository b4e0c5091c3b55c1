"""A load balancer that Ingresses ask for by name, and all that is not theirs to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes.metadata import NAMESPACE_NAME, name_of

CONTROLLER = "ingress.k8s.aws/alb"
GROUP = "elbv2.k8s.aws"
PARAMETERS = "IngressClassParams"
"""The AWS Load Balancer Controller's name as an IngressClass knows it, and its kind of parameters.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/ingress_class/
"""

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
"""TLS 1.3 and 1.2, forward secrecy only: what AWS recommends.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""


@dataclass(frozen=True, kw_only=True)
class IngressClassArgs:
    """What an `IngressClass` is made from.

    Attributes:
        namespaces: Whose Ingresses it takes; at least one.
        inbound_cidrs: Who reaches its hosts, IPv4; at least one.
        certificate_arn: Of the hosts' certificate in ACM; None for the one that the controller finds by their names.
        web_acl_arn: Of a WAF web ACL that judges each request first; None for none.
        attributes: The load balancer's own, by their names in AWS.
            https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
    """

    namespaces: Sequence[str]
    inbound_cidrs: Sequence[str]
    certificate_arn: pulumi.Input[str] | None = None
    web_acl_arn: str | None = None
    attributes: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        """Refuses an empty list: the controller takes it for everybody."""
        if not self.namespaces or not self.inbound_cidrs:
            raise ValueError("an IngressClass needs at least one namespace and one range of addresses")


def parameters(name: str, args: IngressClassArgs) -> dict[str, object]:
    """The spec of the class's IngressClassParams: an Ingress' own annotations about the same are not heard."""
    return {
        "group": {"name": name},
        "namespaceSelector": {
            "matchExpressions": [{"key": NAMESPACE_NAME, "operator": "In", "values": list(args.namespaces)}]
        },
        "scheme": "internet-facing",
        "ipAddressType": "ipv4",
        "inboundCIDRs": list(args.inbound_cidrs),
        "sslPolicy": TLS_POLICY,
        "sslRedirectPort": "443",
        **({"certificateArn": [args.certificate_arn]} if args.certificate_arn else {}),
        **({"wafv2AclArn": args.web_acl_arn} if args.web_acl_arn else {}),
        "targetType": "instance",
        "loadBalancerAttributes": [{"key": key, "value": value} for key, value in args.attributes.items()],
    }


class IngressClass(pulumi.ComponentResource):
    """One load balancer on the internet, of one group of Ingresses.

    Attributes:
        ingress_class: The IngressClass's name, known once it exists.
    """

    ingress_class: pulumi.Output[str]

    def __init__(self, name: str, args: IngressClassArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:IngressClass", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        asked = kubernetes.apiextensions.CustomResource(
            name,
            api_version=f"{GROUP}/v1beta1",
            kind=PARAMETERS,
            metadata=ObjectMetaArgs(name=name),
            spec=parameters(name, args),
            opts=child,
        )
        made = kubernetes.networking.v1.IngressClass(
            name,
            metadata=ObjectMetaArgs(name=name),
            spec=kubernetes.networking.v1.IngressClassSpecArgs(
                controller=CONTROLLER,
                parameters=kubernetes.networking.v1.IngressClassParametersReferenceArgs(
                    api_group=GROUP, kind=PARAMETERS, name=name
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[asked]),
        )
        self.ingress_class = name_of(made.metadata, name)
        self.register_outputs({"ingress_class": self.ingress_class})
