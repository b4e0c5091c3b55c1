"""The ways in: a load balancer for users, one for staff, and the controller that makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

import config
from components.aws.access_logs import AccessLogs, AccessLogsArgs
from components.cluster.reference import ClusterReference
from components.ingress.certificate import Certificate, CertificateArgs
from components.ingress.dns_record import DnsRecord
from components.ingress.ingress_class import IngressClass, IngressClassArgs
from components.ingress.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs


@dataclass(frozen=True, kw_only=True)
class LoadBalancersArgs:
    """What a `LoadBalancers` is made from.

    Attributes:
        load_balancer: Who reaches each of the two, and their time-outs, certificate and firewall.
        namespaces: Whose Ingresses each takes, by its name.
        domain: DOMAIN, for the certificate.
        dns: Where DOMAIN is looked up.
        charts: Where charts come from instead of their public repositories.
        protect: Whether they refuse to be deleted.
        cluster: The cluster.
        vpc_id: The VPC that the load balancers stand in.
        nodes: What the controller needs in order to run: nodes, and the cluster's DNS, by which it finds AWS.
    """

    load_balancer: config.LoadBalancer
    namespaces: Mapping[config.LoadBalancerName, Sequence[str]]
    domain: str
    dns: config.Dns
    charts: str | None
    protect: bool
    cluster: ClusterReference
    vpc_id: pulumi.Input[str]
    nodes: Sequence[pulumi.Resource]


class LoadBalancers(pulumi.ComponentResource):
    """What Ingresses need. It takes providers of both, `aws` and `kubernetes`.

    Attributes:
        classes: Name of each load balancer's IngressClass, known once it exists.
        is_open: Whether hosts may use them: not before there is a certificate.
        records: What a person has to enter at the DNS provider before that.
    """

    classes: dict[str, pulumi.Output[str]]
    is_open: bool
    records: Sequence[DnsRecord]

    def __init__(self, name: str, args: LoadBalancersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:FrontDoor", name, {}, opts)
        controller = LoadBalancerController(
            name,
            LoadBalancerControllerArgs(cluster=args.cluster, vpc_id=args.vpc_id, charts=args.charts, nodes=args.nodes),
            opts=pulumi.ResourceOptions(parent=self),
        )
        asked = args.load_balancer
        logs = AccessLogs(
            name,
            AccessLogsArgs(account=args.cluster.account, retention_days=asked.access_log_days),
            opts=pulumi.ResourceOptions(parent=self),
        )
        certificate_arn = self._certificate(name, args)
        cidrs = {"public": asked.public_cidrs, "staff": asked.staff_cidrs}
        self.classes = {
            one: IngressClass(
                one,
                IngressClassArgs(
                    namespaces=args.namespaces[one],
                    inbound_cidrs=cidrs[one],
                    certificate_arn=certificate_arn,
                    web_acl_arn=asked.web_acl_arn,
                    attributes=attributes(asked, logs.bucket, protect=args.protect),
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[controller]),
            ).ingress_class
            for one in config.LOAD_BALANCERS
        }
        self.register_outputs({"classes": self.classes, "is_open": self.is_open})

    def _certificate(self, name: str, args: LoadBalancersArgs) -> pulumi.Input[str]:
        """The ARN of the one that the settings name, or of one that it makes."""
        named = args.load_balancer.certificate_arn
        self.is_open, self.records = True, []
        if named:
            return named
        made = Certificate(
            name, CertificateArgs(domain=args.domain, dns=args.dns), opts=pulumi.ResourceOptions(parent=self)
        )
        self.is_open, self.records = made.issued, made.records
        return made.arn


def attributes(
    asked: config.LoadBalancer, log_bucket: pulumi.Input[str], *, protect: bool
) -> dict[str, pulumi.Input[str]]:
    """What holds for both load balancers.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
    """
    return {
        "idle_timeout.timeout_seconds": str(asked.idle_timeout_seconds),
        "deletion_protection.enabled": str(protect).lower(),
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": log_bucket,
        # A header whose name is none may mean one thing here and another to a service.
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
