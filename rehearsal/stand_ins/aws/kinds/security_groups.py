"""Security groups and their rules."""

from __future__ import annotations

from typing import Any

from rehearsal.stand_ins.aws import dependencies, rules
from rehearsal.stand_ins.aws.api import Api, Call, answering
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.kind import AutoName, Kind, Making, Reference, Refusal, answered
from rehearsal.stand_ins.aws.kinds.network import VPC, in_vpc
from rehearsal.stand_ins.aws.properties import Properties, known_values

SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
GROUP_IN_USE = Refusal("DependencyViolation", "resource {id} has a dependent object")
DESCRIPTION = "Managed by Pulumi"
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


def _description(making: Making) -> Properties:
    return {"Description": making.inputs.get("description") or DESCRIPTION}


def _default_group(making: Making) -> str:
    own = {"vpc-id": making.inputs["vpcId"], "group-name": "default"}
    with answering(making.layout, "ec2", making.region) as ec2:
        filters = [{"Name": name, "Values": [value]} for name, value in own.items()]
        return str(ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"])


def _permission(rule: Properties) -> dict[str, Any]:
    """A rule as EC2 takes it: of a resource of its own, or of a list within a group."""
    ranges = [*known_values(rule, "cidrIpv4"), *known_values(rule, "cidrBlocks")]
    groups = [*known_values(rule, "referencedSecurityGroupId"), *known_values(rule, "securityGroups")]
    ports = {name: int(rule[key]) for key, name in (("fromPort", "FromPort"), ("toPort", "ToPort")) if key in rule}
    return {
        "IpProtocol": str(rule.get("ipProtocol") or rule["protocol"]),
        **ports,
        "IpRanges": [{"CidrIp": one} for one in ranges],
        "UserIdGroupPairs": [{"GroupId": one} for one in groups],
    }


def _inline_rules(making: Making) -> None:
    """The rules in a group's own lists; EC2's rule that all may leave goes.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/security_group
    """
    with answering(making.layout, "ec2", making.region) as ec2:
        there = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [making.id]}])
        for direction in ("ingress", "egress"):
            wanted = making.inputs.get(direction)
            if wanted is None and making.previous:
                continue
            ids = [
                one["SecurityGroupRuleId"]
                for one in there["SecurityGroupRules"]
                if one["IsEgress"] is (direction == "egress")
            ]
            if ids:
                getattr(ec2, f"revoke_security_group_{direction}")(GroupId=making.id, SecurityGroupRuleIds=ids)
            if wanted:
                permissions = [_permission(rule) for rule in wanted]
                getattr(ec2, f"authorize_security_group_{direction}")(GroupId=making.id, IpPermissions=permissions)


def _rule_itself(making: Making) -> Properties:
    return {"GroupId": making.inputs["securityGroupId"], "SecurityGroupRuleIds": [making.id]}


def _changed_rule(making: Making) -> None:
    if not making.previous:
        return
    rule = _permission(making.inputs)
    changed = {
        "IpProtocol": rule["IpProtocol"],
        "FromPort": rule.get("FromPort", -1),
        "ToPort": rule.get("ToPort", -1),
        **({"CidrIpv4": making.inputs["cidrIpv4"]} if rule["IpRanges"] else {}),
        **({"ReferencedGroupId": rule["UserIdGroupPairs"][0]["GroupId"]} if rule["UserIdGroupPairs"] else {}),
    }
    with answering(making.layout, "ec2", making.region) as ec2:
        ec2.modify_security_group_rules(
            GroupId=making.inputs["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": making.id, "SecurityGroupRule": changed}],
        )


def _rule(direction: str) -> Kind:
    word = direction.lower()
    create = Call(
        f"authorize_security_group_{word}",
        given=lambda it: {"GroupId": it.inputs["securityGroupId"], "IpPermissions": [_permission(it.inputs)]},
        inputs=False,
    )
    return Kind(
        type=f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        make_id=answered("SecurityGroupRules.SecurityGroupRuleId"),
        api=Api(
            "ec2",
            create,
            puts=(_changed_rule,),
            deletes=(Call(f"revoke_security_group_{word}", given=_rule_itself, inputs=False),),
        ),
        arn="arn:aws:ec2:{region}:{account}:security-group-rule/{id}",
        rules={"cidrIpv4": rules.cidr, "fromPort": PORT, "toPort": PORT},
        references=(
            Reference("securityGroupId", SECURITY_GROUP, follows=True),
            Reference("referencedSecurityGroupId", SECURITY_GROUP, blocks=GROUP_IN_USE),
        ),
        replaces=frozenset({"securityGroupId"}),
    )


KINDS = (
    Kind(
        type=SECURITY_GROUP,
        make_id=answered("GroupId"),
        api=Api(
            "ec2",
            Call("create_security_group", names={"name": "GroupName"}, given=_description),
            puts=(_inline_rules,),
            deletes=(Call("delete_security_group"),),
            key="GroupId",
            tagged_as="security-group",
        ),
        deletion_refusals=(dependencies.refuse_security_group,),
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
            Reference("ingress.securityGroups", SECURITY_GROUP, blocks=GROUP_IN_USE),
            Reference("egress.securityGroups", SECURITY_GROUP, blocks=GROUP_IN_USE),
        ),
        replaces=frozenset({"description", "name", "namePrefix", "vpcId"}),
    ),
    # The group that every VPC has: it is taken over at creation, and left as it is at deletion.
    Kind(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        make_id=_default_group,
        api=Api("ec2", None, puts=(_inline_rules,), tagged_as="security-group"),
        arn="arn:aws:ec2:{region}:{account}:security-group/{id}",
        rules={"ingress.cidrBlocks": rules.cidr, "egress.cidrBlocks": rules.cidr},
        references=(Reference("vpcId", VPC, follows=True),),
        replaces=frozenset({"vpcId"}),
    ),
    _rule("Ingress"),
    _rule("Egress"),
)
