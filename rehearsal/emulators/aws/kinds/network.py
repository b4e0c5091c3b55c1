"""VPCs, subnets, gateways, Elastic IPs, route tables and endpoints.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any

from rehearsal.emulators.aws import dependencies
from rehearsal.emulators.aws.api import Api, Call, Step
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Attribute, Kind, Resource, arn, response_value
from rehearsal.emulators.aws.properties import known_values

SUBNET = "aws:ec2/subnet:Subnet"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"


def _kind(
    noun: str,
    *,
    configure: tuple[Step, ...] = (),
    before: tuple[Step, ...] = (),
    attributes: Mapping[str, Attribute] | None = None,
    **options: Any,
) -> Kind:
    """A type whose operations are named after one of EC2's nouns, e.g. `RouteTable`.

    `before` are steps before its deletion; the options are those of `Kind`.
    """
    words = [word.lower() for word in re.findall("[A-Z][a-z]*", noun)]
    create, delete = (Call(f"{verb}_{'_'.join(words)}") for verb in ("create", "delete"))
    steps, tag = (*before, delete), "-".join(words)
    return Kind(
        type=f"aws:ec2/{noun[0].lower()}{noun[1:]}:{noun}",
        make_id=response_value(f"{noun}.{noun}Id"),
        api=Api("ec2", create, configure=configure, delete=steps, key=f"{noun}Id", tagged_as=tag),
        attributes={"arn": arn("ec2", f"{tag}/{{id}}"), **(attributes or {})},
        **options,
    )


def _check_zone(subnet: Resource) -> None:
    """Refuses availability zones of other regions, which moto accepts."""
    with subnet.client("ec2") as ec2:
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    value = subnet.inputs.get("availabilityZone")
    if value is not None and value not in zones:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({value}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
            f"the following availability zones: {', '.join(zones)}.",
        )


def _check_internet_gateway(nat: Resource) -> None:
    subnet = nat.find(SUBNET, str(nat.inputs["subnetId"]))
    if subnet is None or nat.inputs.get("connectivityType") == "private":
        return
    vpc = subnet.inputs["vpcId"]
    if not any(gateway.inputs.get("vpcId") == vpc for gateway in nat.account.records(INTERNET_GATEWAY)):
        raise AwsError("Gateway.NotAttached", f"Network {vpc} has no Internet gateway attached")


def _set_vpc_attributes(vpc: Resource) -> None:
    """Sets attributes one at a time, as EC2 requires."""
    support, names = vpc.inputs.get("enableDnsSupport", True), vpc.inputs.get("enableDnsHostnames", False)
    with vpc.client("ec2") as ec2:
        ec2.modify_vpc_attribute(VpcId=vpc.id, EnableDnsSupport={"Value": support})
        ec2.modify_vpc_attribute(VpcId=vpc.id, EnableDnsHostnames={"Value": names})


def _set_subnet_attributes(subnet: Resource) -> None:
    public = subnet.inputs.get("mapPublicIpOnLaunch", False)
    with subnet.client("ec2") as ec2:
        ec2.modify_subnet_attribute(SubnetId=subnet.id, MapPublicIpOnLaunch={"Value": public})


def _attach(gateway: Resource) -> None:
    """Attaches an internet gateway to its VPC, after detaching it from another one."""
    old, new = gateway.previous.get("vpcId"), gateway.inputs.get("vpcId")
    if old == new:
        return
    with gateway.client("ec2") as ec2:
        if old:
            ec2.detach_internet_gateway(InternetGatewayId=gateway.id, VpcId=old)
        if new:
            ec2.attach_internet_gateway(InternetGatewayId=gateway.id, VpcId=new)


def _free_address(nat: Resource) -> None:
    """Frees Elastic IP and network interface, as AWS does when it deletes the NAT gateway, and moto does not."""
    with nat.client("ec2") as ec2:
        if nat.previous.get("associationId"):
            ec2.disassociate_address(AssociationId=nat.previous["associationId"])
        if nat.previous.get("networkInterfaceId"):
            ec2.delete_network_interface(NetworkInterfaceId=nat.previous["networkInterfaceId"])


def _association(ec2: Any, subnet: str) -> str | None:
    """The id of a subnet's route table association, which changes with each replacement; None without one."""
    tables = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"]
    associations = (association for table in tables for association in table["Associations"])
    return next((one["RouteTableAssociationId"] for one in associations if one.get("SubnetId") == subnet), None)


def _disassociate(resource: Resource) -> None:
    """Deletes the association of a subnet; AWS deletes it with the subnet, moto does not."""
    with resource.client("ec2") as ec2:
        if association := _association(ec2, str(resource.inputs.get("subnetId", resource.id))):
            ec2.disassociate_route_table(AssociationId=association)


def _replace_association(resource: Resource) -> None:
    with resource.client("ec2") as ec2:
        ec2.replace_route_table_association(
            AssociationId=_association(ec2, resource.inputs["subnetId"]), RouteTableId=resource.inputs["routeTableId"]
        )


def _default_group(resource: Resource) -> str:
    filters = [{"Name": "vpc-id", "Values": [resource.inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    with resource.client("ec2") as ec2:
        return str(ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"])


def _revoke_rules(group: Resource) -> None:
    """Deletes the default security group's rules, as the provider does on adoption.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/default_security_group
    """
    with group.client("ec2") as ec2:
        response = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group.id]}])
        for rule in response["SecurityGroupRules"]:
            revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            revoke(GroupId=group.id, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])


def _route_id(route: Resource) -> str:
    destination = str(route.inputs["destinationCidrBlock"])
    return f"r-{route.inputs['routeTableId']}{zlib.crc32(destination.encode())}"


def _change_route_tables(endpoint: Resource) -> None:
    new, old = (set(known_values(bag, "routeTableIds")) for bag in (endpoint.inputs, endpoint.previous))
    with endpoint.client("ec2") as ec2:
        if new != old:
            ec2.modify_vpc_endpoint(
                VpcEndpointId=endpoint.id,
                AddRouteTableIds=sorted(new - old),
                RemoveRouteTableIds=sorted(old - new),
            )


KINDS = (
    _kind("Vpc", configure=(_set_vpc_attributes,), deletion_checks=(dependencies.check_vpc,)),
    # The default group of the VPC: adopted at creation, and left unchanged at deletion.
    Kind(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        make_id=_default_group,
        api=Api("ec2", configure=(_revoke_rules,), tagged_as="security-group"),
        attributes={"arn": arn("ec2", "security-group/{id}")},
    ),
    _kind(
        "Subnet",
        configure=(_set_subnet_attributes,),
        before=(_disassociate,),
        deletion_checks=(dependencies.check_subnet,),
        checks=(_check_zone,),
        attributes={"availabilityZone": response_value("Subnet.AvailabilityZone")},
    ),
    _kind(
        "InternetGateway",
        configure=(_attach,),
        before=(Call("detach_internet_gateway"),),
        deletion_checks=(dependencies.check_internet_gateway,),
    ),
    Kind(
        type="aws:ec2/eip:Eip",
        make_id=response_value("AllocationId"),
        api=Api(
            "ec2",
            Call("allocate_address"),
            delete=(Call("release_address"),),
            key="AllocationId",
            tagged_as="elastic-ip",
        ),
        attributes={"arn": arn("ec2", "elastic-ip/{id}"), "publicIp": response_value("PublicIp")},
    ),
    Kind(
        type="aws:ec2/natGateway:NatGateway",
        make_id=response_value("NatGateway.NatGatewayId"),
        api=Api(
            "ec2",
            Call("create_nat_gateway"),
            delete=(Call("delete_nat_gateway"), _free_address),
            key="NatGatewayId",
            tagged_as="natgateway",
        ),
        checks=(_check_internet_gateway,),
        attributes={
            "associationId": response_value("NatGateway.NatGatewayAddresses.AssociationId"),
            "networkInterfaceId": response_value("NatGateway.NatGatewayAddresses.NetworkInterfaceId"),
        },
    ),
    _kind("RouteTable"),
    Kind(
        type="aws:ec2/route:Route",
        make_id=_route_id,
        api=Api("ec2", Call("create_route"), update=(Call("replace_route"),), delete=(Call("delete_route"),)),
        tagged=False,
    ),
    Kind(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        make_id=response_value("AssociationId"),
        api=Api("ec2", Call("associate_route_table"), update=(_replace_association,), delete=(_disassociate,)),
        tagged=False,
    ),
    Kind(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        make_id=response_value("VpcEndpoint.VpcEndpointId"),
        api=Api(
            "ec2",
            Call("create_vpc_endpoint", constants={"VpcEndpointType": "Gateway"}),
            update=(_change_route_tables,),
            delete=(Call("delete_vpc_endpoints"),),
            key="VpcEndpointIds",
            tagged_as="vpc-endpoint",
        ),
        attributes={"arn": arn("ec2", "vpc-endpoint/{id}")},
    ),
)
