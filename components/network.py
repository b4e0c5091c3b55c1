"""The VPC: public and private subnets in each zone, the ways out, and a record of what flows."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

import settings
from components.account import Account
from components.log_group import Keeping, LogGroup, LogGroupArgs
from components.network_policy import Addresses
from components.roles import Role, RoleArgs, Statement, Trust


@dataclass(frozen=True)
class ZoneCidrs:
    """The IPv4 ranges of one zone's subnets.

    Attributes:
        private: A quarter of the VPC: nodes and pods take their addresses here.
        public: A sixteenth of the VPC: load balancers and NAT gateways.
    """

    private: str
    public: str


def split(vpc_cidr: str, zones: int) -> list[ZoneCidrs]:
    """Divides a VPC's range so that adding a zone later moves no existing subnet.

    Zone i gets the i-th quarter for its private subnet, and the i-th quarter of the last quarter for its public one.

    Args:
        vpc_cidr: IPv4 range, /16 to /20.
        zones: 1 to 3.
    """
    *private, last = ipaddress.IPv4Network(vpc_cidr).subnets(prefixlen_diff=2)
    public = last.subnets(prefixlen_diff=2)
    return [ZoneCidrs(str(a), str(b)) for a, b, _ in zip(private, public, range(zones), strict=False)]


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What a `Network` is made from.

    Attributes:
        account: The AWS account.
        network: The VPC's range, zones and NAT gateways.
        logs: How flow logs are kept.
    """

    account: Account
    network: settings.Network
    logs: Keeping


class Network(pulumi.ComponentResource):
    """A VPC over the given zones.

    Attributes:
        vpc_id: The VPC's id.
        private_subnets: Ids by zone, in the order of the zones: for nodes.
        public_subnets: Ids by zone, in the order of the zones: for load balancers.
        node_cidrs: The private subnets' ranges, where nodes have their addresses.
        subnet_cidrs: The ranges of all subnets, where the Kubernetes API has its addresses.
    """

    vpc_id: pulumi.Output[str]
    private_subnets: dict[str, pulumi.Output[str]]
    public_subnets: dict[str, pulumi.Output[str]]
    node_cidrs: list[str]
    subnet_cidrs: list[str]

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
        # Without rules: whoever forgets to name a security group reaches nothing, and is reached by nothing.
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

        zones = args.network.zones
        cidrs = split(args.network.cidr, len(zones))
        public = [
            self._subnet(f"{name}-public-{zone}", vpc, zone, cidr.public, role="elb")
            for zone, cidr in zip(zones, cidrs, strict=True)
        ]
        private = [
            self._subnet(f"{name}-private-{zone}", vpc, zone, cidr.private, role="internal-elb")
            for zone, cidr in zip(zones, cidrs, strict=True)
        ]

        nats: list[aws.ec2.NatGateway] = []
        private_routes: list[aws.ec2.RouteTable] = []
        for zone, public_subnet, private_subnet in zip(zones, public, private, strict=True):
            aws.ec2.RouteTableAssociation(
                f"{name}-public-{zone}", subnet_id=public_subnet.id, route_table_id=public_routes.id, opts=child
            )
            if args.network.nat_gateways == "per-zone" or not nats:
                nats.append(self._nat(f"{name}-{zone}", public_subnet, internet))
            routes = self._routes(f"{name}-private-{zone}", vpc)
            aws.ec2.Route(
                f"{name}-private-{zone}",
                route_table_id=routes.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=nats[-1].id,
                opts=child,
            )
            aws.ec2.RouteTableAssociation(
                f"{name}-private-{zone}", subnet_id=private_subnet.id, route_table_id=routes.id, opts=child
            )
            private_routes.append(routes)

        # Image layers come from S3: the gateway endpoint is free, the NAT gateway charges by the gigabyte.
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{args.account.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.id for routes in private_routes],
            tags={"Name": f"{name}-s3"},
            opts=child,
        )

        self.vpc_id = vpc.id
        self.private_subnets = {zone: subnet.id for zone, subnet in zip(zones, private, strict=True)}
        self.public_subnets = {zone: subnet.id for zone, subnet in zip(zones, public, strict=True)}
        self.node_cidrs = [cidr.private for cidr in cidrs]
        self.subnet_cidrs = [*self.node_cidrs, *(cidr.public for cidr in cidrs)]
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "private_subnets": self.private_subnets,
                "public_subnets": self.public_subnets,
                "node_cidrs": self.node_cidrs,
                "subnet_cidrs": self.subnet_cidrs,
            }
        )

    @property
    def addresses(self) -> Addresses:
        """Its ranges, as NetworkPolicies name them."""
        return Addresses(vpc=self._cidr, nodes=self.node_cidrs, subnets=self.subnet_cidrs)

    def _subnet(
        self, name: str, vpc: aws.ec2.Vpc, zone: str, cidr: str, *, role: Literal["elb", "internal-elb"]
    ) -> aws.ec2.Subnet:
        # The role tag is how the AWS Load Balancer Controller finds its subnets:
        # https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/
        return aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags={"Name": name, f"kubernetes.io/role/{role}": "1"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _routes(self, name: str, vpc: aws.ec2.Vpc) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(name, vpc_id=vpc.id, tags={"Name": name}, opts=pulumi.ResourceOptions(parent=self))

    def _nat(self, name: str, subnet: aws.ec2.Subnet, internet: aws.ec2.InternetGateway) -> aws.ec2.NatGateway:
        # An address can be had, and a NAT gateway reaches out, only once the internet gateway stands.
        after = pulumi.ResourceOptions(parent=self, depends_on=[internet])
        address = aws.ec2.Eip(name, domain="vpc", tags={"Name": name}, opts=after)
        return aws.ec2.NatGateway(name, allocation_id=address.id, subnet_id=subnet.id, tags={"Name": name}, opts=after)

    def _flow_logs(self, name: str, vpc: aws.ec2.Vpc, path: str, args: NetworkArgs) -> None:
        """Who spoke to whom, and who was refused.

        https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        """
        account = args.account
        group = LogGroup(name, LogGroupArgs(path=path, keeping=args.logs), opts=pulumi.ResourceOptions(parent=self))
        role = Role(
            name,
            RoleArgs(
                account=account,
                trust=Trust(
                    service="vpc-flow-logs.amazonaws.com",
                    conditions={
                        "StringEquals": {"aws:SourceAccount": account.id},
                        "ArnLike": {"aws:SourceArn": account.arn("ec2", "vpc-flow-log/*")},
                    },
                ),
                statements=[
                    Statement(
                        actions=["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                        resources=[
                            account.arn("logs", f"log-group:{path}"),
                            account.arn("logs", f"log-group:{path}:*"),
                        ],
                    ),
                    Statement(actions=["logs:DescribeLogGroups"], resources=[account.arn("logs", "log-group:*")]),
                ],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
