"""Every host name of the stack: its Ingress, and the record that leads there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

import config
from components.ingress.dns_record import TTL_SECONDS, DnsRecord
from components.ingress.ingress import Backend, Ingress, IngressArgs
from components.ingress.load_balancers import LoadBalancers


@dataclass(frozen=True, kw_only=True)
class HostsArgs:
    """What `Hosts` are made from.

    Attributes:
        hosts: Each host name, by what it reaches.
        load_balancer_of: The load balancer that each is on, by what it reaches.
        load_balancers: The load balancers.
        backends: What each host leads to, by the same names.
        dns: Where the hosts are looked up.
        region: AWS region of the load balancers.
    """

    hosts: Mapping[str, str]
    load_balancer_of: Mapping[str, config.LoadBalancerName]
    load_balancers: LoadBalancers
    backends: Mapping[str, Backend]
    dns: config.Dns
    region: str

    def __post_init__(self) -> None:
        """Refuses a host that leads nowhere, and a backend that no host leads to."""
        if set(self.backends) != set(self.hosts):
            odd = ", ".join(sorted(set(self.backends) ^ set(self.hosts)))
            raise ValueError(f"each host needs one backend, and each backend a host: {odd}")


class Hosts(pulumi.ComponentResource):
    """An Ingress for each host, once there is a certificate. It takes providers of both, `aws` and `kubernetes`.

    Attributes:
        records: What a person has to enter at the DNS provider; nothing where the program does.
    """

    records: Sequence[Mapping[str, Any]]

    def __init__(self, name: str, args: HostsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Hosts", name, {}, opts)
        self._dns, self._region = args.dns, args.region
        self._child = pulumi.ResourceOptions(parent=self)
        records = list(args.load_balancers.records)
        for reaches, host in args.hosts.items() if args.load_balancers.is_open else ():
            ingress = Ingress(
                reaches,
                IngressArgs(
                    host=host,
                    ingress_class=args.load_balancers.classes[args.load_balancer_of[reaches]],
                    backend=args.backends[reaches],
                ),
                opts=self._child,
            )
            records += self._record(reaches, host, ingress.address)
        self.records = [record.entry for record in records]
        self.register_outputs({"records": self.records})

    def _record(self, reaches: str, host: str, address: pulumi.Output[str]) -> list[DnsRecord]:
        """Makes the record where Route 53 serves the zone, and else says which one to enter."""
        dns = self._dns
        at_apex = host == dns.zone
        if dns.zone_id is None:
            return [
                DnsRecord(name=host, type="ALIAS" if at_apex else "CNAME", value=address, why=f"leads to {reaches}")
            ]
        if at_apex:
            balancers = aws.lb.get_hosted_zone_id_output(
                region=self._region,
                load_balancer_type="application",
                opts=pulumi.InvokeOutputOptions(parent=self),
            )
            alias = aws.route53.RecordAliasArgs(name=address, zone_id=balancers.id, evaluate_target_health=False)
            aws.route53.Record(reaches, zone_id=dns.zone_id, name=host, type="A", aliases=[alias], opts=self._child)
        else:
            aws.route53.Record(
                reaches,
                zone_id=dns.zone_id,
                name=host,
                type="CNAME",
                records=[address],
                ttl=TTL_SECONDS,
                opts=self._child,
            )
        return []
