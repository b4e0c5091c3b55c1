"""CloudWatch log groups and VPC flow logs."""

from __future__ import annotations

from rehearsal.emulators.aws import protection, rules
from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import AutoName, Kind, Reference, Resource, arn, response_value, text
from rehearsal.emulators.aws.kinds.network import VPC

RETENTION_DAYS = (
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html."""


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
        rules={
            "name": rules.pattern(
                r"[.\-_/#A-Za-z0-9]{1,512}",
                "InvalidParameterException",
                "1 validation error detected: Value '{value}' at 'logGroupName' failed to satisfy constraint: Member "
                r"must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
            ),
            "retentionInDays": rules.one_of(*RETENTION_DAYS),
            "kmsKeyId": rules.arn("kms"),
        },
        deletion_checks=(protection.check,),
        replaces="logGroupClass name namePrefix",
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
        rules={
            "iamRoleArn": rules.arn("iam"),
            "logDestination": rules.arn(),
            "logDestinationType": rules.one_of("cloud-watch-logs", "s3", "kinesis-data-firehose"),
            "maxAggregationInterval": rules.one_of(60, 600),
            "trafficType": rules.one_of("ACCEPT", "ALL", "REJECT"),
        },
        references=(Reference("vpcId", VPC, follows=True),),
        checks=(_check_role,),
        # All inputs but the tags.
        replaces="deliverCrossAccountRole destinationOptions eniId iamRoleArn logDestination logDestinationType "
        "logFormat maxAggregationInterval subnetId trafficType vpcId",
        attributes={"arn": arn("ec2", "vpc-flow-log/{id}")},
    ),
)
