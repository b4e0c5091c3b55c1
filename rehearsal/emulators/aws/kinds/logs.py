"""CloudWatch log groups and VPC flow logs."""

from __future__ import annotations

from rehearsal.emulators.aws import protection, rules
from rehearsal.emulators.aws.api import Api, Call, answering
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import AutoName, Kind, Making, Reference, answered, names, text
from rehearsal.emulators.aws.kinds.network import VPC
from rehearsal.emulators.aws.properties import Properties

RETENTION_DAYS = (
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html."""


def _logged(making: Making) -> Properties:
    return {"ResourceIds": [making.inputs["vpcId"]], "ResourceType": "VPC"}


def _may_be_written(making: Making) -> None:
    to_log_group = making.inputs.get("logDestinationType", "cloud-watch-logs") == "cloud-watch-logs"
    if to_log_group and not making.inputs.get("iamRoleArn"):
        raise AwsError(
            "InvalidParameter", "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."
        )


def _retention(making: Making) -> None:
    days = int(making.inputs.get("retentionInDays") or 0)
    if days != int(making.previous.get("retentionInDays") or 0):
        with answering(making.layout, "logs", making.region) as logs:
            if days:
                logs.put_retention_policy(logGroupName=making.id, retentionInDays=days)
            else:
                logs.delete_retention_policy(logGroupName=making.id)


KINDS = (
    Kind(
        type="aws:cloudwatch/logGroup:LogGroup",
        make_id=text("{name}"),
        api=Api(
            "logs",
            Call("create_log_group", names={"name": "logGroupName"}),
            puts=(_retention,),
            deletes=(Call("delete_log_group"),),
            key="logGroupName",
        ),
        arn="arn:aws:logs:{region}:{account}:log-group:{name}",
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
        deletion_refusals=(protection.refuse,),
        replaces=frozenset({"logGroupClass", "name", "namePrefix"}),
    ),
    Kind(
        type="aws:ec2/flowLog:FlowLog",
        make_id=answered("FlowLogIds"),
        api=Api(
            "ec2",
            Call("create_flow_logs", names={"iamRoleArn": "DeliverLogsPermissionArn"}, given=_logged),
            deletes=(Call("delete_flow_logs", given=lambda making: {"FlowLogIds": [making.id]}, inputs=False),),
            tagged_as="vpc-flow-log",
        ),
        arn="arn:aws:ec2:{region}:{account}:vpc-flow-log/{id}",
        rules={
            "iamRoleArn": rules.arn("iam"),
            "logDestination": rules.arn(),
            "logDestinationType": rules.one_of("cloud-watch-logs", "s3", "kinesis-data-firehose"),
            "maxAggregationInterval": rules.one_of(60, 600),
            "trafficType": rules.one_of("ACCEPT", "ALL", "REJECT"),
        },
        references=(Reference("vpcId", VPC, follows=True),),
        refusals=(_may_be_written,),
        # All inputs but the tags.
        replaces=names(
            "deliverCrossAccountRole destinationOptions eniId iamRoleArn logDestination "
            "logDestinationType logFormat maxAggregationInterval subnetId trafficType vpcId"
        ),
    ),
)
