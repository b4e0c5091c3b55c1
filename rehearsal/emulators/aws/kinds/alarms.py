"""CloudWatch alarms, and the SNS topics that they notify; nothing evaluates an alarm, and nobody is told."""

from __future__ import annotations

from rehearsal.emulators.aws.api import tag_list
from rehearsal.emulators.aws.kind import Resource


def tag(topic: Resource) -> None:
    """Sets a topic's tags."""
    with topic.client("sns") as sns:
        sns.tag_resource(ResourceArn=topic.id, Tags=tag_list(topic.inputs.get("tagsAll") or {}))
