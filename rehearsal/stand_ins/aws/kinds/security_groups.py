"""Security groups and their rules."""

from __future__ import annotations

from typing import Any

from rehearsal.stand_ins.aws import rules
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.kind import AutoName, Kind, Making, Reference, Refusal, Unique, account_id, fresh, given
from rehearsal.stand_ins.aws.kinds.network import SECURITY_GROUP, VPC, in_vpc

NO_SUCH_GROUP = Refusal("InvalidGroup.NotFound", "The security group '{value}' does not exist")
GROUP_IN_USE = Refusal("DependencyViolation", "resource {id} has a dependent object")
HIGHEST_PORT = 65535
PORT = rules.between(-1, HIGHEST_PORT)


def _name(value: Any) -> None:
    rules.pattern(
        r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{{}}!$*]{1,255}".replace("{{", "{").replace("}}", "}"),
        "InvalidParameterValue",
        "Value ({value}) for parameter GroupName is invalid. Character sets beyond ASCII are not supported.",
    )(value)
    if str(value).startswith("sg-"):
        raise AwsError("InvalidParameterValue", f"invalid value for parameter group-name: {value}")


def _default_group(making: Making) -> str:
    vpc = making.find(VPC, str(making.inputs["vpcId"]))
    return "" if vpc is None else str(vpc.outputs["defaultSecurityGroupId"])


def _rule(direction: str) -> Kind:
    return Kind(
        type=f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        make_id=fresh("sgr"),
        arn="arn:aws:ec2:{region}:{account}:security-group-rule/{id}",
        rules={"cidrIpv4": rules.cidr, "fromPort": PORT, "toPort": PORT},
        references=(
            Reference("securityGroupId", SECURITY_GROUP, missing=NO_SUCH_GROUP, follows=True),
            Reference("referencedSecurityGroupId", SECURITY_GROUP, missing=NO_SUCH_GROUP, blocks=GROUP_IN_USE),
        ),
        unique=(
            Unique(
                (
                    "securityGroupId",
                    "ipProtocol",
                    "fromPort",
                    "toPort",
                    "cidrIpv4",
                    "cidrIpv6",
                    "prefixListId",
                    "referencedSecurityGroupId",
                ),
                Refusal("InvalidPermission.Duplicate", "the specified rule already exists in {securityGroupId}"),
            ),
        ),
        replaces=frozenset({"securityGroupId"}),
        attributes={"securityGroupRuleId": lambda making: making.id},
    )


KINDS = (
    Kind(
        type=SECURITY_GROUP,
        make_id=fresh("sg"),
        arn="arn:aws:ec2:{region}:{account}:security-group/{id}",
        name=AutoName(),
        rules={
            "name": _name,
            "ingress.cidrBlocks": rules.cidr,
            "egress.cidrBlocks": rules.cidr,
            "ingress.fromPort": PORT,
            "ingress.toPort": PORT,
        },
        references=(
            in_vpc(),
            Reference("ingress.securityGroups", SECURITY_GROUP, missing=NO_SUCH_GROUP, blocks=GROUP_IN_USE),
            Reference("egress.securityGroups", SECURITY_GROUP, missing=NO_SUCH_GROUP, blocks=GROUP_IN_USE),
        ),
        unique=(
            Unique(
                ("vpcId", "name"),
                Refusal("InvalidGroup.Duplicate", "The security group '{name}' already exists for VPC '{vpcId}'"),
            ),
        ),
        replaces=frozenset({"description", "name", "namePrefix", "vpcId"}),
        constants={
            "description": "Managed by Pulumi",
            "egress": [],
            "ingress": [],
            "namePrefix": "",
            "revokeRulesOnDelete": False,
        },
        attributes={"ownerId": account_id},
    ),
    Kind(
        type="aws:ec2/securityGroupRule:SecurityGroupRule",
        make_id=fresh("sgrule"),
        rules={
            "cidrBlocks": rules.cidr,
            "type": rules.one_of("ingress", "egress"),
            "fromPort": PORT,
            "toPort": PORT,
        },
        references=(
            Reference("securityGroupId", SECURITY_GROUP, missing=NO_SUCH_GROUP, follows=True),
            Reference("sourceSecurityGroupId", SECURITY_GROUP, missing=NO_SUCH_GROUP, blocks=GROUP_IN_USE),
        ),
        replaces=frozenset(
            {
                "cidrBlocks",
                "fromPort",
                "ipv6CidrBlocks",
                "prefixListIds",
                "protocol",
                "securityGroupId",
                "self",
                "sourceSecurityGroupId",
                "toPort",
                "type",
            }
        ),
        attributes={
            "securityGroupRuleId": fresh("sgr"),
            "sourceSecurityGroupId": given("sourceSecurityGroupId", lambda _: ""),
        },
        tagged=False,
    ),
    # The group that every VPC has: it is taken over at creation, and left as it is at deletion.
    Kind(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        make_id=_default_group,
        arn="arn:aws:ec2:{region}:{account}:security-group/{id}",
        rules={"ingress.cidrBlocks": rules.cidr, "egress.cidrBlocks": rules.cidr},
        references=(in_vpc(follows=True),),
        replaces=frozenset({"vpcId"}),
        constants={
            "description": "default VPC security group",
            "egress": [],
            "ingress": [],
            "name": "default",
            "namePrefix": "",
            "revokeRulesOnDelete": False,
        },
        attributes={"ownerId": account_id},
    ),
    _rule("Ingress"),
    _rule("Egress"),
)
