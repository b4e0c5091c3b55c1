"""Host names of the stack: their Ingresses and DNS records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

import config
from components.ingress.dns_record import DnsRecord
from components.ingress.ingress import Backend, Ingress, IngressArgs
from components.ingress.load_balancers import LoadBalancers


@dataclass(frozen=True, kw_only=True)
class HostsArgs:
    """Arguments of `Hosts`.

    Attributes:
        hosts: Host name of each backend, by the backend's name.
        load_balancer_of: Load balancer of each backend, by the backend's name.
        load_balancers: The load balancers.
        backends: The backends, by name.
        dns: DNS zone of the hosts.
        region: AWS region of the load balancers.
    """

    hosts: Mapping[str, str]
    load_balancer_of: Mapping[str, config.LoadBalancerName]
    load_balancers: LoadBalancers
    backends: Mapping[str, Backend]
    dns: config.Dns
    region: str

    def __post_init__(self) -> None:
        """Refuses hosts without a backend, and backends without a host."""
        if set(self.backends) != set(self.hosts):
            unmatched = ", ".join(sorted(set(self.backends) ^ set(self.hosts)))
            raise ValueError(f"each host needs a backend, and each backend a host: {unmatched}")


def ingress_name(backend: str, load_balancer: config.LoadBalancerName) -> str:
    """Name of a host's Ingress: another one on the load balancer that `testHost` can choose.

    So a move makes a new Ingress, whose address DNS gets, and then deletes the old one. An Ingress that is changed has
    its old address in its status for a while: `up` would not wait, and DNS stay on the old load balancer for good.
    """
    return f"{backend}-{load_balancer}" if (backend, load_balancer) == ("dev", "public") else backend


class Hosts(pulumi.ComponentResource):
    """An Ingress and a DNS record for each host, once the certificate is issued.

    Needs `aws` and `kubernetes` providers in its options.

    Attributes:
        records: DNS records to create by hand; empty where Route 53 has the zone.
    """

    records: Sequence[Mapping[str, Any]]

    def __init__(self, name: str, args: HostsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Hosts", name, {}, opts)
        self._dns, self._region = args.dns, args.region
        self._child = pulumi.ResourceOptions(parent=self)
        # The Ingresses name their class in plain text, so that `Limits` can count what each load balancer has.
        after_classes = pulumi.ResourceOptions(parent=self, depends_on=[args.load_balancers])
        records = list(args.load_balancers.records)
        for backend, host in args.hosts.items() if args.load_balancers.is_open else ():
            load_balancer = args.load_balancer_of[backend]
            ingress = Ingress(
                ingress_name(backend, load_balancer),
                IngressArgs(
                    host=host,
                    ingress_class=load_balancer,
                    backend=args.backends[backend],
                ),
                opts=after_classes,
            )
            records += self._record(backend, host, ingress.address)
        self.records = [record.entry for record in records]
        self.register_outputs({"records": self.records})

    def _record(self, backend: str, host: str, address: pulumi.Output[str]) -> list[DnsRecord]:
        """Registers the host's record in Route 53; without a zone there, returns the record to create by hand."""
        dns = self._dns
        if dns.zone_id is None:
            type_ = "ALIAS" if host == dns.zone else "CNAME"
            return [DnsRecord(name=host, type=type_, value=address, why=f"leads to {backend}")]
        load_balancer_zone = aws.lb.get_hosted_zone_id_output(
            region=self._region,
            load_balancer_type="application",
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        # Unlike a CNAME, an alias may stand at the zone apex and beside records of other types, and is free of charge.
        # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html
        alias = aws.route53.RecordAliasArgs(name=address, zone_id=load_balancer_zone.id, evaluate_target_health=False)
        aws.route53.Record(backend, zone_id=dns.zone_id, name=host, type="A", aliases=[alias], opts=self._child)
        return []
