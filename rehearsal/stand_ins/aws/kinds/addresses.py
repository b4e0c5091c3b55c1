"""Elastic IP addresses, and the NAT gateways that use them."""

from __future__ import annotations

import random

from rehearsal.stand_ins.aws import rules
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.kind import Kind, Making, Reference, Refusal, Unique, fresh
from rehearsal.stand_ins.aws.kinds.network import NAT_GATEWAY, NO_SUCH_SUBNET, SUBNET, SUBNET_IN_USE

EIP = "aws:ec2/eip:Eip"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"


def _public_ip(making: Making) -> str:
    """An address of 203.0.113.0/24, which is for documentation (RFC 5737), that the account does not use yet."""
    taken = {eip.outputs.get("publicIp") for eip in making.account.records(EIP)}
    free = [address for address in (f"203.0.113.{host}" for host in range(1, 255)) if address not in taken]
    if not free:
        raise AwsError("AddressLimitExceeded", "The maximum number of addresses has been reached.")
    return random.choice(free)  # noqa: S311 - an address, not a secret


def _public_dns(making: Making) -> str:
    return f"ec2.{making.region}.compute.amazonaws.com"


def _address(making: Making) -> str:
    eip = making.find(EIP, str(making.inputs.get("allocationId")))
    return str(eip.outputs["publicIp"]) if eip is not None else ""


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
        make_id=fresh("eipalloc"),
        arn="arn:aws:ec2:{region}:{account}:elastic-ip/{id}",
        rules={"domain": rules.one_of("vpc")},
        replaces=frozenset({"address", "customerOwnedIpv4Pool", "domain", "networkBorderGroup", "publicIpv4Pool"}),
        constants={
            "associationId": "",
            "carrierIp": "",
            "customerOwnedIp": "",
            "domain": "vpc",
            "instance": "",
            "ipamPoolId": "",
            "networkInterface": "",
            "privateDns": "",
            "privateIp": "",
            "ptrRecord": "",
            "publicIpv4Pool": "amazon",
        },
        attributes={
            "allocationId": lambda making: making.id,
            "networkBorderGroup": lambda making: making.region,
            "publicDns": _public_dns,
            "publicIp": _public_ip,
        },
    ),
    Kind(
        type=NAT_GATEWAY,
        make_id=fresh("nat"),
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
            "autoProvisionZones": "",
            "autoScalingIps": "",
            "availabilityMode": "zonal",
            "connectivityType": "public",
            "regionalNatGatewayAddresses": [],
            "regionalNatGatewayAutoMode": "",
            "routeTableId": "",
            "secondaryAllocationIds": [],
            "secondaryPrivateIpAddressCount": 0,
            "secondaryPrivateIpAddresses": [],
        },
        attributes={
            "associationId": fresh("eipassoc"),
            "networkInterfaceId": fresh("eni"),
            "privateIp": lambda _: "",
            "publicIp": _address,
            "vpcId": _vpc,
        },
    ),
)
