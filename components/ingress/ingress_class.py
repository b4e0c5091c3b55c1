"""IngressClass of one load balancer, with the parameters that Ingresses cannot override."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes.metadata import NAMESPACE_NAME

CONTROLLER = "ingress.k8s.aws/alb"
GROUP = "elbv2.k8s.aws"
PARAMETERS = "IngressClassParams"
"""Controller name of the AWS Load Balancer Controller, API group and kind of its parameters.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/ingress_class/
"""

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
"""TLS 1.3 and 1.2 with forward secrecy, as AWS recommends.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""


@dataclass(frozen=True, kw_only=True)
class IngressClassArgs:
    """Arguments of `IngressClass`.

    Attributes:
        namespaces: Namespaces whose Ingresses may use it, at least one.
        inbound_cidrs: IPv4 ranges of allowed clients, at least one.
        subnet_ids: Public subnets of every zone. Otherwise the controller finds them when it creates the load balancer,
            and keeps them: nodes in a new zone would get nothing.
            https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/pkg/ingress/model_build_load_balancer.go
        certificate_arn: ARN of the ACM certificate; None for the one that the controller finds by host name.
        web_acl_arn: ARN of the WAF web ACL; None for none.
        attributes: Attributes of the load balancer, by their names in AWS.
            https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
    """

    namespaces: Sequence[str]
    inbound_cidrs: Sequence[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    certificate_arn: pulumi.Input[str] | None = None
    web_acl_arn: str | None = None
    attributes: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        """Refuses empty lists, with which the controller would allow all namespaces or all clients."""
        if not self.namespaces or not self.inbound_cidrs:
            raise ValueError("an IngressClass needs at least one namespace and one range of addresses")


def parameters(name: str, args: IngressClassArgs) -> dict[str, object]:
    """Spec of IngressClassParams; it overrides the corresponding annotations of an Ingress."""
    return {
        "group": {"name": name},
        "namespaceSelector": {
            "matchExpressions": [{"key": NAMESPACE_NAME, "operator": "In", "values": list(args.namespaces)}]
        },
        "scheme": "internet-facing",
        "ipAddressType": "ipv4",
        "inboundCIDRs": list(args.inbound_cidrs),
        "subnets": {"ids": list(args.subnet_ids)},
        "sslPolicy": TLS_POLICY,
        "sslRedirectPort": "443",
        **({"certificateArn": [args.certificate_arn]} if args.certificate_arn else {}),
        # Without either, the controller leaves an associated web ACL where it is.
        **({"wafv2AclArn": args.web_acl_arn} if args.web_acl_arn else {"wafv2AclName": "none"}),
        "targetType": "instance",
        "loadBalancerAttributes": [{"key": key, "value": value} for key, value in args.attributes.items()],
    }


class IngressClass(pulumi.ComponentResource):
    """IngressClass of one internet-facing load balancer, of the component's name."""

    def __init__(self, name: str, args: IngressClassArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:IngressClass", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        params = kubernetes.apiextensions.CustomResource(
            name,
            api_version=f"{GROUP}/v1beta1",
            kind=PARAMETERS,
            metadata=ObjectMetaArgs(name=name),
            spec=parameters(name, args),
            opts=child,
        )
        kubernetes.networking.v1.IngressClass(
            name,
            metadata=ObjectMetaArgs(name=name),
            spec=kubernetes.networking.v1.IngressClassSpecArgs(
                controller=CONTROLLER,
                parameters=kubernetes.networking.v1.IngressClassParametersReferenceArgs(
                    api_group=GROUP, kind=PARAMETERS, name=name
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[params]),
        )
        self.register_outputs({})
