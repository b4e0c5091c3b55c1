"""CloudWatch alarms on the logs, from the metrics that the bootstrap job publishes, and the SNS topic they notify."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.policy import Statement
from components.cluster.pod_identity import PodIdentity, PodIdentityArgs
from components.cluster.reference import ClusterReference
from components.logging.bootstrap.job.checks import CHECKS, NAMESPACE, NOT_SET_UP, Check
from components.logging.names import SETUP
from contract.namespaces import LOGGING

PERIOD_SECONDS = 600
"""The job's schedule: one data point of each metric."""


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """Arguments of `Alarms`.

    Attributes:
        cluster: The cluster.
        emails: Addresses that are told; each has to confirm a message of Amazon SNS.
    """

    cluster: ClusterReference
    emails: tuple[str, ...]


class Alarms(pulumi.ComponentResource):
    """An alarm for each check, the topic, and the job's right to publish metrics. Needs a provider for `aws`.

    Attributes:
        topic: ARN of the topic, to subscribe others to.
    """

    topic: pulumi.Output[str]

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:LogAlarms", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        platform = args.cluster.name
        # Not encrypted by a key of ours: it carries the alarms' texts, which name no log line.
        topic = aws.sns.Topic(f"{platform}-logs", name=f"{platform}-logs", opts=child)
        for email in args.emails:
            aws.sns.TopicSubscription(
                f"{platform}-logs-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=child
            )
        for check in CHECKS:
            aws.cloudwatch.MetricAlarm(
                f"{platform}-logs-{check.metric}",
                name=f"{platform}-logs-{check.metric}",
                alarm_description=f"{check.meaning} {check.remedy} (docs/runbook.md)",
                namespace=NAMESPACE,
                metric_name=check.metric,
                dimensions={"Stack": platform},
                statistic="Maximum",
                period=PERIOD_SECONDS,
                evaluation_periods=_periods(check),
                datapoints_to_alarm=_periods(check),
                threshold=0,
                comparison_operator="GreaterThanThreshold",
                # The one alarm that also tells when nobody asks any more: of a cluster or a job that is gone.
                treat_missing_data="breaching" if check.metric == NOT_SET_UP else "ignore",
                alarm_actions=[topic.arn],
                ok_actions=[topic.arn],
                opts=child,
            )
        PodIdentity(
            f"{platform}-{SETUP}",
            PodIdentityArgs(
                cluster=args.cluster,
                namespace=LOGGING,
                service_account=SETUP,
                statements=permissions(),
            ),
            opts=child,
        )
        self.topic = topic.arn
        self.register_outputs({"topic": self.topic})


def permissions() -> list[Statement]:
    """IAM permissions of the job: metrics of one namespace. The action knows no resources.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
    """
    return [
        Statement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
        )
    ]


def _periods(check: Check) -> int:
    return 3 if check.metric == NOT_SET_UP else 1
