"""The VPC: subnets, route tables, NAT gateways and flow logs."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

import config
from components.aws import flow_logs
from components.aws.account import Account
from components.aws.log_group import LogGroupDefaults
from components.kubernetes.network_policy import HTTPS, Addresses


@dataclass(frozen=True, kw_only=True)
class ZoneCidrs:
    """The IPv4 ranges of one zone's subnets.

    Attributes:
        private: Range of nodes and pods, an eighth of the VPC.
        public: Range of load balancers and NAT gateways, a 128th of the VPC: /27 at least, as load balancers need.
            https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
        control_plane: Range of the API servers' network interfaces and of nothing else, a /28.
        endpoints: Range of interface endpoints and of nothing else, a /28.
    """

    private: str
    public: str
    control_plane: str
    endpoints: str


FIRST_ZONES = 2
"""Zones at the head of the list that a stack keeps for good.

EKS refuses a control plane in zones other than those of its creation, which are two at least.
https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets
"""

SMALL_PREFIX = 28
"""AWS recommends small dedicated subnets for the network interfaces of EKS.

https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets
"""


def split(vpc_cidr: str, zones: Sequence[str]) -> dict[str, ZoneCidrs]:
    """Subnet ranges of each zone. They follow from the zone alone: no other zone moves them, whatever its place.

    Args:
        vpc_cidr: IPv4 range, /16 to /20. Its first seven eighths are the private subnets of the zones a to g. Of the
            last eighth, the first half has the public subnets in eighths; the second half the control plane's, and from
            its ninth range on those of interface endpoints.
        zones: Names of availability zones, each ending with one of `config.ZONE_LETTERS`.
    """
    *private, last = ipaddress.IPv4Network(vpc_cidr).subnets(prefixlen_diff=3)
    front, back = last.subnets()
    public, small = front.subnets(prefixlen_diff=3), [*itertools.islice(back.subnets(new_prefix=SMALL_PREFIX), 16)]
    ranges = zip(private, public, small[:8], small[8:], strict=False)
    of_zone = dict(zip(config.ZONE_LETTERS, ranges, strict=False))
    return {
        zone: ZoneCidrs(
            private=str(nodes), public=str(front_door), control_plane=str(api_servers), endpoints=str(endpoints)
        )
        for zone in zones
        for nodes, front_door, api_servers, endpoints in [of_zone[zone[-1]]]
    }


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Arguments of `Network`.

    Attributes:
        account: The AWS account.
        network: The VPC's range, zones and NAT gateways.
        logs: Encryption and retention of the flow logs.
    """

    account: Account
    network: config.Network
    logs: LogGroupDefaults


class Network(pulumi.ComponentResource):
    """VPC with three subnets in each zone, and a fourth where there are interface endpoints.

    Attributes:
        vpc_id: Id of the VPC.
        private_subnets: Subnet ids of the nodes by zone, in the order of the zones.
        public_subnets: Subnet ids of the load balancers by zone, in the order of the zones.
        control_plane_subnets: Subnet ids of the API servers' interfaces, by zone: the first `FIRST_ZONES`.
        node_cidrs: Ranges of the private subnets.
        control_plane_cidrs: Ranges of the control plane subnets.
        endpoint_cidrs: Ranges of the subnets of interface endpoints; empty without any.
        nat_addresses: Public addresses of the NAT gateways, from which pods reach the internet.
    """

    vpc_id: pulumi.Output[str]
    private_subnets: dict[str, pulumi.Output[str]]
    public_subnets: dict[str, pulumi.Output[str]]
    control_plane_subnets: dict[str, pulumi.Output[str]]
    node_cidrs: list[str]
    control_plane_cidrs: list[str]
    endpoint_cidrs: list[str]
    nat_addresses: list[pulumi.Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Network", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        vpc = aws.ec2.Vpc(
            name,
            cidr_block=args.network.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
            opts=child,
        )
        # The default security group without rules: a resource that names no security group has no access.
        aws.ec2.DefaultSecurityGroup(name, vpc_id=vpc.id, tags={"Name": f"{name}-default"}, opts=child)
        self._cidr = args.network.cidr
        self._flow_logs(f"{name}-flow-logs", vpc, f"/aws/vpc/{name}/flow-logs", args)
        internet = aws.ec2.InternetGateway(name, vpc_id=vpc.id, tags={"Name": name}, opts=child)
        public_routes = self._routes(f"{name}-public", vpc)
        aws.ec2.Route(
            f"{name}-public",
            route_table_id=public_routes.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=internet.id,
            opts=child,
        )

        cidrs = split(args.network.cidr, args.network.zones)
        public = {
            zone: self._subnet(f"{name}-public-{zone}", vpc, zone, cidr.public, role="elb")
            for zone, cidr in cidrs.items()
        }
        private = {
            zone: self._subnet(f"{name}-private-{zone}", vpc, zone, cidr.private, role="internal-elb")
            for zone, cidr in cidrs.items()
        }
        control_plane = {
            zone: self._subnet(f"{name}-control-plane-{zone}", vpc, zone, cidrs[zone].control_plane)
            for zone in args.network.zones[:FIRST_ZONES]
        }

        nats: list[aws.ec2.NatGateway] = []
        self.nat_addresses = []
        private_routes: list[aws.ec2.RouteTable] = []
        for zone, subnet in public.items():
            aws.ec2.RouteTableAssociation(
                f"{name}-public-{zone}", subnet_id=subnet.id, route_table_id=public_routes.id, opts=child
            )
            if args.network.nat_gateways == "per-zone" or not nats:
                nats.append(self._nat(f"{name}-{zone}", subnet, internet))
            routes = self._routes(f"{name}-private-{zone}", vpc)
            aws.ec2.Route(
                f"{name}-private-{zone}",
                route_table_id=routes.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=nats[-1].id,
                opts=child,
            )
            aws.ec2.RouteTableAssociation(
                f"{name}-private-{zone}", subnet_id=private[zone].id, route_table_id=routes.id, opts=child
            )
            private_routes.append(routes)

        # API servers need no route but the VPC's local one, which every route table has.
        local_routes = self._routes(f"{name}-control-plane", vpc)
        for zone, subnet in control_plane.items():
            aws.ec2.RouteTableAssociation(
                f"{name}-control-plane-{zone}", subnet_id=subnet.id, route_table_id=local_routes.id, opts=child
            )

        # Image layers come from S3: the gateway endpoint is free, a NAT gateway charges by the gigabyte.
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{args.account.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.id for routes in private_routes],
            tags={"Name": f"{name}-s3"},
            opts=child,
        )

        self.endpoint_cidrs = []
        if args.network.interface_endpoints:
            self._interface_endpoints(name, vpc, local_routes, cidrs, args)
        self.vpc_id = vpc.id
        self.private_subnets = {zone: subnet.id for zone, subnet in private.items()}
        self.public_subnets = {zone: subnet.id for zone, subnet in public.items()}
        self.control_plane_subnets = {zone: subnet.id for zone, subnet in control_plane.items()}
        self.node_cidrs = [cidr.private for cidr in cidrs.values()]
        self.control_plane_cidrs = [cidrs[zone].control_plane for zone in control_plane]
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "private_subnets": self.private_subnets,
                "public_subnets": self.public_subnets,
                "control_plane_subnets": self.control_plane_subnets,
                "node_cidrs": self.node_cidrs,
                "control_plane_cidrs": self.control_plane_cidrs,
                "endpoint_cidrs": self.endpoint_cidrs,
                "nat_addresses": self.nat_addresses,
            }
        )

    @property
    def addresses(self) -> Addresses:
        """IPv4 ranges for NetworkPolicies."""
        return Addresses(
            vpc=self._cidr,
            nodes=self.node_cidrs,
            control_plane=self.control_plane_cidrs,
            endpoints=self.endpoint_cidrs,
        )

    def _interface_endpoints(
        self, name: str, vpc: aws.ec2.Vpc, routes: aws.ec2.RouteTable, cidrs: Mapping[str, ZoneCidrs], args: NetworkArgs
    ) -> None:
        """Endpoints in subnets of their own, which NetworkPolicies admit where they admit public HTTPS.

        With private DNS, the names of AWS's APIs have these addresses in the whole VPC, and no longer public ones.
        https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
        """
        child = pulumi.ResourceOptions(parent=self)
        subnets = {
            zone: self._subnet(f"{name}-endpoints-{zone}", vpc, zone, one.endpoints) for zone, one in cidrs.items()
        }
        self.endpoint_cidrs = [one.endpoints for one in cidrs.values()]
        for zone, subnet in subnets.items():
            aws.ec2.RouteTableAssociation(
                f"{name}-endpoints-{zone}", subnet_id=subnet.id, route_table_id=routes.id, opts=child
            )
        guard = aws.ec2.SecurityGroup(
            f"{name}-endpoints",
            name=f"{name}-endpoints",
            description="HTTPS from the VPC",
            vpc_id=vpc.id,
            ingress=[
                aws.ec2.SecurityGroupIngressArgs(
                    protocol="tcp", from_port=HTTPS, to_port=HTTPS, cidr_blocks=[args.network.cidr]
                )
            ],
            tags={"Name": f"{name}-endpoints"},
            opts=child,
        )
        for service in args.network.interface_endpoints:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=vpc.id,
                service_name=f"com.amazonaws.{args.account.region}.{service}",
                vpc_endpoint_type="Interface",
                subnet_ids=[subnet.id for subnet in subnets.values()],
                security_group_ids=[guard.id],
                private_dns_enabled=True,
                tags={"Name": f"{name}-{service}"},
                opts=child,
            )

    def _subnet(
        self, name: str, vpc: aws.ec2.Vpc, zone: str, cidr: str, *, role: Literal["elb", "internal-elb"] | None = None
    ) -> aws.ec2.Subnet:
        # The AWS Load Balancer Controller finds its subnets by the role tag:
        # https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/
        return aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags={"Name": name, **({f"kubernetes.io/role/{role}": "1"} if role else {})},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _routes(self, name: str, vpc: aws.ec2.Vpc) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(name, vpc_id=vpc.id, tags={"Name": name}, opts=pulumi.ResourceOptions(parent=self))

    def _nat(self, name: str, subnet: aws.ec2.Subnet, internet: aws.ec2.InternetGateway) -> aws.ec2.NatGateway:
        # Elastic IP addresses and NAT gateways need the internet gateway.
        opts = pulumi.ResourceOptions(parent=self, depends_on=[internet])
        address = aws.ec2.Eip(name, domain="vpc", tags={"Name": name}, opts=opts)
        self.nat_addresses.append(address.public_ip)
        return aws.ec2.NatGateway(name, allocation_id=address.id, subnet_id=subnet.id, tags={"Name": name}, opts=opts)

    def _flow_logs(self, name: str, vpc: aws.ec2.Vpc, path: str, args: NetworkArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        if args.network.flow_logs_to == "s3":
            destination = flow_logs.bucket(name, args.account, args.logs.retention_days, child)
        else:
            destination = flow_logs.log_group(name, path, args.account, args.logs, child)
        role = destination.role
        aws.ec2.FlowLog(
            name,
            vpc_id=vpc.id,
            traffic_type={"all": "ALL", "rejected": "REJECT"}[args.network.flow_logs],
            log_destination_type=destination.type,
            log_destination=destination.arn,
            iam_role_arn=role.arn if role else None,
            tags={"Name": name},
            # EC2 takes no second one alike, which a failed update would leave to be deleted, so that none went back.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role] if role else [], delete_before_replace=True),
        )
