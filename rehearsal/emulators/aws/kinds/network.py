"""VPCs, subnets, gateways, Elastic IPs, route tables and endpoints.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

import zlib
from typing import Any

from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.emulators.aws.properties import known_values

SUBNET = "aws:ec2/subnet:Subnet"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"


def check_zone(subnet: Resource) -> None:
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


def check_internet_gateway(nat: Resource) -> None:
    """Refuses a public NAT gateway in a VPC without an internet gateway."""
    subnet = nat.find(SUBNET, str(nat.inputs["subnetId"]))
    if subnet is None or nat.inputs.get("connectivityType") == "private":
        return
    vpc = subnet.inputs["vpcId"]
    if not any(gateway.inputs.get("vpcId") == vpc for gateway in nat.account.records(INTERNET_GATEWAY)):
        raise AwsError("Gateway.NotAttached", f"Network {vpc} has no Internet gateway attached")


def set_vpc_attributes(vpc: Resource) -> None:
    """Sets attributes one at a time, as EC2 requires."""
    support, names = vpc.inputs.get("enableDnsSupport", True), vpc.inputs.get("enableDnsHostnames", False)
    with vpc.client("ec2") as ec2:
        ec2.modify_vpc_attribute(VpcId=vpc.id, EnableDnsSupport={"Value": support})
        ec2.modify_vpc_attribute(VpcId=vpc.id, EnableDnsHostnames={"Value": names})


def set_subnet_attributes(subnet: Resource) -> None:
    """Sets whether instances get public addresses."""
    public = subnet.inputs.get("mapPublicIpOnLaunch", False)
    with subnet.client("ec2") as ec2:
        ec2.modify_subnet_attribute(SubnetId=subnet.id, MapPublicIpOnLaunch={"Value": public})


def attach(gateway: Resource) -> None:
    """Attaches an internet gateway to its VPC, after detaching it from another one."""
    old, new = gateway.previous.get("vpcId"), gateway.inputs.get("vpcId")
    if old == new:
        return
    with gateway.client("ec2") as ec2:
        if old:
            ec2.detach_internet_gateway(InternetGatewayId=gateway.id, VpcId=old)
        if new:
            ec2.attach_internet_gateway(InternetGatewayId=gateway.id, VpcId=new)


def free_address(nat: Resource) -> None:
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


def disassociate(resource: Resource) -> None:
    """Deletes the association of a subnet; AWS deletes it with the subnet, moto does not."""
    with resource.client("ec2") as ec2:
        if association := _association(ec2, str(resource.inputs.get("subnetId", resource.id))):
            ec2.disassociate_route_table(AssociationId=association)


def replace_association(resource: Resource) -> None:
    """Associates a subnet with another route table."""
    with resource.client("ec2") as ec2:
        ec2.replace_route_table_association(
            AssociationId=_association(ec2, resource.inputs["subnetId"]), RouteTableId=resource.inputs["routeTableId"]
        )


def default_group(resource: Resource) -> str:
    """Id of a VPC's default security group."""
    filters = [{"Name": "vpc-id", "Values": [resource.inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    with resource.client("ec2") as ec2:
        return str(ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"])


def revoke_rules(group: Resource) -> None:
    """Deletes the default security group's rules, as the provider does on adoption.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/default_security_group
    """
    with group.client("ec2") as ec2:
        response = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group.id]}])
        for rule in response["SecurityGroupRules"]:
            revoke = ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            revoke(GroupId=group.id, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])


def route_id(route: Resource) -> str:
    """A route's id, as the provider computes it."""
    destination = str(route.inputs["destinationCidrBlock"])
    return f"r-{route.inputs['routeTableId']}{zlib.crc32(destination.encode())}"


def authorize(group: Resource) -> None:
    """Adds a security group's rules, of which it has none: the provider takes away EC2's for egress."""
    rules: list[dict[str, Any]] = group.inputs.get("ingress") or []
    permissions = [
        {
            "IpProtocol": rule["protocol"],
            "FromPort": int(rule["fromPort"]),
            "ToPort": int(rule["toPort"]),
            "IpRanges": [{"CidrIp": cidr} for cidr in rule["cidrBlocks"]],
        }
        for rule in rules
    ]
    if not permissions:
        return
    with group.client("ec2") as ec2:
        ec2.authorize_security_group_ingress(GroupId=group.id, IpPermissions=permissions)


def check_endpoint(endpoint: Resource) -> None:
    """Refuses an interface endpoint with two subnets of a zone, or whose private names its VPC cannot have.

    https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
    """
    subnets = [endpoint.find(SUBNET, str(one)) for one in known_values(endpoint.inputs, "subnetIds")]
    zones = [one.outputs["availabilityZone"] for one in subnets if one is not None]
    if len(zones) != len(set(zones)):
        raise AwsError("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone")
    if not endpoint.inputs.get("privateDnsEnabled"):
        return
    vpc = endpoint.find("aws:ec2/vpc:Vpc", str(endpoint.inputs["vpcId"]))
    if vpc and not (vpc.inputs.get("enableDnsSupport", True) and vpc.inputs.get("enableDnsHostnames")):
        message = (
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true"
        )
        raise AwsError("InvalidParameter", f"{message} for {vpc.id}")
    names = ("vpcId", "serviceName", "privateDnsEnabled")
    for other in endpoint.account.records("aws:ec2/vpcEndpoint:VpcEndpoint"):
        if other.id != endpoint.id and all(other.inputs.get(one) == endpoint.inputs[one] for one in names):
            message = f"there is already a conflicting DNS domain for {endpoint.inputs['serviceName']} in the VPC"
            raise AwsError("InvalidParameter", f"private-dns-enabled cannot be set because {message}")


def change_endpoint(endpoint: Resource) -> None:
    """Adds and removes an endpoint's route tables, subnets and security groups."""
    changes: dict[str, list[str]] = {}
    for path, parameter in {
        "routeTableIds": "RouteTable",
        "subnetIds": "Subnet",
        "securityGroupIds": "SecurityGroup",
    }.items():
        new, old = (set(known_values(bag, path)) for bag in (endpoint.inputs, endpoint.previous))
        changes |= {f"Add{parameter}Ids": sorted(new - old), f"Remove{parameter}Ids": sorted(old - new)}
    with endpoint.client("ec2") as ec2:
        if any(changes.values()):
            ec2.modify_vpc_endpoint(VpcEndpointId=endpoint.id, **changes)
