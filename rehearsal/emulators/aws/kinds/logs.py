"""CloudWatch log groups and VPC flow logs."""

from __future__ import annotations

from rehearsal.emulators.aws import protection
from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import AutoName, Kind, Resource, arn, response_value, text


def _check_role(flow_log: Resource) -> None:
    to_log_group = flow_log.inputs.get("logDestinationType", "cloud-watch-logs") == "cloud-watch-logs"
    if to_log_group and not flow_log.inputs.get("iamRoleArn"):
        raise AwsError(
            "InvalidParameter", "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."
        )


def _set_retention(group: Resource) -> None:
    days = int(group.inputs.get("retentionInDays") or 0)
    if days != int(group.previous.get("retentionInDays") or 0):
        with group.client("logs") as logs:
            if days:
                logs.put_retention_policy(logGroupName=group.id, retentionInDays=days)
            else:
                logs.delete_retention_policy(logGroupName=group.id)


KINDS = (
    Kind(
        type="aws:cloudwatch/logGroup:LogGroup",
        make_id=text("{name}"),
        api=Api(
            "logs",
            Call("create_log_group", names={"name": "logGroupName"}),
            configure=(_set_retention,),
            delete=(Call("delete_log_group"),),
            key="logGroupName",
        ),
        name=AutoName(longest=512),
        deletion_checks=(protection.check,),
        attributes={"arn": arn("logs", "log-group:{name}")},
    ),
    Kind(
        type="aws:ec2/flowLog:FlowLog",
        make_id=response_value("FlowLogIds"),
        api=Api(
            "ec2",
            Call(
                "create_flow_logs",
                names={"iamRoleArn": "DeliverLogsPermissionArn", "vpcId": "ResourceIds"},
                constants={"ResourceType": "VPC"},
            ),
            delete=(Call("delete_flow_logs"),),
            key="FlowLogIds",
            tagged_as="vpc-flow-log",
        ),
        checks=(_check_role,),
        # All inputs but the tags.
        attributes={"arn": arn("ec2", "vpc-flow-log/{id}")},
    ),
)
