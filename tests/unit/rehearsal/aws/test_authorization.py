"""A role may do what its policies allow, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

from components.aws.policy import policy_document
from components.logging import alarms
from components.logging.bootstrap.job import cloudwatch
from components.logging.bootstrap.job.cloudwatch import Credentials
from rehearsal import aws
from rehearsal.aws.authorization import Access, ApiRequest, allows
from rehearsal.layout import Layout
from tests.unit.program import platform
from tests.unit.rehearsal.aws.serving import serve

REGION = "ap-northeast-2"
ARN = "arn:aws:ec2:ap-northeast-2:123456789012:security-group/sg-1"


def statement(**changed: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*", **changed}


def policy(*statements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Version": "2012-10-17", "Statement": list(statements)}]


@pytest.mark.parametrize(
    ("changed", "allowed"),
    [
        ({}, True),
        ({"Action": ["ec2:Create*"]}, True),
        ({"Action": "ec2:createtags"}, True),
        ({"Action": "ec2:DeleteTags"}, False),
        ({"Resource": ARN}, True),
        ({"Resource": "arn:aws:ec2:*:*:security-group/*"}, True),
        ({"Resource": "arn:aws:ec2:*:*:vpc/*"}, False),
        ({"Condition": {"StringEquals": {"aws:RequestTag/a": "1"}}}, True),
        ({"Condition": {"StringEquals": {"aws:RequestTag/a": ["2", "1"]}}}, True),
        ({"Condition": {"StringEquals": {"aws:RequestTag/a": "2"}}}, False),
        ({"Condition": {"StringNotEquals": {"aws:RequestTag/a": "2"}}}, True),
        ({"Condition": {"StringEquals": {"aws:RequestTag/b": "1"}}}, False),
        ({"Condition": {"StringEqualsIfExists": {"aws:RequestTag/b": "1"}}}, True),
        ({"Condition": {"StringLike": {"aws:RequestTag/a": "*"}}}, True),
        ({"Condition": {"Null": {"aws:RequestTag/b": "true"}}}, True),
        ({"Condition": {"Null": {"aws:RequestTag/a": "true"}}}, False),
        ({"Condition": {"Null": {"aws:RequestTag/a": "false"}}}, True),
        ({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}}, True),
        ({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["b"]}}}, False),
        ({"Condition": {"StringEquals": {"aws:RequestTag/a": "1"}, "Null": {"aws:RequestTag/a": "true"}}}, False),
    ],
)
def test_a_statement_allows_what_it_says(changed: dict[str, Any], allowed: bool) -> None:
    access = Access("ec2:CreateTags", ARN, {"aws:RequestTag/a": ["1"], "aws:TagKeys": ["a"]})
    assert allows(policy(statement(**changed)), access) is allowed


@pytest.mark.parametrize(("namespace", "allowed"), [("Hello/Logs", True), ("Other", False)])
def test_metrics_are_of_the_namespace_of_a_condition(namespace: str, *, allowed: bool) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html."""
    only = policy(
        statement(
            Action="cloudwatch:PutMetricData",
            Resource="*",
            Condition={"StringEquals": {"cloudwatch:namespace": "Hello/Logs"}},
        )
    )
    request = ApiRequest("cloudwatch", "PutMetricData", {"Namespace": namespace}, "ap-northeast-2", "123456789012")
    (access,) = request.accesses(lambda _: {})
    assert allows(only, access) is allowed


def test_a_denial_wins() -> None:
    assert not allows(policy(statement(), statement(Effect="Deny", Resource="arn:*")), Access("ec2:CreateTags", ARN))


def test_an_operator_that_is_not_known_ends_the_request() -> None:
    with pytest.raises(KeyError, match="DateGreaterThan"):
        allows(
            policy(statement(Condition={"DateGreaterThan": {"aws:CurrentTime": "x"}})),
            Access("ec2:CreateTags", ARN, {"aws:CurrentTime": ["y"]}),
        )


def controllers_policy() -> dict[str, Any]:
    """What the program gives the load balancer controller."""
    (found,) = [
        one
        for one in platform("dev", preview=False).resources.values()
        if one.type == "aws:iam/rolePolicy:RolePolicy" and "load-balancer" in one.name
    ]
    return json.loads(str(found.inputs["policy"]))


class Controller:
    """A caller with the credentials of a role."""

    def __init__(self, layout: Layout, document: dict[str, Any]) -> None:
        self._layout = layout
        iam = aws.client(layout, "iam", region=REGION)
        trust = {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName="controller", AssumeRolePolicyDocument=json.dumps(policy(trust)[0]))["Role"]
        iam.put_role_policy(RoleName="controller", PolicyName="own", PolicyDocument=json.dumps(document))
        sts = aws.client(layout, "sts", region=REGION)
        keys = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="pod")["Credentials"]
        self.credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        self._session = cast("Any", boto3).Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=REGION,
        )

    def client(self, service: str) -> Any:
        """A boto3 client with them."""
        return self._session.client(service, endpoint_url=aws.url(self._layout))


def make_all(controller: Controller, vpc: str, subnets: list[str], cluster: str) -> None:
    """What the controller does for an Ingress, and takes away again."""
    ec2, elbv2 = controller.client("ec2"), controller.client("elbv2")
    tags = [{"Key": "elbv2.k8s.aws/cluster", "Value": cluster}]
    ec2.describe_subnets()
    group = ec2.create_security_group(
        GroupName="k8s",
        Description="[k8s] Managed SecurityGroup for LoadBalancer",
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )
    made = elbv2.create_load_balancer(Name="k8s", Subnets=subnets, SecurityGroups=[group], Tags=tags)
    balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
    target = elbv2.create_target_group(Name="k8s", Protocol="HTTP", Port=80, VpcId=vpc, Tags=tags)
    target = target["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": target}]
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward, Tags=tags
    )["Listeners"][0]["ListenerArn"]
    rule = elbv2.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/x"]}],
        Actions=forward,
        Tags=tags,
    )["Rules"][0]["RuleArn"]
    elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=balancer, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "90"}]
    )
    elbv2.delete_rule(RuleArn=rule)
    elbv2.delete_listener(ListenerArn=listener)
    elbv2.delete_target_group(TargetGroupArn=target)
    elbv2.delete_load_balancer(LoadBalancerArn=balancer)
    ec2.delete_security_group(GroupId=group)


def published(layout: Layout, bootstrap: Controller, namespace: str) -> list[Any]:
    """The metrics of a namespace after the logging bootstrap has published one."""
    body = cloudwatch.form(namespace, {"Stack": "hello"}, {"LostBytes": 1})
    now = datetime.now(tz=UTC)
    cloudwatch.publish(f"{aws.url(layout)}/", REGION, body, bootstrap.credentials, now)
    return aws.client(layout, "cloudwatch", region=REGION).list_metrics(Namespace=namespace)["Metrics"]


def test_the_logging_bootstrap_publishes_metrics_of_its_namespace_only(layout: Layout) -> None:
    """Its own signature, by the credentials of its role and the program's policy."""
    bootstrap = Controller(layout, json.loads(policy_document(alarms.permissions())))
    assert published(layout, bootstrap, "Hello/Logs")
    with pytest.raises(HTTPError, match="403"):
        published(layout, bootstrap, "Other")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    serve(layout)
    return layout


@pytest.fixture
def place(layout: Layout) -> tuple[str, list[str]]:
    ec2 = aws.client(layout, "ec2", region=REGION)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return vpc, [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{at}.0/24")["Subnet"]["SubnetId"] for at in (0, 1)]


def in_this_account(document: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(document).replace("123456789012", aws.ACCOUNT_ID))


def test_the_controllers_policy_lets_it_do_its_work(layout: Layout, place: tuple[str, list[str]]) -> None:
    make_all(Controller(layout, in_this_account(controllers_policy())), *place, "hello-dev")
    assert aws.client(layout, "elbv2", region=REGION).describe_load_balancers()["LoadBalancers"] == []


@pytest.mark.parametrize(
    "action",
    [
        "ec2:CreateSecurityGroup",
        "ec2:CreateTags",
        "ec2:DeleteSecurityGroup",
        "ec2:DescribeSubnets",
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
    ],
)
def test_without_a_statement_of_its_policy_it_is_refused(
    layout: Layout, place: tuple[str, list[str]], action: str
) -> None:
    document = in_this_account(controllers_policy())
    document["Statement"] = [one for one in document["Statement"] if action not in one["Action"]]
    with pytest.raises(ClientError, match=r"AccessDenied|UnauthorizedOperation"):
        make_all(Controller(layout, document), *place, "hello-dev")


def test_it_touches_nothing_of_another_cluster(layout: Layout, place: tuple[str, list[str]]) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied|UnauthorizedOperation"):
        make_all(Controller(layout, in_this_account(controllers_policy())), *place, "hello-prod")
