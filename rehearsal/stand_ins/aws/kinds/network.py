"""VPCs, subnets, internet gateways, VPC endpoints.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

from typing import Any

from rehearsal.stand_ins.aws import dependencies, moto_answers, rules
from rehearsal.stand_ins.aws.api import Api, Call, answering, when
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.kind import (
    Attribute,
    Kind,
    Making,
    Reference,
    Refusal,
    Unique,
    account_id,
    answered,
    blank,
    found,
    given,
    names,
    text,
)
from rehearsal.stand_ins.aws.properties import Properties, known_values

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"

NO_SUCH_VPC = Refusal("InvalidVpcID.NotFound", "The vpc ID '{value}' does not exist")
NO_SUCH_SUBNET = Refusal("InvalidSubnetID.NotFound", "The subnet ID '{value}' does not exist")
VPC_IN_USE = Refusal("DependencyViolation", "The vpc '{id}' has dependencies and cannot be deleted.")
SUBNET_IN_USE = Refusal("DependencyViolation", "The subnet '{id}' has dependencies and cannot be deleted.")


def in_vpc(*, follows: bool = False) -> Reference:
    """The VPC a resource is in: VPCs are not deleted with anything in them."""
    return Reference("vpcId", VPC, missing=NO_SUCH_VPC, blocks=None if follows else VPC_IN_USE, follows=follows)


def in_subnets(path: str) -> Reference:
    """Subnets a resource has network interfaces in: those are not deleted."""
    return Reference(path, SUBNET, missing=NO_SUCH_SUBNET, blocks=SUBNET_IN_USE)


def _is_in_a_zone_of_the_region(making: Making) -> None:
    """Moto takes any zone of any region."""
    zones = moto_answers.availability_zones(making.region)
    for name, known in (("availabilityZone", list(zones)), ("availabilityZoneId", list(zones.values()))):
        value = making.inputs.get(name)
        if value is not None and value not in known:
            raise AwsError(
                "InvalidParameterValue",
                f"Value ({value}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
                f"the following availability zones: {', '.join(known)}.",
            )


def _attribute(name: str, operation: str, default: bool | None = None) -> Call:
    """One of the attributes that EC2 changes one at a time."""

    def ask(making: Making) -> Properties | None:
        wanted = making.inputs.get(name, default)
        return None if wanted is None else {f"{name[0].upper()}{name[1:]}": {"Value": wanted}}

    return Call(operation, given=ask, inputs=False)


def _attached(making: Making) -> Properties | None:
    wanted, before = making.inputs.get("vpcId"), making.previous.get("vpcId")
    return {"VpcId": wanted} if wanted and wanted != before else None


def _detached(making: Making) -> Properties | None:
    before = making.previous.get("vpcId")
    return {"VpcId": before} if before and before != making.inputs.get("vpcId") else None


def association(making: Making, subnet: str) -> Properties | None:
    """What names a subnet's association with a route table; None where it has none of its own."""
    with answering(making.layout, "ec2", making.region) as ec2:
        with_it = [{"Name": "association.subnet-id", "Values": [subnet]}]
        tables = ec2.describe_route_tables(Filters=with_it)["RouteTables"]
    of_subnet = (one for table in tables for one in table["Associations"] if one.get("SubnetId") == subnet)
    return next(({"AssociationId": one["RouteTableAssociationId"]} for one in of_subnet), None)


def _endpoint_changes(making: Making) -> Properties | None:
    """An endpoint is told what to add and what to remove."""
    asked: dict[str, Any] = {}
    for name, parameter in (("routeTableIds", "RouteTableIds"), ("subnetIds", "SubnetIds")):
        wanted, before = (set(known_values(one, name)) for one in (making.inputs, making.previous))
        asked |= {f"Add{parameter}": sorted(wanted - before), f"Remove{parameter}": sorted(before - wanted)}
    changed = {name: ids for name, ids in asked.items() if ids}
    return {**changed, "VpcEndpointId": making.id} if making.previous and changed else None


def _of_vpc(operation: str, path: str, **filters: str) -> Attribute:
    return found(operation, path, vpc_id="{id}", **filters)


KINDS = (
    Kind(
        type=VPC,
        make_id=answered("Vpc.VpcId"),
        api=Api(
            "ec2",
            Call("create_vpc"),
            puts=tuple(
                _attribute(name, "modify_vpc_attribute", default)
                for name, default in (("enableDnsSupport", True), ("enableDnsHostnames", False))
            ),
            deletes=(Call("delete_vpc"),),
            key="VpcId",
            tagged_as="vpc",
        ),
        deletion_refusals=(dependencies.refuse_vpc,),
        arn="arn:aws:ec2:{region}:{account}:vpc/{id}",
        rules={"cidrBlock": rules.vpc_cidr, "instanceTenancy": rules.one_of("default", "dedicated")},
        replaces=frozenset({"cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"}),
        constants={
            **blank("ipv6AssociationId ipv6CidrBlock ipv6CidrBlockNetworkBorderGroup"),
            "assignGeneratedIpv6CidrBlock": False,
            "enableDnsHostnames": False,
            "enableDnsSupport": True,
            "enableNetworkAddressUsageMetrics": False,
            "instanceTenancy": "default",
        },
        attributes={
            "defaultNetworkAclId": _of_vpc("describe_network_acls", "NetworkAcls.NetworkAclId", default="true"),
            "defaultRouteTableId": _of_vpc("describe_route_tables", "RouteTables.RouteTableId"),
            "defaultSecurityGroupId": _of_vpc(
                "describe_security_groups", "SecurityGroups.GroupId", group_name="default"
            ),
            "dhcpOptionsId": answered("Vpc.DhcpOptionsId"),
            "mainRouteTableId": _of_vpc("describe_route_tables", "RouteTables.RouteTableId"),
            "ownerId": account_id,
        },
        owns={
            "defaultSecurityGroupId": SECURITY_GROUP,
            "defaultRouteTableId": ROUTE_TABLE,
            "mainRouteTableId": ROUTE_TABLE,
        },
    ),
    Kind(
        type=SUBNET,
        make_id=answered("Subnet.SubnetId"),
        api=Api(
            "ec2",
            Call("create_subnet"),
            puts=(_attribute("mapPublicIpOnLaunch", "modify_subnet_attribute"),),
            # AWS does so with the subnet, moto does not.
            deletes=(
                Call("disassociate_route_table", given=lambda it: association(it, it.id), inputs=False),
                Call("delete_subnet"),
            ),
            key="SubnetId",
            tagged_as="subnet",
        ),
        deletion_refusals=(dependencies.refuse_subnet,),
        arn="arn:aws:ec2:{region}:{account}:subnet/{id}",
        rules={"cidrBlock": rules.subnet_cidr},
        references=(in_vpc(),),
        refusals=(_is_in_a_zone_of_the_region,),
        replaces=names("availabilityZone availabilityZoneId cidrBlock ipv6Native outpostArn vpcId"),
        constants={
            "assignIpv6AddressOnCreation": False,
            "enableDns64": False,
            "enableResourceNameDnsAaaaRecordOnLaunch": False,
            "enableResourceNameDnsARecordOnLaunch": False,
            "ipv6CidrBlock": "",
            "ipv6CidrBlockAssociationId": "",
            "mapPublicIpOnLaunch": False,
            "privateDnsHostnameTypeOnLaunch": "ip-name",
        },
        attributes={
            "availabilityZone": answered("Subnet.AvailabilityZone"),
            "availabilityZoneId": answered("Subnet.AvailabilityZoneId"),
            "ownerId": account_id,
        },
    ),
    Kind(
        type="aws:ec2/internetGateway:InternetGateway",
        make_id=answered("InternetGateway.InternetGatewayId"),
        api=Api(
            "ec2",
            Call("create_internet_gateway"),
            puts=(
                Call("detach_internet_gateway", given=_detached),
                Call("attach_internet_gateway", given=_attached),
            ),
            deletes=(
                Call(
                    "detach_internet_gateway",
                    given=when("vpcId"),
                ),
                Call("delete_internet_gateway"),
            ),
            key="InternetGatewayId",
            tagged_as="internet-gateway",
        ),
        arn="arn:aws:ec2:{region}:{account}:internet-gateway/{id}",
        references=(in_vpc(),),
        unique=(
            Unique(
                ("vpcId",),
                Refusal("InvalidParameterValue", "Network {vpcId} already has an internet gateway attached"),
                optional=True,
            ),
        ),
        deletion_refusals=(dependencies.refuse_internet_gateway,),
        constants={"vpcId": ""},
        attributes={"ownerId": account_id},
    ),
    Kind(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        make_id=answered("VpcEndpoint.VpcEndpointId"),
        api=Api(
            "ec2",
            Call(
                "create_vpc_endpoint",
                names={"policy": "PolicyDocument"},
                given=lambda making: {"VpcEndpointType": making.inputs.get("vpcEndpointType", "Gateway")},
            ),
            puts=(Call("modify_vpc_endpoint", names={"policy": "PolicyDocument"}, given=_endpoint_changes),),
            deletes=(Call("delete_vpc_endpoints", given=lambda making: {"VpcEndpointIds": [making.id]}),),
            tagged_as="vpc-endpoint",
        ),
        arn="arn:aws:ec2:{region}:{account}:vpc-endpoint/{id}",
        rules={
            "serviceName": rules.pattern(
                r"(com\.amazonaws|aws\.api)(\.[a-z0-9-]+)+",
                "InvalidServiceName",
                "The Vpc Endpoint Service '{value}' does not exist",
            ),
            "vpcEndpointType": rules.one_of(
                "Gateway", "Interface", "GatewayLoadBalancer", "Resource", "ServiceNetwork"
            ),
            "policy": rules.json_text,
        },
        references=(
            in_vpc(),
            in_subnets("subnetIds"),
            Reference(
                "routeTableIds",
                ROUTE_TABLE,
                missing=Refusal("InvalidRouteTableId.NotFound", "The routeTable ID '{value}' does not exist"),
            ),
            Reference(
                "securityGroupIds",
                SECURITY_GROUP,
                missing=Refusal("InvalidGroup.NotFound", "The security group '{value}' does not exist"),
                blocks=Refusal("DependencyViolation", "resource {id} has a dependent object"),
            ),
        ),
        replaces=frozenset({"serviceName", "serviceRegion", "vpcEndpointType", "vpcId"}),
        constants={
            "cidrBlocks": [],
            "dnsEntries": [],
            "dnsOptions": {"dnsRecordIpType": "ipv4"},
            "ipAddressType": "ipv4",
            "networkInterfaceIds": [],
            "policy": "",
            "privateDnsEnabled": False,
            "requesterManaged": False,
            "routeTableIds": [],
            "securityGroupIds": [],
            "state": "available",
            "subnetConfigurations": [],
            "subnetIds": [],
            "vpcEndpointType": "Gateway",
        },
        attributes={
            "ownerId": account_id,
            "prefixListId": found(
                "describe_prefix_lists", "PrefixLists.PrefixListId", prefix_list_name="{serviceName}"
            ),
            "serviceRegion": given("serviceRegion", text("{region}")),
        },
    ),
)
