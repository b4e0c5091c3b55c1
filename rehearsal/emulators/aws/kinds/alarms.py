"""CloudWatch alarms, and the SNS topics that they notify; nothing evaluates an alarm, and nobody is told."""

from __future__ import annotations

from rehearsal.emulators.aws.api import tag_list
from rehearsal.emulators.aws.kind import Resource


def subscribe(subscription: Resource) -> dict[str, str]:
    """Asks for the ARN as the provider does; without it, SNS only says that it is pending.

    https://github.com/hashicorp/terraform-provider-aws/blob/v6.0.0/internal/service/sns/topic_subscription.go
    """
    of = subscription.inputs
    with subscription.client("sns") as sns:
        return sns.subscribe(
            TopicArn=of["topic"], Protocol=of["protocol"], Endpoint=of["endpoint"], ReturnSubscriptionArn=True
        )


def tag(topic: Resource) -> None:
    """Sets a topic's tags."""
    with topic.client("sns") as sns:
        sns.tag_resource(ResourceArn=topic.id, Tags=tag_list(topic.inputs.get("tagsAll") or {}))
