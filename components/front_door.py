"""The ways in: a load balancer for users, one for staff, and the controller that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

import settings
from components.access_logs import AccessLogs, AccessLogsArgs
from components.certificate import Certificate, CertificateArgs
from components.cluster_reference import ClusterReference
from components.dns_record import DnsRecord
from components.efk.kibana import NAMESPACE as LOGGING
from components.ingress_class import IngressClass, IngressClassArgs
from components.jenkins.names import NAMESPACE as JENKINS
from components.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs

NAMESPACES = {"logs": LOGGING, "jenkins": JENKINS, "hook": JENKINS}
"""Where what a tool's host leads to is, by the names of `Settings.hosts`."""


@dataclass(frozen=True, kw_only=True)
class FrontDoorArgs:
    """What a `FrontDoor` is made from.

    Attributes:
        config: The stack's settings: who reaches which host.
        cluster: The cluster.
        vpc_id: The VPC that the load balancers stand in.
        nodes: What the controller needs in order to run: nodes, and the cluster's DNS, by which it finds AWS.
    """

    config: settings.Settings
    cluster: ClusterReference
    vpc_id: pulumi.Input[str]
    nodes: Sequence[pulumi.Resource]


class FrontDoor(pulumi.ComponentResource):
    """What Ingresses need. It takes providers of both, `aws` and `kubernetes`.

    Attributes:
        classes: Name of each load balancer's IngressClass, known once it exists.
        is_open: Whether hosts may use them: not before there is a certificate.
        records: What a person has to enter at the DNS provider before that.
    """

    classes: dict[str, pulumi.Output[str]]
    is_open: bool
    records: Sequence[DnsRecord]

    def __init__(self, name: str, args: FrontDoorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:FrontDoor", name, {}, opts)
        controller = LoadBalancerController(
            name,
            LoadBalancerControllerArgs(
                cluster=args.cluster, vpc_id=args.vpc_id, charts=args.config.charts, nodes=args.nodes
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        asked = args.config.load_balancer
        logs = AccessLogs(
            name,
            AccessLogsArgs(account=args.cluster.account, retention_days=asked.access_log_days),
            opts=pulumi.ResourceOptions(parent=self),
        )
        certificate_arn = self._certificate(name, args.config)
        cidrs = {"public": asked.public_cidrs, "staff": asked.staff_cidrs}
        self.classes = {
            one: IngressClass(
                one,
                IngressClassArgs(
                    namespaces=namespaces(args.config, one),
                    inbound_cidrs=cidrs[one],
                    certificate_arn=certificate_arn,
                    web_acl_arn=asked.web_acl_arn,
                    attributes=attributes(args.config, logs.bucket),
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[controller]),
            ).ingress_class
            for one in settings.LOAD_BALANCERS
        }
        self.register_outputs({"classes": self.classes, "is_open": self.is_open})

    def _certificate(self, name: str, config: settings.Settings) -> pulumi.Input[str]:
        """The ARN of the one that the settings name, or of one that it makes."""
        named = config.load_balancer.certificate_arn
        self.is_open, self.records = True, []
        if named:
            return named
        made = Certificate(
            name, CertificateArgs(domain=config.domain, dns=config.dns), opts=pulumi.ResourceOptions(parent=self)
        )
        self.is_open, self.records = made.issued, made.records
        return made.arn


def namespaces(config: settings.Settings, load_balancer: str) -> list[str]:
    """Whose Ingresses a load balancer takes: those of its hosts, and no other."""
    return [NAMESPACES.get(name, name) for name in config.hosts if config.load_balancer_of(name) == load_balancer]


def attributes(config: settings.Settings, log_bucket: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """What holds for both load balancers.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
    """
    return {
        "idle_timeout.timeout_seconds": str(config.load_balancer.idle_timeout_seconds),
        "deletion_protection.enabled": str(config.protect).lower(),
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": log_bucket,
        # A header whose name is none may mean one thing here and another to a service.
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
