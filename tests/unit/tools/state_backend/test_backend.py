"""One command creates a team's state backend; a second run only repairs what differs."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterator, Sequence
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from moto import mock_aws

from tools.state_backend.backend import KEPT_DAYS, Backend, BackendError, make

REGION = "ap-northeast-2"
BUCKET = "hello-pulumi-state"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account of moto's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "none")
    with mock_aws():
        yield


def client(service: str, region: str = REGION) -> Any:
    return cast("Any", boto3).client(service, region_name=region)


def made(*, region: str = REGION, stacks: Sequence[str] = ("dev", "prod")) -> Backend:
    return make(BUCKET, region=region, alias="hello-pulumi", stacks=stacks)


def described() -> dict[str, Any]:
    """All that stands."""
    s3 = client("s3")
    answers = {
        "encryption": s3.get_bucket_encryption(Bucket=BUCKET),
        "lifecycle": s3.get_bucket_lifecycle_configuration(Bucket=BUCKET),
        "policy": s3.get_bucket_policy(Bucket=BUCKET),
        "public": s3.get_public_access_block(Bucket=BUCKET),
        "tags": s3.get_bucket_tagging(Bucket=BUCKET),
        "versioning": s3.get_bucket_versioning(Bucket=BUCKET),
        "keys": client("kms").list_keys(),
        "aliases": client("kms").list_aliases(),
    }
    return {
        name: {key: value for key, value in one.items() if key != "ResponseMetadata"} for name, one in answers.items()
    }


def test_a_state_is_private_encrypted_by_its_key_and_can_be_had_back() -> None:
    backend = made()
    found = described()
    assert set(found["public"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert found["versioning"]["Status"] == "Enabled"
    (rule,) = found["encryption"]["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": backend.key_arn}
    (rule,) = found["lifecycle"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": KEPT_DAYS}
    assert "Expiration" not in rule, "the state itself never goes"
    (statement,) = json.loads(found["policy"]["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert client("kms").get_key_rotation_status(KeyId=backend.key_arn)["KeyRotationEnabled"]


def test_a_second_run_changes_nothing_and_mends_what_somebody_broke() -> None:
    backend, before = made(), described()
    assert made() == backend
    assert described() == before
    client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    client("s3").delete_public_access_block(Bucket=BUCKET)
    made()
    assert described() == before


def test_each_stack_has_a_key_of_its_own_also_one_that_comes_later() -> None:
    one = made(stacks=["dev"])
    more = made(stacks=["dev", "prod"])
    assert (more.key_arn, more.stack_keys["dev"]) == (one.key_arn, one.stack_keys["dev"])
    assert len({more.key_arn, *more.stack_keys.values()}) == 3
    for arn in more.stack_keys.values():
        assert client("kms").get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]


def test_a_bucket_of_another_region_is_refused() -> None:
    made()
    with pytest.raises(BackendError, match="use --region ap-northeast-2"):
        made(region="us-east-1")


def test_a_key_that_is_about_to_be_deleted_is_refused() -> None:
    client("kms").schedule_key_deletion(KeyId=made().stack_keys["prod"].rpartition("/")[2])
    with pytest.raises(BackendError, match=r"alias/hello-pulumi-prod is PendingDeletion"):
        made()


@pytest.mark.parametrize("region", [REGION, "us-east-1"])
def test_the_command_says_how_to_log_in(
    region: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["state_backend", "--bucket", BUCKET, "--region", region])
    runpy.run_module("tools.state_backend", run_name="__main__")
    told = capsys.readouterr().out
    assert f"pulumi login 's3://{BUCKET}?region={region}'" in told
    assert "export PULUMI_DIY_BACKEND_ZSTD=true\n" in told
    for stack in ("dev", "prod"):
        provider = f"'awskms://alias/hello-pulumi-{stack}?region={region}'"
        assert f"pulumi stack init {stack} --secrets-provider {provider}" in told
        assert f"pulumi stack change-secrets-provider --stack {stack} {provider}" in told
    assert f"arn:aws:kms:{region}:123456789012:key/" in told
