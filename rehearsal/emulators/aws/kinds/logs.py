"""CloudWatch log groups and VPC flow logs."""

from __future__ import annotations

import json

from rehearsal.aws.authorization import granted
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource


def check_role(flow_log: Resource) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html ."""
    destination, role = flow_log.inputs.get("logDestinationType", "cloud-watch-logs"), flow_log.inputs.get("iamRoleArn")
    if destination == "cloud-watch-logs" and not role:
        raise AwsError(
            "InvalidParameter", "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."
        )
    if destination == "s3" and role:
        raise AwsError("InvalidParameter", "DeliverLogsPermissionArn is not applicable for s3 delivery")


def check_bucket(flow_log: Resource) -> None:
    """Stricter than AWS, which adds the missing statements to a bucket policy that the caller may change.

    The program's next update would take them away: it owns the policy.
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
    """
    if flow_log.inputs.get("logDestinationType") != "s3":
        return
    bucket = str(flow_log.inputs["logDestination"]).rpartition(":")[2].partition("/")[0]
    with flow_log.client("s3") as s3:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    if not granted(policy, "delivery.logs.amazonaws.com") >= {"s3:PutObject", "s3:GetBucketAcl"}:
        raise AwsError(
            "LogDestinationPermissionIssue",
            f"Access Denied for LogDestination: {bucket}. Please check LogDestination permission",
        )


STILL_WRITTEN = "rehearsal/still-written"
"""Tag of a log group that a service makes again as soon as it is deleted."""


def delete_group(group: Resource) -> None:
    """Deletes a log group; what is still written makes it again."""
    with group.client("logs") as logs:
        made_again = STILL_WRITTEN in logs.list_tags_log_group(logGroupName=group.id)["tags"]
        logs.delete_log_group(logGroupName=group.id)
        if made_again:
            logs.create_log_group(logGroupName=group.id)


def set_retention(group: Resource) -> None:
    """Sets or removes a log group's retention."""
    days = int(group.inputs.get("retentionInDays") or 0)
    if days != int(group.previous.get("retentionInDays") or 0):
        with group.client("logs") as logs:
            if days:
                logs.put_retention_policy(logGroupName=group.id, retentionInDays=days)
            else:
                logs.delete_retention_policy(logGroupName=group.id)
