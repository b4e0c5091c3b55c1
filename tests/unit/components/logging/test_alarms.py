"""The alarms on the logs: each check has one that tells somebody, and the job may publish their metrics only."""

from __future__ import annotations

import json

import pytest

from components.logging.bootstrap.job.checks import CHECKS, NAMESPACE, NOT_SET_UP
from tests.unit.program import configured, platform, stack_config
from tools.program.graph import Graph

ALARM, TOPIC, SUBSCRIPTION = (
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:sns/topic:Topic",
    "aws:sns/topicSubscription:TopicSubscription",
)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return platform("prod", preview=False)


def test_each_check_has_an_alarm_that_tells_the_topic_when_it_begins_and_ends(graph: Graph) -> None:
    alarms = graph.of_type(ALARM)
    (topic,) = graph.of_type(TOPIC)
    assert {one.inputs["metricName"] for one in alarms} == {check.metric for check in CHECKS}
    for alarm in alarms:
        assert alarm.inputs["namespace"] == NAMESPACE
        assert alarm.inputs["threshold"] == 0
        assert alarm.inputs["comparisonOperator"] == "GreaterThanThreshold"
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"]
        assert topic.name in str(alarm.inputs["alarmActions"])


def test_a_job_that_reports_nothing_is_an_alarm_and_one_only(graph: Graph) -> None:
    missing = {one.inputs["metricName"]: one.inputs["treatMissingData"] for one in graph.of_type(ALARM)}
    assert [name for name, treated in missing.items() if treated == "breaching"] == [NOT_SET_UP]


def test_the_job_publishes_metrics_of_the_logs_and_nothing_else(graph: Graph) -> None:
    name = next(one.name for one in graph.of_type(TOPIC)).removesuffix("-logs")
    role = graph.named("aws:iam/rolePolicy:RolePolicy", f"{name}-logs-setup")
    (statement,) = json.loads(role.inputs["policy"])["Statement"]
    assert statement["Action"] == ["cloudwatch:PutMetricData"]
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}


def test_each_address_is_told() -> None:
    emails = ["a@example.com", "b@example.com"]
    settings = stack_config("dev")
    logs = {**json.loads(settings["hello-platform:logs"]), "alertEmails": emails}
    told = configured({**settings, "hello-platform:logs": json.dumps(logs)}).of_type(SUBSCRIPTION)
    assert {(one.inputs["protocol"], one.inputs["endpoint"]) for one in told} == {
        ("email", "a@example.com"),
        ("email", "b@example.com"),
    }
