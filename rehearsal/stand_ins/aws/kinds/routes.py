"""Route tables, their routes and associations."""

from __future__ import annotations

import zlib
from typing import Any

from rehearsal.stand_ins.aws import rules
from rehearsal.stand_ins.aws.api import Api, Call
from rehearsal.stand_ins.aws.kind import Kind, Making, Reference, Refusal, Unique, account_id, answered, blank, names
from rehearsal.stand_ins.aws.kinds.addresses import INTERNET_GATEWAY
from rehearsal.stand_ins.aws.kinds.network import NAT_GATEWAY, NO_SUCH_SUBNET, ROUTE_TABLE, SUBNET, association, in_vpc
from rehearsal.stand_ins.aws.properties import Properties

NO_SUCH_ROUTE_TABLE = Refusal("InvalidRouteTableID.NotFound", "The routeTable ID '{value}' does not exist")
NO_SUCH_GATEWAY = Refusal("InvalidGatewayID.NotFound", "The gateway ID '{value}' does not exist")
NO_SUCH_NAT_GATEWAY = Refusal("InvalidNatGatewayID.NotFound", "The natGateway ID '{value}' does not exist")


def _route_id(making: Making) -> str:
    destination = str(making.inputs.get("destinationCidrBlock") or making.inputs.get("destinationIpv6CidrBlock"))
    return f"r-{making.inputs['routeTableId']}{zlib.crc32(destination.encode())}"


def _is_a_resource_of_its_own(_routes: Any) -> None:
    raise ValueError("the aws stand-in knows routes as resources of their own only: aws.ec2.Route")


def _association(making: Making) -> Properties | None:
    """The subnet's association: it gets another id with each replacement."""
    return association(making, str(making.inputs["subnetId"]))


KINDS = (
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
        constants={"propagatingVgws": [], "routes": []},
        attributes={"ownerId": account_id},
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
        references=(
            Reference("routeTableId", ROUTE_TABLE, missing=NO_SUCH_ROUTE_TABLE, follows=True),
            Reference("gatewayId", INTERNET_GATEWAY, missing=NO_SUCH_GATEWAY),
            Reference("natGatewayId", NAT_GATEWAY, missing=NO_SUCH_NAT_GATEWAY),
        ),
        unique=(
            Unique(
                ("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"),
                Refusal("RouteAlreadyExists", "The route identified by {destinationCidrBlock} already exists."),
            ),
        ),
        replaces=names("destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId routeTableId"),
        constants={
            **blank("instanceId instanceOwnerId networkInterfaceId"),
            "origin": "CreateRoute",
            "state": "active",
        },
        tagged=False,
    ),
    Kind(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        make_id=answered("AssociationId"),
        api=Api(
            "ec2",
            Call("associate_route_table"),
            puts=(Call("replace_route_table_association", given=lambda it: _association(it) if it.previous else None),),
            deletes=(Call("disassociate_route_table", given=_association),),
        ),
        references=(
            Reference(
                "routeTableId",
                ROUTE_TABLE,
                missing=NO_SUCH_ROUTE_TABLE,
                blocks=Refusal("DependencyViolation", "The routeTable '{id}' has dependencies and cannot be deleted."),
            ),
            Reference("subnetId", SUBNET, missing=NO_SUCH_SUBNET, follows=True),
        ),
        unique=(
            Unique(
                ("subnetId", "gatewayId"),
                Refusal(
                    "Resource.AlreadyAssociated",
                    "the specified association for route table {routeTableId} conflicts with an existing association",
                ),
            ),
        ),
        replaces=frozenset({"gatewayId", "subnetId"}),
        tagged=False,
    ),
)
