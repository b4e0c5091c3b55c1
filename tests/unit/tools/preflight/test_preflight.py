"""Each obstacle to a first `up` is found before it, with what to do; moto answers as the account."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]
from moto import mock_aws

import config
from tests.unit.program import FIXTURES
from tools.findings import Finding
from tools.preflight import __main__ as command
from tools.preflight import account, stack_file, surroundings
from tools.preflight.session import Aws

REGION = "ap-northeast-2"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
VCPUS = "L-1216C47A"

HERE = ipaddress.IPv4Address("198.51.100.7")


class Quotas:
    """Service Quotas, of which moto has the VPC's only.

    https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
    """

    def __init__(self, values: dict[str, float]) -> None:
        self.values = values

    def get_service_quota(self, ServiceCode: str, QuotaCode: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """One quota; 1000 if no other value is given."""
        return {"Quota": {"ServiceCode": ServiceCode, "QuotaCode": QuotaCode, "Value": self.values.get(QuotaCode, 1e3)}}


class Ec2:
    """moto's EC2 with a default key for EBS, which moto sets and does not tell.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetEbsDefaultKmsKeyId.html
    """

    def __init__(self, moto: Any, key: str) -> None:
        self._moto = moto
        self._key = key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._moto, name)

    def get_ebs_default_kms_key_id(self) -> dict[str, str]:
        """Its id, or the alias of AWS's own."""
        return {"KmsKeyId": self._key}


class Account(Aws):
    """moto's account with other quotas, and another default key for EBS."""

    quotas: dict[str, float] = {}  # noqa: RUF012
    ebs_key: str = "alias/aws/ebs"

    def client(self, service: str) -> Any:
        """The API of moto, but for what it lacks."""
        if service == "service-quotas":
            return Quotas(self.quotas)
        moto = super().client(service)
        return Ec2(moto, self.ebs_key) if service == "ec2" else moto


def client(service: str) -> Any:
    return cast("Any", boto3).client(service, region_name=REGION)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An empty account, asked as the role `deployer`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setattr(surroundings, "own_address", lambda: HERE)
    with mock_aws():
        given = client("sts").assume_role(RoleArn=f"{ROLE}/deployer", RoleSessionName="me")["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
        yield Account(REGION)


@pytest.fixture
def settings() -> config.Settings:
    return stack_file.read(FIXTURES / "Pulumi.prod.yaml")


def changed(settings: config.Settings, part: str, **values: Any) -> config.Settings:
    """The configuration with other values in one of its parts."""
    return settings.model_copy(update={part: getattr(settings, part).model_copy(update=values)})


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


def said(findings: Iterator[Finding], level: str) -> str:
    """Facts and remedies of one level."""
    return "\n".join(f"{one.subject}: {one.fact} → {one.remedy}" for one in findings if one.level == level)


def test_secrets_need_no_key_and_a_bad_configuration_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    text = (FIXTURES / "Pulumi.prod.yaml").read_text()
    sealed = {"prod": {"api": {"MYSQL_PASSWORD": {"secure": "v1:abc"}}}}
    file.write_text(f"{text}\n  hello-platform:secrets: {json.dumps(sealed)}\n")
    assert stack_file.read(file).secret_values("prod", "api")["MYSQL_PASSWORD"]
    file.write_text(text.replace("min: 2", "min: -2"))
    with pytest.raises(config.SettingsError, match=r"environments\.dev\.nodes\.min"):
        stack_file.read(file)


def test_another_account_is_refused(aws: Account, settings: config.Settings) -> None:
    assert only(account.identity(aws, settings)).level == "ok"
    other = settings.model_copy(update={"account_id": "210987654321"})
    refusal = only(account.identity(aws, other))
    assert refusal.level == "stop"
    assert ACCOUNT in refusal.fact


@pytest.mark.parametrize("key", ["admin_role_arns", "deployer_role_arns", "reader_role_arns"])
@pytest.mark.parametrize("path", ["", "ci/"])
def test_the_creator_in_a_list_of_roles_is_refused(
    key: str, path: str, aws: Account, settings: config.Settings
) -> None:
    assert only(account.cluster_creator(aws, settings, "prod")).level == "ok"
    listed = changed(settings, "cluster", **{key: [f"{ROLE}/{path}deployer"]})
    refusal = only(account.cluster_creator(aws, listed, "prod"))
    assert refusal.level == "stop"
    assert key.replace("_role_arns", "RoleArns") in refusal.fact


def test_a_role_that_updates_a_cluster_which_exists_stays_in_its_list(aws: Account, settings: config.Settings) -> None:
    subnets = {"subnetIds": ["subnet-0123456789abcdef0"]}
    client("eks").create_cluster(name="hello-prod", roleArn=f"{ROLE}/cluster", resourcesVpcConfig=subnets)
    listed = changed(settings, "cluster", admin_role_arns=[f"{ROLE}/deployer"])
    assert only(account.cluster_creator(aws, listed, "prod")).level == "ok"


def test_a_user_may_create_a_cluster_but_should_not(
    aws: Account, settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(aws.__dict__, "caller", {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/jo"})
    assert only(account.cluster_creator(aws, settings, "prod")).level == "look"


def test_zones_that_the_account_has_not_are_refused(aws: Account, settings: config.Settings) -> None:
    assert said(account.zones(aws, settings), "stop") == ""
    missing = changed(settings, "network", zones=["ap-northeast-2a", "ap-northeast-2f"])
    refused = said(account.zones(aws, missing), "stop")
    assert "ap-northeast-2f" in refused
    assert "choose from ap-northeast-2a, ap-northeast-2b" in refused


def test_a_zone_without_eks_is_refused(settings: config.Settings) -> None:
    """The zone's id counts: its name differs between accounts."""
    virginia = settings.model_copy(update={"region": "us-east-1"})
    names = {
        zone["ZoneId"]: zone["ZoneName"]
        for zone in Account("us-east-1").client("ec2").describe_availability_zones()["AvailabilityZones"]
    }
    wanted = changed(virginia, "network", zones=[names["use1-az3"], names["use1-az1"]])
    refused = said(account.zones(Account("us-east-1"), wanted), "stop")
    assert refused.count("EKS makes no control plane") == 1
    assert names["use1-az3"] in refused


def test_an_instance_type_that_a_zone_does_not_offer_is_refused(aws: Account, settings: config.Settings) -> None:
    offered = {
        (one["InstanceType"], one["Location"])
        for page in client("ec2")
        .get_paginator("describe_instance_type_offerings")
        .paginate(LocationType="availability-zone")
        for one in page["InstanceTypeOfferings"]
    }
    missing = min(name for name, _ in offered if (name, "ap-northeast-2b") not in offered)
    nodes = settings.environments.prod.nodes.model_copy(update={"instance_type": missing})
    prod = settings.environments.prod.model_copy(update={"nodes": nodes})
    refused = said(account.instance_types(aws, changed(settings, "environments", prod=prod)), "stop")
    assert missing in refused
    assert "ap-northeast-2b" in refused


def test_quotas_leave_room_for_the_first_up_and_for_growth(aws: Account, settings: config.Settings) -> None:
    """The stack has 4 m7i.large and 3 m7i.xlarge at first (20 vCPUs), at most 8 of each (48), and three gateways.

    While EKS replaces nodes there are six more of each, for three zones (36).
    """

    def report(level: str, **quotas: float) -> str:
        aws.quotas = {key.replace("_", "-"): value for key, value in quotas.items()}
        return said(account.quotas(aws, settings, "prod"), level)

    assert report("stop") == report("look") == ""
    assert "20 at first and up to 84" in report("ok")
    assert "vCPUs" in report("stop", L_1216C47A=5)
    assert "--quota-code L-1216C47A --desired-value 84" in report("look", L_1216C47A=32)
    assert "Elastic IP" in report("stop", L_0263D0A3=2)


def test_spot_instances_have_a_quota_of_their_own(aws: Account, settings: config.Settings) -> None:
    """The largest of their types counts, since AWS chooses."""
    spot = {"instanceTypes": ["m7i.xlarge", "m6i.xlarge"], "spot": True, "min": 1, "max": 6}
    dev = settings.environments.dev.model_copy(update={"service_nodes": config.ServiceNodes.model_validate(spot)})
    client("ec2").run_instances(
        ImageId="ami-0123456789abcdef0",
        InstanceType="m5.2xlarge",
        MinCount=1,
        MaxCount=1,
        InstanceMarketOptions={"MarketType": "spot"},
    )
    with_spot = changed(settings, "environments", dev=dev)
    assert "Spot" not in said(account.quotas(aws, settings, "prod"), "ok")
    report = said(account.quotas(aws, with_spot, "prod"), "ok")
    assert "Spot instances: 1000, of which 8 are used elsewhere; the stack takes 4 at first and up to 48" in report
    assert "20 at first and up to 84" in report, "the quota of On-Demand instances does not count them"
    aws.quotas = {"L-34B43A08": 10}
    assert "--quota-code L-34B43A08" in said(account.quotas(aws, with_spot, "prod"), "stop")
    assert "m6i.xlarge" in said(account.instance_types(aws, with_spot), "ok")


def test_what_others_use_counts_and_what_an_earlier_up_made_does_not(aws: Account, settings: config.Settings) -> None:
    ec2 = client("ec2")
    image = "ami-0123456789abcdef0"
    ec2.run_instances(ImageId=image, InstanceType="m5.2xlarge", MinCount=2, MaxCount=2)
    own = [{"Key": "kubernetes.io/cluster/hello-prod", "Value": "owned"}]
    tags = [{"ResourceType": "instance", "Tags": own}]
    ec2.run_instances(ImageId=image, InstanceType="m5.4xlarge", MinCount=4, MaxCount=4, TagSpecifications=tags)
    ec2.allocate_address(Domain="vpc")
    own = [{"Key": "platform", "Value": "hello-platform"}, {"Key": "stack", "Value": "prod"}]
    ec2.allocate_address(Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": own}])
    report = said(account.quotas(aws, settings, "prod"), "ok")
    assert "1000, of which 16 are used elsewhere; the stack takes 20" in report
    assert "Elastic IP addresses: 1000, of which 1 are used elsewhere" in report


def test_an_api_that_only_the_vpc_reaches_cannot_be_filled_from_outside(
    aws: Account, settings: config.Settings
) -> None:
    closed = only(surroundings.kubernetes_api(aws, changed(settings, "cluster", public_access_cidrs=[]), "prod"))
    assert closed.level == "stop"
    assert "publicAccessCidrs is empty" in closed.fact
    elsewhere = changed(settings, "cluster", public_access_cidrs=["203.0.113.0/24"])
    refusal = only(surroundings.kubernetes_api(aws, elsewhere, "prod"))
    assert refusal.level == "stop"
    assert f"{HERE}/32" in refusal.remedy
    listed = changed(settings, "cluster", public_access_cidrs=["203.0.113.0/24", "198.51.100.0/24"])
    assert only(surroundings.kubernetes_api(aws, listed, "prod")).level == "ok"


def test_a_zone_of_another_name_or_a_private_one_is_refused(aws: Account, settings: config.Settings) -> None:
    route53 = client("route53")
    unknown = only(surroundings.dns(aws, changed(settings, "dns", zone_id="Z0000000000000")))
    assert unknown.level == "stop"
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="a")["HostedZone"]["Id"].rpartition("/")[2]
    right = only(surroundings.dns(aws, changed(settings, "dns", zone_id=zone, zone="example.com")))
    assert right.level == "look"  # whether the registrar names its servers is for a person to see
    assert "awsdns" in right.remedy
    assert only(surroundings.dns(aws, changed(settings, "dns", zone_id=zone, zone="example.org"))).level == "stop"
    assert only(surroundings.dns(aws, changed(settings, "dns", zone_id=None))).level == "look"
    vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    where = {"VPCRegion": REGION, "VPCId": vpc}
    private = route53.create_hosted_zone(
        Name="example.com", CallerReference="b", VPC=where, HostedZoneConfig={"PrivateZone": True}
    )["HostedZone"]["Id"].rpartition("/")[2]
    assert "private" in only(surroundings.dns(aws, changed(settings, "dns", zone_id=private))).fact


def test_a_certificate_must_be_issued_and_hold_for_every_host(
    aws: Account, settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finding(*names: str, validated: bool = True) -> Finding:
        monkeypatch.setattr("moto.settings.ACM_VALIDATION_WAIT", -1 if validated else 3600)
        arn = client("acm").request_certificate(DomainName=names[0], SubjectAlternativeNames=list(names))
        here = changed(settings, "load_balancer", certificate_arn=arn["CertificateArn"])
        return only(surroundings.certificate(aws, here))

    domain = settings.domain
    assert list(surroundings.certificate(aws, settings)) == []
    assert finding(domain, f"*.{domain}").level == "ok"
    assert f"does not hold for test.{domain}" in finding(domain, f"log.{domain}").fact
    assert "PENDING_VALIDATION" in finding(domain, f"*.{domain}", validated=False).fact
    gone = changed(settings, "load_balancer", certificate_arn=f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/none")
    assert only(surroundings.certificate(aws, gone)).level == "stop"


PULUMI = """#!/bin/sh
case "$*" in
  *version) echo v{version} ;;
  *whoami*) {whoami} ;;
  *"stack ls"*) echo '[{{"name": "organization/hello-platform/prod", "updateInProgress": {locked}}}]' ;;
  *--show-secrets*) {secrets} ;;
esac
"""


@pytest.mark.parametrize(
    ("engine", "backend", "stack", "expected"),
    [
        ("", "s3://state", "prod", {"pulumi": "ok", "state backend": "ok", "stack": "ok", "secrets": "ok"}),
        ("3.9.0", "s3://state", "dev", {"pulumi": "stop", "state backend": "ok", "stack": "stop"}),
        ("", "file:///tmp", "prod", {"pulumi": "ok", "state backend": "look", "stack": "ok", "secrets": "ok"}),
        ("", "", "prod", {"pulumi": "ok", "state backend": "stop"}),
    ],
)
def test_the_engine_its_backend_and_its_stack(
    pulumi: Callable[..., None], engine: str, backend: str, stack: str, expected: dict[str, str]
) -> None:
    pulumi(engine or surroundings.version("pulumi"), backend)
    assert {one.subject: one.level for one in surroundings.pulumi_cli(stack)} == expected


def test_a_locked_stack_and_secrets_of_another_key_are_told_with_what_to_do(pulumi: Callable[..., None]) -> None:
    wrong = "echo 'warning: a' >&2; echo 'error: incorrect passphrase' >&2; exit 255"
    pulumi(surroundings.version("pulumi"), "s3://state", locked="true", secrets=wrong)
    found = {one.subject: one for one in surroundings.pulumi_cli("prod")}
    assert (found["stack"].level, found["secrets"].level) == ("stop", "stop")
    assert "pulumi cancel" in found["stack"].remedy
    assert found["secrets"].fact == "incorrect passphrase"
    assert "PULUMI_CONFIG_PASSPHRASE" in found["secrets"].remedy


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a `pulumi` on PATH that has a version, a stack `prod`, and a backend; it is logged out without one."""

    def put(engine: str, backend: str, *, locked: str = "false", secrets: str = "echo '{}'") -> None:
        program = tmp_path / "pulumi"
        whoami = f"""echo '{{"url": "{backend}"}}'""" if backend else "exit 255"
        program.write_text(PULUMI.format(version=engine, whoami=whoami, locked=locked, secrets=secrets))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


def test_a_customer_managed_key_for_ebs_must_be_named_for_the_volumes_of_pods(
    aws: Account, settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert only(account.volume_key(aws, settings)).level == "ok"
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    monkeypatch.setattr(Account, "ebs_key", key)
    assert f"default key for EBS is {key}" in said(account.volume_key(aws, settings), "stop")
    named = list(account.volume_key(aws, changed(settings, "cluster", volume_key_arn=key)))
    assert [one.level for one in named] == ["look"]
    assert "AWSServiceRoleForAutoScaling" in named[0].remedy


def test_the_secret_of_docker_hubs_cache_is_there_and_ecr_can_decrypt_it(
    aws: Account, settings: config.Settings
) -> None:
    assert list(account.docker_hub_secret(aws, settings)) == []
    prefix = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache"
    missing = changed(settings, "cluster", docker_hub_secret_arn=f"{prefix}/none-a1b2c3")
    assert "ResourceNotFoundException" in said(account.docker_hub_secret(aws, missing), "stop")
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    for name, encryption, level in (("ours", {}, "ok"), ("keyed", {"KmsKeyId": key}, "look")):
        made = client("secretsmanager").create_secret(
            Name=f"ecr-pullthroughcache/{name}", SecretString="{}", **encryption
        )
        there = changed(settings, "cluster", docker_hub_secret_arn=made["ARN"])
        assert only(account.docker_hub_secret(aws, there)).level == level


def test_the_command_fails_when_something_stops_the_first_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "Aws", Account)
    monkeypatch.setattr("sys.argv", ["preflight", "--stack", "prod", "--stacks", str(FIXTURES)])
    assert command.main() == 1
    shown = capsys.readouterr().out
    assert "cluster.publicAccessCidrs is empty" in shown
    assert "deployer" in shown


def test_credentials_that_have_expired_are_told_with_what_to_do(
    settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"Error": {"Code": "ExpiredToken", "Message": "The security token included in the request is expired"}}

    def refuse(*_: object) -> NoReturn:
        raise ClientError(said, "GetCallerIdentity")  # type: ignore[arg-type]

    monkeypatch.setattr(account, "identity", refuse)
    *_, last = command.findings(settings, "prod")
    assert (last.subject, last.level) == ("credentials", "stop")
    assert "token included in the request is expired" in last.fact
    assert "aws sso login" in last.remedy
