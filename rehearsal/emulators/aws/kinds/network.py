"""VPCs, subnets, gateways, Elastic IPs, route tables and endpoints.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from rehearsal.emulators.aws import dependencies, rules
from rehearsal.emulators.aws.api import Api, Call, answering, when
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Kind, Making, Reference, Refusal, answered, names, taken
from rehearsal.emulators.aws.properties import Properties, known_values

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
EIP = "aws:ec2/eip:Eip"
NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"

NO_SUCH_SUBNET = Refusal("InvalidSubnetID.NotFound", "The subnet ID '{value}' does not exist")


def in_vpc() -> Reference:
    """A reference to a resource's VPC, whose deletion it blocks."""
    in_use = Refusal("DependencyViolation", "The vpc '{id}' has dependencies and cannot be deleted.")
    return Reference("vpcId", VPC, blocks=in_use)


def in_subnets(path: str, missing: Refusal | None = None) -> Reference:
    """A reference to the subnets of a resource's network interfaces, whose deletion it blocks."""
    in_use = Refusal("DependencyViolation", "The subnet '{id}' has dependencies and cannot be deleted.")
    return Reference(path, SUBNET, missing=missing, blocks=in_use)


def _is_in_a_zone_of_the_region(making: Making) -> None:
    """Refuses availability zones of other regions, which moto accepts."""
    with answering(making.layout, "ec2", making.region) as ec2:
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    value = making.inputs.get("availabilityZone")
    if value is not None and value not in zones:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({value}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
            f"the following availability zones: {', '.join(zones)}.",
        )


def _reaches_the_internet(making: Making) -> None:
    subnet = making.find(SUBNET, str(making.inputs["subnetId"]))
    if subnet is None or making.inputs.get("connectivityType") == "private":
        return
    vpc = subnet.inputs["vpcId"]
    if not any(gateway.inputs.get("vpcId") == vpc for gateway in making.account.records(INTERNET_GATEWAY)):
        raise AwsError("Gateway.NotAttached", f"Network {vpc} has no Internet gateway attached")


def _attribute(name: str, operation: str, default: bool | None = None) -> Call:
    """An operation for one attribute, as EC2 sets only one at a time."""

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


def _output(parameter: str, name: str) -> Callable[[Making], Properties | None]:
    return lambda making: {parameter: making.previous[name]} if making.previous.get(name) else None


def _association(making: Making, subnet: str) -> Properties | None:
    """The id of a subnet's route table association, which changes with each replacement; None without one."""
    with answering(making.layout, "ec2", making.region) as ec2:
        with_it = [{"Name": "association.subnet-id", "Values": [subnet]}]
        tables = ec2.describe_route_tables(Filters=with_it)["RouteTables"]
    of_subnet = (one for table in tables for one in table["Associations"] if one.get("SubnetId") == subnet)
    return next(({"AssociationId": one["RouteTableAssociationId"]} for one in of_subnet), None)


def _own_association(making: Making) -> Properties | None:
    return _association(making, str(making.inputs["subnetId"]))


def _default_group(making: Making) -> str:
    own = [{"Name": "vpc-id", "Values": [making.inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    with answering(making.layout, "ec2", making.region) as ec2:
        return str(ec2.describe_security_groups(Filters=own)["SecurityGroups"][0]["GroupId"])


def _without_rules(making: Making) -> None:
    """Deletes the default security group's rules, as the provider does on adoption.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/default_security_group
    """
    with answering(making.layout, "ec2", making.region) as ec2:
        there = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [making.id]}])
        for rule in there["SecurityGroupRules"]:
            revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            revoke(GroupId=making.id, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])


def _has_no_rules(_rules: Any) -> None:
    raise ValueError("the aws stand-in knows default groups without rules only")


def _route_id(making: Making) -> str:
    destination = str(making.inputs["destinationCidrBlock"])
    return f"r-{making.inputs['routeTableId']}{zlib.crc32(destination.encode())}"


def _is_a_resource_of_its_own(_routes: Any) -> None:
    raise ValueError("the aws stand-in knows routes as resources of their own only: aws.ec2.Route")


def _is_a_gateway(kind: str) -> None:
    if kind != "Gateway":
        raise ValueError(f"the aws stand-in knows endpoints of type Gateway only, not {kind}")


def _endpoint_changes(making: Making) -> Properties | None:
    """The route tables to add and to remove; None without a change."""
    wanted, before = (set(known_values(one, "routeTableIds")) for one in (making.inputs, making.previous))
    asked = {"AddRouteTableIds": sorted(wanted - before), "RemoveRouteTableIds": sorted(before - wanted)}
    changed = {name: ids for name, ids in asked.items() if ids}
    return {**changed, "VpcEndpointId": making.id} if making.previous and changed else None


KINDS = (
    Kind(
        type=VPC,
        make_id=answered("Vpc.VpcId"),
        api=Api(
            "ec2",
            Call("create_vpc"),
            puts=(
                _attribute("enableDnsSupport", "modify_vpc_attribute", default=True),
                _attribute("enableDnsHostnames", "modify_vpc_attribute", default=False),
            ),
            deletes=(Call("delete_vpc"),),
            key="VpcId",
            tagged_as="vpc",
        ),
        deletion_refusals=(dependencies.refuse_vpc,),
        arn="arn:aws:ec2:{region}:{account}:vpc/{id}",
        rules={
            "cidrBlock": rules.sized_cidr("InvalidVpc.Range"),
            "instanceTenancy": rules.one_of("default", "dedicated"),
        },
        replaces=frozenset({"cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"}),
    ),
    # The default group of the VPC: adopted at creation, and left unchanged at deletion.
    Kind(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        make_id=_default_group,
        api=Api("ec2", None, puts=(_without_rules,), tagged_as="security-group"),
        arn="arn:aws:ec2:{region}:{account}:security-group/{id}",
        rules={"ingress": _has_no_rules, "egress": _has_no_rules},
        references=(Reference("vpcId", VPC, follows=True),),
        replaces=frozenset({"vpcId"}),
    ),
    Kind(
        type=SUBNET,
        make_id=answered("Subnet.SubnetId"),
        api=Api(
            "ec2",
            Call("create_subnet"),
            puts=(_attribute("mapPublicIpOnLaunch", "modify_subnet_attribute"),),
            # AWS deletes the association with the subnet, moto does not.
            deletes=(
                Call("disassociate_route_table", given=lambda it: _association(it, it.id), inputs=False),
                Call("delete_subnet"),
            ),
            key="SubnetId",
            tagged_as="subnet",
        ),
        deletion_refusals=(dependencies.refuse_subnet,),
        arn="arn:aws:ec2:{region}:{account}:subnet/{id}",
        rules={"cidrBlock": rules.sized_cidr("InvalidSubnet.Range")},
        references=(in_vpc(),),
        refusals=(_is_in_a_zone_of_the_region,),
        replaces=names("availabilityZone availabilityZoneId cidrBlock ipv6Native outpostArn vpcId"),
        attributes={"availabilityZone": answered("Subnet.AvailabilityZone")},
    ),
    Kind(
        type=INTERNET_GATEWAY,
        make_id=answered("InternetGateway.InternetGatewayId"),
        api=Api(
            "ec2",
            Call("create_internet_gateway"),
            puts=(
                Call("detach_internet_gateway", given=_detached),
                Call("attach_internet_gateway", given=_attached),
            ),
            deletes=(
                Call("detach_internet_gateway", given=when("vpcId")),
                Call("delete_internet_gateway"),
            ),
            key="InternetGatewayId",
            tagged_as="internet-gateway",
        ),
        arn="arn:aws:ec2:{region}:{account}:internet-gateway/{id}",
        references=(in_vpc(),),
        refusals=(
            taken(
                INTERNET_GATEWAY,
                "vpcId",
                "InvalidParameterValue",
                "Network {vpcId} already has an internet gateway attached",
            ),
        ),
        deletion_refusals=(dependencies.refuse_internet_gateway,),
    ),
    Kind(
        type=EIP,
        make_id=answered("AllocationId"),
        api=Api(
            "ec2",
            Call("allocate_address"),
            deletes=(Call("release_address"),),
            key="AllocationId",
            tagged_as="elastic-ip",
        ),
        arn="arn:aws:ec2:{region}:{account}:elastic-ip/{id}",
        rules={"domain": rules.one_of("vpc")},
        replaces=names("address customerOwnedIpv4Pool domain networkBorderGroup publicIpv4Pool"),
        attributes={"publicIp": answered("PublicIp")},
    ),
    Kind(
        type=NAT_GATEWAY,
        make_id=answered("NatGateway.NatGatewayId"),
        api=Api(
            "ec2",
            Call("create_nat_gateway"),
            deletes=(
                Call("delete_nat_gateway"),
                # AWS does both with the deletion of the gateway, moto does not.
                Call("disassociate_address", given=_output("AssociationId", "associationId")),
                Call("delete_network_interface", given=_output("NetworkInterfaceId", "networkInterfaceId")),
            ),
            key="NatGatewayId",
            tagged_as="natgateway",
        ),
        references=(
            in_subnets("subnetId"),
            Reference("allocationId", EIP, blocks=Refusal("InvalidIPAddress.InUse", "Address {id} is in use.")),
        ),
        refusals=(_reaches_the_internet,),
        rules={"connectivityType": rules.one_of("private", "public")},
        replaces=names("allocationId availabilityMode connectivityType privateIp subnetId vpcId"),
        attributes={
            "associationId": answered("NatGateway.NatGatewayAddresses.AssociationId"),
            "networkInterfaceId": answered("NatGateway.NatGatewayAddresses.NetworkInterfaceId"),
        },
    ),
    Kind(
        type=ROUTE_TABLE,
        make_id=answered("RouteTable.RouteTableId"),
        api=Api(
            "ec2",
            Call("create_route_table"),
            deletes=(Call("delete_route_table"),),
            key="RouteTableId",
            tagged_as="route-table",
        ),
        arn="arn:aws:ec2:{region}:{account}:route-table/{id}",
        rules={"routes": _is_a_resource_of_its_own},
        references=(in_vpc(),),
        replaces=frozenset({"vpcId"}),
    ),
    Kind(
        type="aws:ec2/route:Route",
        make_id=_route_id,
        api=Api(
            "ec2",
            Call("create_route"),
            puts=(Call("replace_route", given=lambda making: {} if making.previous else None),),
            deletes=(Call("delete_route"),),
        ),
        rules={"destinationCidrBlock": rules.cidr},
        references=(Reference("routeTableId", ROUTE_TABLE, follows=True),),
        replaces=names("destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId routeTableId"),
        tagged=False,
    ),
    Kind(
        type=ASSOCIATION,
        make_id=answered("AssociationId"),
        api=Api(
            "ec2",
            Call("associate_route_table"),
            puts=(
                Call("replace_route_table_association", given=lambda it: _own_association(it) if it.previous else None),
            ),
            deletes=(Call("disassociate_route_table", given=_own_association),),
        ),
        references=(Reference("subnetId", SUBNET, follows=True),),
        refusals=(
            taken(
                ASSOCIATION,
                "subnetId",
                "Resource.AlreadyAssociated",
                "the specified association for route table {routeTableId} conflicts with an existing association",
            ),
        ),
        replaces=frozenset({"gatewayId", "subnetId"}),
        tagged=False,
    ),
    Kind(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        make_id=answered("VpcEndpoint.VpcEndpointId"),
        api=Api(
            "ec2",
            Call("create_vpc_endpoint", given=lambda _: {"VpcEndpointType": "Gateway"}),
            puts=(Call("modify_vpc_endpoint", given=_endpoint_changes, inputs=False),),
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
            "vpcEndpointType": _is_a_gateway,
        },
        references=(in_vpc(),),
        replaces=frozenset({"serviceName", "serviceRegion", "vpcEndpointType", "vpcId"}),
    ),
)
