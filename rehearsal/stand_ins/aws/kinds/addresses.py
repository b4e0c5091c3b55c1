"""Elastic IP addresses, and the NAT gateways that use them."""

from __future__ import annotations

from collections.abc import Callable

from rehearsal.stand_ins.aws import rules
from rehearsal.stand_ins.aws.api import Api, Call
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.kind import Kind, Making, Reference, Refusal, Unique, answered, blank
from rehearsal.stand_ins.aws.kinds.network import NAT_GATEWAY, NO_SUCH_SUBNET, SUBNET, SUBNET_IN_USE
from rehearsal.stand_ins.aws.properties import Properties

EIP = "aws:ec2/eip:Eip"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"


def _public_dns(making: Making) -> str:
    return f"ec2.{making.region}.compute.amazonaws.com"


def _output(parameter: str, name: str) -> Callable[[Making], Properties | None]:
    return lambda making: {parameter: making.previous[name]} if making.previous.get(name) else None


def _vpc(making: Making) -> str:
    subnet = making.find(SUBNET, str(making.inputs.get("subnetId")))
    return str(subnet.inputs["vpcId"]) if subnet is not None else str(making.inputs.get("vpcId", ""))


def _reaches_the_internet(making: Making) -> None:
    if making.inputs.get("connectivityType") == "private":
        return
    vpc = _vpc(making)
    if not any(gateway.inputs.get("vpcId") == vpc for gateway in making.account.records(INTERNET_GATEWAY)):
        raise AwsError("Gateway.NotAttached", f"Network {vpc} has no Internet gateway attached")


KINDS = (
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
        replaces=frozenset({"address", "customerOwnedIpv4Pool", "domain", "networkBorderGroup", "publicIpv4Pool"}),
        constants={
            **blank(
                "associationId carrierIp customerOwnedIp instance ipamPoolId networkInterface "
                "privateDns privateIp ptrRecord"
            ),
            "domain": "vpc",
            "publicIpv4Pool": "amazon",
        },
        attributes={
            "allocationId": lambda making: making.id,
            "networkBorderGroup": lambda making: making.region,
            "publicDns": _public_dns,
            "publicIp": answered("PublicIp"),
        },
    ),
    Kind(
        type=NAT_GATEWAY,
        make_id=answered("NatGateway.NatGatewayId"),
        api=Api(
            "ec2",
            Call("create_nat_gateway"),
            deletes=(
                Call("delete_nat_gateway"),
                # AWS does so with the gateway, moto does not.
                Call("disassociate_address", given=_output("AssociationId", "associationId")),
                Call("delete_network_interface", given=_output("NetworkInterfaceId", "networkInterfaceId")),
            ),
            key="NatGatewayId",
            tagged_as="natgateway",
        ),
        references=(
            Reference("subnetId", SUBNET, missing=NO_SUCH_SUBNET, blocks=SUBNET_IN_USE),
            Reference(
                "allocationId",
                EIP,
                missing=Refusal("InvalidElasticIpID.NotFound", "The elastic-ip ID '{value}' does not exist"),
                blocks=Refusal("InvalidIPAddress.InUse", "Address {id} is in use."),
            ),
        ),
        unique=(
            Unique(
                ("allocationId",),
                Refusal("Resource.AlreadyAssociated", "Elastic IP address [{allocationId}] is already associated"),
                optional=True,
            ),
        ),
        refusals=(_reaches_the_internet,),
        rules={"connectivityType": rules.one_of("private", "public")},
        replaces=frozenset({"allocationId", "availabilityMode", "connectivityType", "privateIp", "subnetId", "vpcId"}),
        constants={
            **blank("autoProvisionZones autoScalingIps regionalNatGatewayAutoMode routeTableId"),
            "availabilityMode": "zonal",
            "connectivityType": "public",
            "regionalNatGatewayAddresses": [],
            "secondaryAllocationIds": [],
            "secondaryPrivateIpAddressCount": 0,
            "secondaryPrivateIpAddresses": [],
        },
        attributes={
            "associationId": answered("NatGateway.NatGatewayAddresses.AssociationId"),
            "networkInterfaceId": answered("NatGateway.NatGatewayAddresses.NetworkInterfaceId"),
            "privateIp": answered("NatGateway.NatGatewayAddresses.PrivateIp"),
            "publicIp": answered("NatGateway.NatGatewayAddresses.PublicIp"),
            "vpcId": _vpc,
        },
    ),
)
