"""Limits on names: by AWS's and Kubernetes' documentation, for every type of the program."""

from __future__ import annotations

from typing import Any, cast

import pulumi
import pytest
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.limits import names
from components.limits.inputs import values_at
from tests.unit.config.configurations import changed
from tests.unit.program import configured
from tools.program.graph import Graph

LOGIN = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:ecr-pullthroughcache/hub-a1b2c3"
BUCKET = "aws:s3/bucket:Bucket"
ROLE = "aws:iam/role:Role"


def refused(type_: str, inputs: Any) -> list[str]:
    """The paths of the values of a resource that are refused."""
    return [one.property for one in names.violations(type_, "x", inputs)]


@pytest.mark.parametrize(
    ("type_", "path", "longest"),
    [
        ("aws:acm/certificate:Certificate", "domainName", "a." + "b" * 58 + ".com"),
        ("aws:autoscaling/schedule:Schedule", "scheduledActionName", "a" * 255),
        ("aws:cloudwatch/logGroup:LogGroup", "name", "/aws/" + "a" * 507),
        ("aws:dlm/lifecyclePolicy:LifecyclePolicy", "description", "a" * 500),
        ("aws:ec2/launchTemplate:LaunchTemplate", "name", "a" * 128),
        ("aws:ecr/repository:Repository", "name", "a" * 256),
        ("aws:eks/podIdentityAssociation:PodIdentityAssociation", "namespace", "a" * 63),
        (ROLE, "name", "a" * 64),
        (ROLE, "assumeRolePolicy", "a" * 2048),
        ("aws:iam/rolePolicy:RolePolicy", "name", "a" * 128),
        ("aws:iam/rolePolicy:RolePolicy", "policy", "a" * 10_240),
        ("aws:kms/alias:Alias", "name", "alias/" + "a" * 250),
        (BUCKET, "bucket", "a" * 63),
        ("eks:index:Cluster", "name", "a" * 100),
        ("eks:index:ManagedNodeGroup", "nodeGroupName", "a" * 63),
    ],
)
def test_a_text_of_the_maximum_length_is_allowed_and_a_longer_one_is_not(type_: str, path: str, longest: str) -> None:
    assert refused(type_, {path: longest}) == []
    longer = longest.replace("b", "bb", 1) if "b" in longest else f"{longest}a"
    assert refused(type_, {path: longer}) == [path]
    (found,) = names.violations(type_, "x", {path: longer})
    assert found.excess == 1
    assert "https://" in str(found)


@pytest.mark.parametrize(
    ("type_", "path", "bad"),
    [
        ("aws:acm/certificate:Certificate", "domainName", "hello_.com."[:-1] + ".c"),
        ("aws:dlm/lifecyclePolicy:LifecyclePolicy", "description", "hello: every night"),
        ("aws:ecr/repository:Repository", "name", "hello-Prod/api"),
        ("aws:ecr/repository:Repository", "name", "hello--dev/api"),
        ("aws:kms/alias:Alias", "name", "alias/hello.dev/logs"),
        ("aws:kms/alias:Alias", "name", "alias/aws/ebs"),
        (ROLE, "name", "hello dev"),
        (BUCKET, "bucket", "Hello"),
        (BUCKET, "bucket", "xn--hello"),
        (BUCKET, "bucket", "hello..dev"),
        (BUCKET, "bucket", "10.0.0.1"),
        (BUCKET, "bucket", "hello--ol-s3"),
        ("eks:index:Cluster", "name", "hello.dev"),
        ("kubernetes:core/v1:Service", "metadata.name", "1api"),
        ("kubernetes:core/v1:Namespace", "metadata.name", "a.b"),
        ("kubernetes:apps/v1:Deployment", "metadata.labels.environment", "-dev"),
        ("kubernetes:batch/v1:CronJob", "metadata.name", "a" * 53),
        ("aws:ec2/vpc:Vpc", "tags.owner", "R&D"),
    ],
)
def test_a_text_with_other_characters_is_refused(type_: str, path: str, bad: str) -> None:
    inputs: Any = bad
    for part in reversed(path.split(".")):
        inputs = {part: inputs}
    assert refused(type_, inputs) == [path]


def test_every_aws_type_of_the_program_has_limits_or_no_text(graph: Graph) -> None:
    hours = {"start": "08:00", "stop": "20:00"}
    optional = {
        "cluster.dockerHubSecretArn": LOGIN,
        "environments.dev.serviceNodes": {"instanceTypes": ["t3.large"], "max": 4, "hours": hours},
        "network.flowLogsTo": "s3",
    }
    resources = [*graph.resources.values(), *configured(changed(optional)).resources.values()]
    types = {one.type for one in resources if one.type.startswith(("aws:", "eks:"))}
    assert {"aws:autoscaling/schedule:Schedule", "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"} < types
    assert types <= names.LIMITS.keys() | names.WITHOUT_TEXTS
    assert not names.LIMITS.keys() & names.WITHOUT_TEXTS


def test_every_path_of_a_limit_is_one_that_resources_have(known: Graph) -> None:
    for type_, limits in names.LIMITS.items():
        resources = [one for one in known.resources.values() if one.type == type_]
        for path in limits if resources else ():
            assert any(list(values_at(one.inputs, path)) for one in resources), f"{type_} {path}"


def test_values_are_found_in_input_types_and_unknown_ones_are_left_out() -> None:
    unknown = cast("pulumi.Output[str]", object.__new__(pulumi.Output))
    metadata = ObjectMetaArgs(name="Bad", labels={"a": unknown, "b": "-"}, owner_references=[])
    assert refused("kubernetes:core/v1:ConfigMap", {"metadata": metadata}) == ["metadata.name", "metadata.labels.b"]
