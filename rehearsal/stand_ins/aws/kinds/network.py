"""VPCs, subnets, internet gateways, VPC endpoints.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

from rehearsal.stand_ins.aws import moto_answers, rules
from rehearsal.stand_ins.aws.account import Account, Record
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.kind import Kind, Making, Reference, Refusal, Unique, account_id, fresh, given, text
from rehearsal.stand_ins.aws.properties import known_values

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
LOAD_BALANCER = "rehearsal:elasticloadbalancing/loadBalancer:LoadBalancer"
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


def _fits_its_vpc(making: Making) -> None:
    if making.previous or "cidrBlock" not in making.inputs:
        return
    vpc = making.find(VPC, making.inputs["vpcId"])
    neighbours = [
        str(subnet.inputs["cidrBlock"])
        for subnet in making.account.records(SUBNET)
        if subnet.inputs["vpcId"] == making.inputs["vpcId"] and "cidrBlock" in subnet.inputs
    ]
    if vpc is not None:
        moto_answers.judge_subnet(str(vpc.inputs["cidrBlock"]), neighbours, str(making.inputs["cidrBlock"]))


def _is_in_a_zone_of_the_region(making: Making) -> None:
    zones = moto_answers.availability_zones(making.region)
    for name, known in (("availabilityZone", list(zones)), ("availabilityZoneId", list(zones.values()))):
        value = making.inputs.get(name)
        if value is not None and value not in known:
            raise AwsError(
                "InvalidParameterValue",
                f"Value ({value}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
                f"the following availability zones: {', '.join(known)}.",
            )


def _zone(making: Making) -> str:
    zones = moto_answers.availability_zones(making.region)
    wanted = making.inputs.get("availabilityZoneId")
    return next((name for name, identifier in zones.items() if wanted in (None, identifier)), "")


def _zone_id(making: Making) -> str:
    zones = moto_answers.availability_zones(making.region)
    return zones.get(str(making.inputs.get("availabilityZone") or _zone(making)), "")


def _subnets(record: Record) -> list[str]:
    return [*known_values(record.inputs, "subnetId"), *known_values(record.inputs, "subnetIds")]


def _has_no_mapped_addresses(account: Account, gateway: Record) -> None:
    with_interfaces = (*account.records(NAT_GATEWAY), *account.records(LOAD_BALANCER))
    for interface in (one for record in with_interfaces for one in _subnets(record)):
        subnet = account.find(SUBNET, interface)
        if subnet is not None and subnet.inputs["vpcId"] == gateway.inputs.get("vpcId"):
            raise AwsError(
                "DependencyViolation",
                f"Network {subnet.inputs['vpcId']} has some mapped public address(es). Please unmap those public "
                f"address(es) before detaching the gateway.",
            )


KINDS = (
    Kind(
        type=VPC,
        make_id=fresh("vpc"),
        arn="arn:aws:ec2:{region}:{account}:vpc/{id}",
        rules={"cidrBlock": rules.vpc_cidr, "instanceTenancy": rules.one_of("default", "dedicated")},
        replaces=frozenset({"cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"}),
        constants={
            "assignGeneratedIpv6CidrBlock": False,
            "enableDnsHostnames": False,
            "enableDnsSupport": True,
            "enableNetworkAddressUsageMetrics": False,
            "instanceTenancy": "default",
            "ipv6AssociationId": "",
            "ipv6CidrBlock": "",
            "ipv6CidrBlockNetworkBorderGroup": "",
        },
        attributes={
            "defaultNetworkAclId": fresh("acl"),
            "defaultRouteTableId": fresh("rtb"),
            "defaultSecurityGroupId": fresh("sg"),
            "dhcpOptionsId": fresh("dopt"),
            "mainRouteTableId": fresh("rtb"),
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
        make_id=fresh("subnet"),
        arn="arn:aws:ec2:{region}:{account}:subnet/{id}",
        rules={"cidrBlock": rules.subnet_cidr},
        references=(in_vpc(),),
        refusals=(_is_in_a_zone_of_the_region, _fits_its_vpc),
        replaces=frozenset(
            {"availabilityZone", "availabilityZoneId", "cidrBlock", "ipv6Native", "outpostArn", "vpcId"}
        ),
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
            "availabilityZone": given("availabilityZone", _zone),
            "availabilityZoneId": given("availabilityZoneId", _zone_id),
            "ownerId": account_id,
        },
    ),
    Kind(
        type="aws:ec2/internetGateway:InternetGateway",
        make_id=fresh("igw"),
        arn="arn:aws:ec2:{region}:{account}:internet-gateway/{id}",
        references=(in_vpc(),),
        unique=(
            Unique(
                ("vpcId",),
                Refusal("InvalidParameterValue", "Network {vpcId} already has an internet gateway attached"),
                optional=True,
            ),
        ),
        deletion_refusals=(_has_no_mapped_addresses,),
        constants={"vpcId": ""},
        attributes={"ownerId": account_id},
    ),
    Kind(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        make_id=fresh("vpce"),
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
            "prefixListId": fresh("pl"),
            "serviceRegion": given("serviceRegion", text("{region}")),
        },
    ),
)
