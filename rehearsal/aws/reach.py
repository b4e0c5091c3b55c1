"""Whether instances in a subnet reach AWS's API, through a NAT gateway or a VPC endpoint.

https://docs.aws.amazon.com/vpc/latest/userguide/route-table-options.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

EVERYWHERE = "0.0.0.0/0"
HTTPS = 443


@dataclass(frozen=True)
class Network:
    """A region's network resources, as EC2's API describes them."""

    instances: Sequence[dict[str, Any]] = ()
    route_tables: Sequence[dict[str, Any]] = ()
    nat_gateways: Sequence[dict[str, Any]] = ()
    internet_gateways: Sequence[dict[str, Any]] = ()
    endpoints: Sequence[dict[str, Any]] = ()
    groups: Sequence[dict[str, Any]] = ()

    @classmethod
    def describe(cls, ec2: Any) -> Network:
        """The network of a region; `ec2` is a boto3 client."""
        reservations = ec2.describe_instances()["Reservations"]
        return cls(
            instances=[instance for reservation in reservations for instance in reservation["Instances"]],
            route_tables=ec2.describe_route_tables()["RouteTables"],
            nat_gateways=ec2.describe_nat_gateways()["NatGateways"],
            internet_gateways=ec2.describe_internet_gateways()["InternetGateways"],
            endpoints=ec2.describe_vpc_endpoints()["VpcEndpoints"],
            groups=ec2.describe_security_groups()["SecurityGroups"],
        )

    def reaches_aws(self, instance_id: str, service: str) -> bool:
        """Whether an instance reaches a service's API, given by the first label of its host name, e.g. `ec2`.

        The platform's nodes have no public addresses: they reach an internet gateway only through a NAT gateway in a
        subnet with a route to it. An instance that does not exist or does not run reaches nothing.
        """
        for instance in self.instances:
            if instance["InstanceId"] == instance_id and instance["State"]["Name"] == "running":
                inside = self._interface(instance["VpcId"], service)
                if inside is not None:
                    return self._admits(inside, instance["PrivateIpAddress"])
                table = self._route_table(instance["SubnetId"], instance["VpcId"])
                return self._has_nat(table) or self._has_endpoint(table, service)
        return False

    def _interface(self, vpc: str, service: str) -> dict[str, Any] | None:
        """The endpoint whose private names replace the service's public ones in a VPC; None without one.

        https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
        """
        inside = (one for one in self.endpoints if one["VpcId"] == vpc and one.get("VpcEndpointType") == "Interface")
        return next((one for one in inside if one.get("PrivateDnsEnabled") and _is_of(one, service)), None)

    def _admits(self, endpoint: dict[str, Any], address: str) -> bool:
        """Whether an endpoint's security groups admit HTTPS from an address."""
        groups = {group["GroupId"] for group in endpoint.get("Groups", ())}
        rules = [rule for one in self.groups if one["GroupId"] in groups for rule in one["IpPermissions"]]
        return any(
            ip_address(address) in ip_network(block["CidrIp"])
            for rule in rules
            if rule["IpProtocol"] == "-1" or rule["FromPort"] <= HTTPS <= rule["ToPort"]
            for block in rule["IpRanges"]
        )

    def _has_nat(self, table: dict[str, Any]) -> bool:
        """Whether the default route leads to a NAT gateway, whose own leads to an attached internet gateway."""
        for gateway in self.nat_gateways:
            if gateway["NatGatewayId"] == _default_route(table).get("NatGatewayId"):
                route = _default_route(self._route_table(gateway["SubnetId"], table["VpcId"]))
                return gateway["State"] == "available" and any(
                    internet_gateway["InternetGatewayId"] == route.get("GatewayId")
                    and any(attachment["VpcId"] == table["VpcId"] for attachment in internet_gateway["Attachments"])
                    for internet_gateway in self.internet_gateways
                )
        return False

    def _has_endpoint(self, table: dict[str, Any], service: str) -> bool:
        return any(
            endpoint["VpcId"] == table["VpcId"]
            and _is_of(endpoint, service)
            and table["RouteTableId"] in endpoint.get("RouteTableIds", ())
            for endpoint in self.endpoints
        )

    def _route_table(self, subnet: str, vpc: str) -> dict[str, Any]:
        """The subnet's own route table, or else the VPC's main one."""
        tables = [table for table in self.route_tables if table["VpcId"] == vpc]
        own = (table for table in tables if any(one.get("SubnetId") == subnet for one in table["Associations"]))
        main = (table for table in tables if any(one.get("Main") for one in table["Associations"]))
        without_routes: dict[str, Any] = {"VpcId": vpc, "RouteTableId": "", "Routes": []}
        return next(own, None) or next(main, without_routes)


def _is_of(endpoint: dict[str, Any], service: str) -> bool:
    """Whether an endpoint is available and a service's: `api` is that of `com.amazonaws.REGION.ecr.api`."""
    return endpoint["ServiceName"].rsplit(".", 1)[-1] == service and endpoint["State"].lower() == "available"


def _default_route(table: dict[str, Any]) -> dict[str, Any]:
    """The active route to 0.0.0.0/0; empty without one."""
    for route in table["Routes"]:
        if route.get("DestinationCidrBlock") == EVERYWHERE and route.get("State", "active") == "active":
            return route
    return {}
