"""Whether instances in a subnet reach AWS's API, through a NAT gateway or a VPC endpoint.

https://docs.aws.amazon.com/vpc/latest/userguide/route-table-options.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Network:
    """A region's network resources, as EC2's API describes them.

    Attributes:
        instances: `Instances` of DescribeInstances.
        route_tables: `RouteTables` of DescribeRouteTables.
        nat_gateways: `NatGateways` of DescribeNatGateways.
        internet_gateways: `InternetGateways` of DescribeInternetGateways.
        endpoints: `VpcEndpoints` of DescribeVpcEndpoints.
    """

    instances: Sequence[dict[str, Any]]
    route_tables: Sequence[dict[str, Any]]
    nat_gateways: Sequence[dict[str, Any]]
    internet_gateways: Sequence[dict[str, Any]]
    endpoints: Sequence[dict[str, Any]]

    @classmethod
    def described_by(cls, ec2: Any) -> Network:
        """The network of a region.

        Args:
            ec2: A boto3 client of EC2.
        """
        reservations = ec2.describe_instances()["Reservations"]
        return cls(
            instances=[one for reservation in reservations for one in reservation["Instances"]],
            route_tables=ec2.describe_route_tables()["RouteTables"],
            nat_gateways=ec2.describe_nat_gateways()["NatGateways"],
            internet_gateways=ec2.describe_internet_gateways()["InternetGateways"],
            endpoints=ec2.describe_vpc_endpoints()["VpcEndpoints"],
        )

    def leads_to_aws(self, instance_id: str, service: str) -> bool:
        """Whether an instance reaches a service's API.

        The platform's nodes have no public addresses: they reach an internet gateway only through a NAT gateway in a
        subnet with a route to it.

        Args:
            instance_id: The instance; one that does not exist or does not run reaches nothing.
            service: First label of the service's host name, e.g. `ec2`.
        """
        instance = next((one for one in self.instances if one["InstanceId"] == instance_id), None)
        if instance is None or instance["State"]["Name"] != "running":
            return False
        subnet, vpc = str(instance["SubnetId"]), str(instance["VpcId"])
        return self._by_nat(subnet, vpc) or self._by_endpoint(subnet, vpc, service)

    def _by_nat(self, subnet: str, vpc: str) -> bool:
        target = self._default_route(subnet, vpc).get("NatGatewayId")
        gateway = next((one for one in self.nat_gateways if one["NatGatewayId"] == target), None)
        if gateway is None or gateway["State"] != "available":
            return False
        out = self._default_route(str(gateway["SubnetId"]), vpc).get("GatewayId")
        return any(
            one["InternetGatewayId"] == out and any(attached["VpcId"] == vpc for attached in one["Attachments"])
            for one in self.internet_gateways
        )

    def _by_endpoint(self, subnet: str, vpc: str, service: str) -> bool:
        tables = {str(one["RouteTableId"]) for one in (self._table(subnet, vpc),) if one}
        return any(
            endpoint["VpcId"] == vpc
            and endpoint["ServiceName"].rsplit(".", 1)[-1] == service
            and endpoint["State"].lower() == "available"
            # An interface endpoint serves the whole VPC; a gateway endpoint serves its route tables' subnets.
            and (
                endpoint.get("VpcEndpointType") == "Interface"
                or tables & set(map(str, endpoint.get("RouteTableIds", ())))
            )
            for endpoint in self.endpoints
        )

    def _default_route(self, subnet: str, vpc: str) -> dict[str, Any]:
        """The route to 0.0.0.0/0; empty without one."""
        table = self._table(subnet, vpc)
        routes: list[dict[str, Any]] = [] if table is None else table["Routes"]
        nowhere: dict[str, Any] = {}
        active = (one for one in routes if one.get("State", "active") == "active")
        return next((one for one in active if one.get("DestinationCidrBlock") == EVERYWHERE), nowhere)

    def _table(self, subnet: str, vpc: str) -> dict[str, Any] | None:
        """The subnet's own route table, or else the VPC's main one."""
        of_vpc = [one for one in self.route_tables if one["VpcId"] == vpc]
        own = (one for one in of_vpc if any(to.get("SubnetId") == subnet for to in one["Associations"]))
        main = (one for one in of_vpc if any(to.get("Main") for to in one["Associations"]))
        return next(own, None) or next(main, None)
