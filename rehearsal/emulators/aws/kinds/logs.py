"""CloudWatch log groups and VPC flow logs."""

from __future__ import annotations

import json
from typing import Any

from rehearsal.aws.authorization import as_list
from rehearsal.emulators.aws import protection
from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import AutoName, Kind, Resource, arn, response_value, text


def _check_role(flow_log: Resource) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html ."""
    destination, role = flow_log.inputs.get("logDestinationType", "cloud-watch-logs"), flow_log.inputs.get("iamRoleArn")
    if destination == "cloud-watch-logs" and not role:
        raise AwsError(
            "InvalidParameter", "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."
        )
    if destination == "s3" and role:
        raise AwsError("InvalidParameter", "DeliverLogsPermissionArn is not applicable for s3 delivery")


def _check_bucket(flow_log: Resource) -> None:
    """Stricter than AWS, which adds the missing statements to a bucket policy that the caller may change.

    The program's next update would take them away: it owns the policy.
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
    """
    if flow_log.inputs.get("logDestinationType") != "s3":
        return
    bucket = str(flow_log.inputs["logDestination"]).rpartition(":")[2].partition("/")[0]
    with flow_log.client("s3") as s3:
        statements: list[dict[str, Any]] = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    allowed = {
        action
        for statement in statements
        if statement["Effect"] == "Allow" and statement.get("Principal") == {"Service": "delivery.logs.amazonaws.com"}
        for action in as_list(statement["Action"])
    }
    if not {"s3:PutObject", "s3:GetBucketAcl"} <= allowed:
        raise AwsError(
            "LogDestinationPermissionIssue",
            f"Access Denied for LogDestination: {bucket}. Please check LogDestination permission",
        )


STILL_WRITTEN = "rehearsal/still-written"
"""Tag of a log group that a service makes again as soon as it is deleted."""


def _delete_group(group: Resource) -> None:
    with group.client("logs") as logs:
        made_again = STILL_WRITTEN in logs.list_tags_log_group(logGroupName=group.id)["tags"]
        logs.delete_log_group(logGroupName=group.id)
        if made_again:
            logs.create_log_group(logGroupName=group.id)


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
            delete=(_delete_group,),
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
        checks=(_check_role, _check_bucket),
        # All inputs but the tags.
        attributes={"arn": arn("ec2", "vpc-flow-log/{id}")},
    ),
)
