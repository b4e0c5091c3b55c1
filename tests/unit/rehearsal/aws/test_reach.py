"""A pod reaches AWS's API only while its node's subnet has a route."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from kube.client import KubernetesApi, KubernetesObject
from rehearsal import aws
from rehearsal.aws.endpoint import Reachability
from rehearsal.aws.reach import Network
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import serve

REGION = "ap-northeast-2"
EVERYWHERE = "0.0.0.0/0"


class Place:
    """A VPC with a private subnet that leads out by a NAT gateway in a public one, and an instance in it."""

    def __init__(self, layout: Layout) -> None:
        serve(layout)
        self.ec2: Any = aws.client(layout, "ec2", region=REGION)
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        public, self.private = (
            self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{at}.0/24")["Subnet"]["SubnetId"] for at in (0, 1)
        )
        self.gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.public_table = self.table(public)
        self.ec2.create_route(RouteTableId=self.public_table, DestinationCidrBlock=EVERYWHERE, GatewayId=self.gateway)
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        self.nat = self.ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
        self.private_table = self.table(self.private)
        self.ec2.create_route(RouteTableId=self.private_table, DestinationCidrBlock=EVERYWHERE, NatGatewayId=self.nat)
        started = self.ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, SubnetId=self.private)
        self.instance = str(started["Instances"][0]["InstanceId"])

    def table(self, subnet: str) -> str:
        """A route table of a subnet's own."""
        made = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=made, SubnetId=subnet)
        return str(made)

    def leads(self, service: str = "elasticloadbalancing") -> bool:
        """Whether the instance reaches a service."""
        return Network.describe(self.ec2).reaches_aws(self.instance, service)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Layout(tmp_path))


def test_a_private_subnet_leads_out_by_its_nat_gateway(place: Place) -> None:
    assert place.leads()


def test_there_is_no_way_once_the_route_is_taken_away(place: Place) -> None:
    place.ec2.delete_route(RouteTableId=place.private_table, DestinationCidrBlock=EVERYWHERE)
    assert not place.leads()


def test_there_is_no_way_once_the_nat_gateway_is_deleted(place: Place) -> None:
    place.ec2.delete_nat_gateway(NatGatewayId=place.nat)
    assert not place.leads()


def test_there_is_no_way_once_the_nat_gateways_own_subnet_leads_nowhere(place: Place) -> None:
    place.ec2.delete_route(RouteTableId=place.public_table, DestinationCidrBlock=EVERYWHERE)
    assert not place.leads()


def test_there_is_no_way_once_the_internet_gateway_is_detached(place: Place) -> None:
    place.ec2.detach_internet_gateway(InternetGatewayId=place.gateway, VpcId=place.vpc)
    assert not place.leads()


def test_an_interface_endpoint_with_private_names_is_the_only_way_for_whom_it_admits(place: Place) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html ."""
    place.ec2.delete_route(RouteTableId=place.private_table, DestinationCidrBlock=EVERYWHERE)
    group = place.ec2.create_security_group(GroupName="endpoints", Description="x", VpcId=place.vpc)["GroupId"]
    place.ec2.create_vpc_endpoint(
        VpcId=place.vpc,
        ServiceName=f"com.amazonaws.{REGION}.ec2",
        VpcEndpointType="Interface",
        SubnetIds=[place.private],
        SecurityGroupIds=[group],
        PrivateDnsEnabled=True,
    )
    assert not place.leads("ec2"), "its group has no rule"
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    place.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert place.leads("ec2")
    assert not place.leads("elasticloadbalancing"), "it is another service's"


def test_an_instance_that_has_ended_or_never_was_reaches_nothing(place: Place) -> None:
    assert not Network.describe(place.ec2).reaches_aws("i-0", "ec2")
    place.ec2.terminate_instances(InstanceIds=[place.instance])
    assert not place.leads()


def test_an_endpoint_leads_to_its_own_service_by_the_tables_that_it_is_in(place: Place) -> None:
    place.ec2.delete_route(RouteTableId=place.private_table, DestinationCidrBlock=EVERYWHERE)
    place.ec2.create_vpc_endpoint(
        VpcId=place.vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[place.private_table]
    )
    assert place.leads("s3")
    assert not place.leads("ec2")
    elsewhere = place.ec2.create_vpc_endpoint(
        VpcId=place.vpc, ServiceName=f"com.amazonaws.{REGION}.dynamodb", RouteTableIds=[place.public_table]
    )
    assert elsewhere["VpcEndpoint"]["State"] == "available"
    assert not place.leads("dynamodb")


def test_a_subnet_without_a_table_has_its_vpcs_main_one(place: Place) -> None:
    of_vpc = [{"Name": "vpc-id", "Values": [place.vpc]}]
    for table in place.ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]:
        for one in table["Associations"]:
            if one.get("SubnetId") == place.private:
                place.ec2.disassociate_route_table(AssociationId=one["RouteTableAssociationId"])
    assert not place.leads()
    main = [{"Name": "association.main", "Values": ["true"]}, *of_vpc]
    (table,) = place.ec2.describe_route_tables(Filters=main)["RouteTables"]
    place.ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock=EVERYWHERE, NatGatewayId=place.nat)
    assert place.leads()


@dataclass
class Pods:
    """A cluster with a pod on one node."""

    instance: str

    def list(self, _version: str, kind: str, **_selectors: str) -> list[KubernetesObject]:
        """The pod, or its node."""
        node = {"metadata": {"name": "a"}, "spec": {"providerID": f"aws:///{REGION}a/{self.instance}"}}
        return {"Pod": [{"spec": {"nodeName": "a"}}], "Node": [node]}[kind]


def test_a_pods_way_is_that_of_its_nodes_region_also_before_there_is_a_stack(tmp_path: Path) -> None:
    """A program that outlives an `up` may have started before the stack, or before its move to another region."""
    place = Place(Layout(tmp_path))
    assert Reachability(Layout(tmp_path), cast("KubernetesApi", Pods(place.instance))).allows("100.65.0.7", "ec2")


@pytest.mark.parametrize("zone", ["us-west-2a", "us-west-2-lax-1a"])
def test_the_region_of_a_zone(zone: str) -> None:
    assert aws.region_of(zone) == "us-west-2"
