"""The account keeps its resources and their ids when its process ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest

from rehearsal import aws
from rehearsal.aws.journal import AwsRequest
from rehearsal.layout import Layout
from tests.unit.rehearsal.aws.serving import serve

REGION = "ap-northeast-2"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    serve(layout)
    return layout


def client(layout: Layout, service: str) -> Any:
    return aws.client(layout, service, region=REGION)


def load_balancer(layout: Layout) -> tuple[str, str]:
    ec2 = client(layout, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    made = client(layout, "elbv2").create_load_balancer(Name="door", Subnets=[subnet])
    return vpc, made["LoadBalancers"][0]["LoadBalancerArn"]


def found(layout: Layout) -> tuple[list[str], list[str]]:
    vpcs = client(layout, "ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
    balancers = client(layout, "elbv2").describe_load_balancers()["LoadBalancers"]
    return [one["VpcId"] for one in vpcs], [one["LoadBalancerArn"] for one in balancers]


def test_what_was_made_is_there_after_a_kill_with_the_same_ids(layout: Layout) -> None:
    vpc, balancer = load_balancer(layout)
    serve(layout)
    assert found(layout) == ([vpc], [balancer])


def test_whoever_only_looked_first_changed_no_ids(layout: Layout) -> None:
    client(layout, "sts").get_caller_identity()
    before = client(layout, "ec2").describe_vpcs()["Vpcs"]
    vpc, balancer = load_balancer(layout)
    serve(layout)
    assert found(layout) == ([vpc], [balancer])
    assert before[0] in client(layout, "ec2").describe_vpcs()["Vpcs"]


def test_what_was_deleted_stays_deleted_and_new_ids_are_new(layout: Layout) -> None:
    vpc, balancer = load_balancer(layout)
    client(layout, "elbv2").delete_load_balancer(LoadBalancerArn=balancer)
    serve(layout)
    assert found(layout) == ([vpc], [])
    assert client(layout, "ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] != vpc


def test_only_changes_are_in_the_journal(layout: Layout) -> None:
    load_balancer(layout)
    size = layout.aws_journal.stat().st_size
    found(layout)
    client(layout, "iam").list_roles()
    client(layout, "s3").list_buckets()
    client(layout, "logs").describe_log_groups()
    client(layout, "sts").get_caller_identity()
    assert layout.aws_journal.stat().st_size == size
    client(layout, "s3").create_bucket(Bucket="some-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    client(layout, "logs").create_log_group(logGroupName="some")
    assert len(layout.aws_journal.read_text().splitlines()) == 5


def test_a_line_that_was_being_written_when_we_were_killed_is_no_request(layout: Layout) -> None:
    vpc, _ = load_balancer(layout)
    whole = layout.aws_journal.read_text()
    layout.aws_journal.write_text(whole + whole.splitlines()[0][:40])
    serve(layout)
    assert found(layout)[0] == [vpc]
    assert layout.aws_journal.read_text() == whole


def test_a_key_that_was_handed_out_is_good_after_a_kill(layout: Layout) -> None:
    role = client(layout, "iam").create_role(RoleName="some", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    keys = client(layout, "sts").assume_role(RoleArn=role, RoleSessionName="pod")["Credentials"]
    serve(layout)
    session = cast("Any", boto3).Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=REGION,
    )
    caller = session.client("sts", endpoint_url=aws.url(layout)).get_caller_identity()
    assert caller["Arn"].endswith(":assumed-role/some/pod")


def test_a_request_is_the_same_from_its_line() -> None:
    environ = {"REQUEST_METHOD": "PUT", "PATH_INFO": "/logs/x", "QUERY_STRING": "", "HTTP_HOST": "s3.amazonaws.com"}
    request = AwsRequest(environ, b"\x00\xff")
    again = AwsRequest.of_line(request.line())
    assert again.body == request.body
    assert environ.items() <= again.environ.items()


@pytest.mark.parametrize(
    ("environ", "reads"),
    [
        ({"QUERY_STRING": "Action=DescribeVpcs"}, True),
        ({"QUERY_STRING": "Action=CreateVpc"}, False),
        ({"QUERY_STRING": "Action=GetSessionToken"}, False),
        ({"HTTP_X_AMZ_TARGET": "Logs_20140328.DescribeLogGroups", "REQUEST_METHOD": "POST"}, True),
        ({"HTTP_X_AMZ_TARGET": "Logs_20140328.CreateLogGroup", "REQUEST_METHOD": "POST"}, False),
        ({"REQUEST_METHOD": "GET"}, True),
        ({"REQUEST_METHOD": "HEAD"}, True),
        ({"REQUEST_METHOD": "PUT"}, False),
        ({"REQUEST_METHOD": "POST"}, False),
    ],
)
def test_a_request_reads_by_its_action_or_its_method(environ: dict[str, str], reads: bool) -> None:
    request = AwsRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": "", **environ}, b"")
    assert request.reads is reads
