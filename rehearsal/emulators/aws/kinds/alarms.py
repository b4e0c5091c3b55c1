"""CloudWatch alarms, and the SNS topics that they notify; nothing evaluates an alarm, and nobody is told."""

from __future__ import annotations

from rehearsal.emulators.aws.api import Api, Call, tag_list
from rehearsal.emulators.aws.kind import AutoName, Kind, Resource, arn, response_value, text

_PUT_ALARM = Call("put_metric_alarm", names={"name": "AlarmName"})


def _subscribe(subscription: Resource) -> dict[str, str]:
    """Asks for the ARN as the provider does; without it, SNS only says that it is pending.

    https://github.com/hashicorp/terraform-provider-aws/blob/v6.0.0/internal/service/sns/topic_subscription.go
    """
    of = subscription.inputs
    with subscription.client("sns") as sns:
        return sns.subscribe(
            TopicArn=of["topic"], Protocol=of["protocol"], Endpoint=of["endpoint"], ReturnSubscriptionArn=True
        )


def _tag(topic: Resource) -> None:
    with topic.client("sns") as sns:
        sns.tag_resource(ResourceArn=topic.id, Tags=tag_list(topic.inputs.get("tagsAll") or {}))


KINDS = (
    Kind(
        type="aws:sns/topic:Topic",
        make_id=response_value("TopicArn"),
        api=Api("sns", Call("create_topic"), configure=(_tag,), delete=(Call("delete_topic"),), key="TopicArn"),
        name=AutoName(longest=256),
        attributes={"arn": response_value("TopicArn")},
    ),
    Kind(
        type="aws:sns/topicSubscription:TopicSubscription",
        make_id=response_value("SubscriptionArn"),
        api=Api("sns", _subscribe, delete=(Call("unsubscribe"),), key="SubscriptionArn"),
        tagged=False,
    ),
    Kind(
        type="aws:cloudwatch/metricAlarm:MetricAlarm",
        make_id=text("{name}"),
        api=Api("cloudwatch", _PUT_ALARM, update=(_PUT_ALARM,), delete=(Call("delete_alarms"),), key="AlarmNames"),
        name=AutoName(longest=255),
        attributes={"arn": arn("cloudwatch", "alarm:{name}")},
    ),
)
