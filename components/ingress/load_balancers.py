"""The public and the staff load balancer, with their controller, certificate and access logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

import config
from components.aws.access_logs import AccessLogs, AccessLogsArgs
from components.cluster.reference import ClusterReference
from components.ingress.certificate import Certificate, CertificateArgs, Request
from components.ingress.dns_record import DnsRecord
from components.ingress.ingress_class import IngressClass, IngressClassArgs
from components.ingress.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs


@dataclass(frozen=True, kw_only=True)
class LoadBalancersArgs:
    """Arguments of `LoadBalancers`.

    Attributes:
        load_balancer: Allowed clients, idle timeout, certificate, web ACL and log retention.
        namespaces: Namespaces whose Ingresses may use each load balancer, by its name.
        domain: DOMAIN, for the certificate.
        dns: DNS zone of DOMAIN.
        certificate_request: The certificate request of this run.
        charts: Source of charts instead of their public repositories; None for those.
        protect: Whether the load balancers have deletion protection.
        cluster: The cluster.
        vpc_id: Id of the VPC.
        subnet_ids: Public subnets of every zone.
        nodes: Resources that the controller's pods need in order to run: nodes and CoreDNS.
    """

    load_balancer: config.LoadBalancer
    namespaces: Mapping[config.LoadBalancerName, Sequence[str]]
    domain: str
    dns: config.Dns
    certificate_request: Request
    charts: str | None
    protect: bool
    cluster: ClusterReference
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    nodes: Sequence[pulumi.Resource]


class LoadBalancers(pulumi.ComponentResource):
    """Load balancers for Ingresses. Needs `aws` and `kubernetes` providers in its options.

    Each has an IngressClass of its name, which Ingresses must depend on.

    Attributes:
        is_open: Whether hosts can use the load balancers, that is, whether the certificate is issued.
        records: DNS records to create by hand for the certificate.
    """

    is_open: bool
    records: Sequence[DnsRecord]

    def __init__(self, name: str, args: LoadBalancersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:FrontDoor", name, {}, opts)
        controller = LoadBalancerController(
            name,
            LoadBalancerControllerArgs(cluster=args.cluster, vpc_id=args.vpc_id, charts=args.charts, nodes=args.nodes),
            opts=pulumi.ResourceOptions(parent=self),
        )
        settings = args.load_balancer
        logs = AccessLogs(
            name,
            AccessLogsArgs(account=args.cluster.account, retention_days=settings.access_log_days),
            opts=pulumi.ResourceOptions(parent=self),
        )
        certificate_arn = self._certificate(name, args)
        cidrs = {"public": settings.public_cidrs, "staff": settings.staff_cidrs}
        for load_balancer in config.LOAD_BALANCERS:
            IngressClass(
                load_balancer,
                IngressClassArgs(
                    namespaces=args.namespaces[load_balancer],
                    inbound_cidrs=cidrs[load_balancer],
                    subnet_ids=args.subnet_ids,
                    certificate_arn=certificate_arn,
                    web_acl_arn=settings.web_acl_arn,
                    attributes=attributes(settings, logs.bucket, protect=args.protect),
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[controller]),
            )
        self.register_outputs({"is_open": self.is_open})

    def _certificate(self, name: str, args: LoadBalancersArgs) -> pulumi.Input[str]:
        """ARN of the configured certificate, or of a new one."""
        configured_arn = args.load_balancer.certificate_arn
        self.is_open, self.records = True, []
        if configured_arn:
            return configured_arn
        certificate = Certificate(
            name,
            CertificateArgs(domain=args.domain, dns=args.dns, request=args.certificate_request),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.is_open, self.records = certificate.issued, certificate.records
        return certificate.arn


def attributes(
    settings: config.LoadBalancer, log_bucket: pulumi.Input[str], *, protect: bool
) -> dict[str, pulumi.Input[str]]:
    """Attributes of both load balancers.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
    """
    return {
        "idle_timeout.timeout_seconds": str(settings.idle_timeout_seconds),
        "deletion_protection.enabled": str(protect).lower(),
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": log_bucket,
        # An underscore makes a name invalid. Ambiguous requests are blocked by the default `desync_mitigation_mode`.
        "routing.http.drop_invalid_header_fields.enabled": str(settings.drop_invalid_headers).lower(),
    }
