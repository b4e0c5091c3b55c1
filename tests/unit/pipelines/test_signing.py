"""Signatures of images, in cosign's form: pipelines make them, the release tool checks them. KMS and ECR are moto's."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]
from botocore.stub import Stubber  # pyright: ignore[reportMissingTypeStubs]
from moto import mock_aws

from contract import signatures as contract
from pipelines import sign
from pipelines.ecr import Repository
from release import aws as clients
from release import signatures
from release.errors import ReleaseError
from release.images import Images
from tests.unit.kube.test_client import Stalling

REGION = "ap-northeast-2"
NAME = "hello-dev/api"
URL = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/{NAME}"
KEY = f"arn:aws:kms:{REGION}:123456789012:alias/hello-dev/signing"
OTHER_KEY = f"arn:aws:kms:{REGION}:123456789012:alias/hello-prod/signing"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account with both keys, and a repository."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    with mock_aws():
        client("ecr").create_repository(repositoryName=NAME, imageTagMutability="IMMUTABLE")
        for alias in (KEY, OTHER_KEY):
            key = client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
            client("kms").create_alias(AliasName=alias.rpartition("12:")[2], TargetKeyId=key)
        yield


def client(service: str) -> Any:
    return cast("Any", boto3).client(service, region_name=REGION)


def pushed(number: int) -> str:
    """An image's digest."""
    manifest, blob = {"mediaType": "application/vnd.oci.image.manifest.v1+json"}, str(number).encode()
    described = {"digest": f"sha256:{hashlib.sha256(blob).hexdigest()}", "size": len(blob)}
    Repository(URL).push(
        f"commit-{number}", {"schemaVersion": 2, **manifest, "config": described, "layers": [described]}, blobs=[blob]
    )
    found = Repository(URL).find(f"commit-{number}")
    assert found is not None
    return found.partition("@")[2]


def signed(digest: str, key: str = KEY) -> int:
    return sign.main([f"{URL}@{digest}"], {"SIGNING_KEY": key})


def test_what_was_signed_is_accepted_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = pushed(1), pushed(2)
    assert signatures.failure(URL, first, KEY) == "it is not signed"
    assert signed(first) == 0
    assert capsys.readouterr().err == f"{URL}@{first}: signed with {KEY}\n"
    assert signatures.failure(URL, first, KEY) is None
    assert signatures.failure(URL, first, OTHER_KEY) == f"no signature is by {OTHER_KEY}"
    assert signatures.failure(URL, second, KEY) == "it is not signed"


def test_an_image_is_signed_once(capsys: pytest.CaptureFixture[str]) -> None:
    digest = pushed(1)
    assert signed(digest) == 0
    before = Images(URL).layers(contract.tag(digest))
    capsys.readouterr()
    assert signed(digest) == 0
    assert capsys.readouterr().err == f"{URL}@{digest}: is signed\n"
    assert Images(URL).layers(contract.tag(digest)) == before


def test_a_build_that_was_overtaken_leaves_the_others_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = pushed(1)
    assert signed(digest) == 0
    before = Images(URL).layers(contract.tag(digest))

    def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(Repository, "find", nothing)
    assert signed(digest) == 0
    assert Images(URL).layers(contract.tag(digest)) == before


@pytest.mark.parametrize("of", ["another image", "another repository", "nothing at all"])
def test_a_signature_of_something_else_is_none_of_the_image(of: str) -> None:
    digest = pushed(1)
    payload = {
        "another image": contract.payload(URL, pushed(2)),
        "another repository": contract.payload(f"{URL}-other", digest),
        "nothing at all": b"{}",
    }[of]
    made = client("kms").sign(KeyId=KEY, Message=payload, SigningAlgorithm=contract.ALGORITHM)["Signature"]
    config, manifest = sign.manifest(payload, made)
    Repository(URL).push(contract.tag(digest), manifest, blobs=[payload, config])
    assert signatures.failure(URL, digest, KEY) == "it is not signed"


@pytest.mark.parametrize("text", ["", "no Base64", base64.b64encode(b"no signature").decode()])
def test_a_spoilt_signature_is_no_error(text: str) -> None:
    digest = pushed(1)
    payload = contract.payload(URL, digest)
    config, manifest = sign.manifest(payload, b"-")
    manifest["layers"][0]["annotations"][contract.ANNOTATION] = text
    Repository(URL).push(contract.tag(digest), manifest, blobs=[payload, config])
    assert signatures.failure(URL, digest, KEY, kms=refusing("KMSInvalidSignatureException")) == (
        f"no signature is by {KEY}"
    )


def refusing(code: str) -> Any:
    """KMS, which answers with an error: https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html."""
    kms = client("kms")
    stubber: Any = Stubber(kms)
    stubber.add_client_error("verify", service_error_code=code)
    stubber.activate()
    return kms


def test_who_may_not_ask_the_key_is_told_and_nothing_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    digest = pushed(1)
    assert signed(digest) == 0
    with pytest.raises(ReleaseError, match="AccessDeniedException") as refused:
        signatures.failure(URL, digest, KEY, kms=refusing("AccessDeniedException"))
    assert refused.value.remedy == f"allow this identity kms:Verify with {KEY}, and run the command again"
    capsys.readouterr()
    assert signed(digest=pushed(2), key=KEY.replace("signing", "none")) == 1
    assert "NotFoundException" in capsys.readouterr().err


def test_a_signature_is_an_image_that_ecr_takes() -> None:
    """ECR looks for the layers that a manifest names: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html."""
    digest = pushed(1)
    assert signed(digest) == 0
    found = client("ecr").batch_get_image(repositoryName=NAME, imageIds=[{"imageTag": contract.tag(digest)}])["images"]
    manifest = json.loads(found[0]["imageManifest"])
    assert found[0]["imageManifestMediaType"] == manifest["mediaType"]
    parts = [one["digest"] for one in (manifest["config"], *manifest["layers"])]
    there = client("ecr").batch_check_layer_availability(repositoryName=NAME, layerDigests=parts)["layers"]
    assert {one["layerAvailability"] for one in there} == {"AVAILABLE"}


def test_an_error_of_ecr_is_told_with_what_to_do() -> None:
    with pytest.raises(ReleaseError, match="ECR: ") as refused:
        signatures.failure(f"{URL}-missing", f"sha256:{1:064x}", KEY)
    assert refused.value.remedy == "allow this identity ecr:BatchGetImage"
    with pytest.raises(ClientError):
        client("ecr").batch_get_image(repositoryName=f"{NAME}-missing", imageIds=[{"imageTag": "none"}])


@pytest.mark.parametrize("service", ["ECR", "KMS"])
def test_an_api_that_hangs_ends_the_stage_after_its_tries(
    service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digest, server = pushed(1), Stalling(b"")
    monkeypatch.setattr(clients, "READ_SECONDS", 0.2)
    monkeypatch.setattr(clients, "TRIES", 2)
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.address)
    began = time.monotonic()
    try:
        assert sign.main([f"{URL}@{digest}"], {"SIGNING_KEY": KEY}) == 1
    finally:
        server.close()
    assert time.monotonic() - began < 10, "botocore alone waits for a minute, five times"
    assert server.connections == 2
    assert f'Read timeout on endpoint URL: "{server.address}/"' in capsys.readouterr().err


def test_a_release_says_that_kms_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    digest, server = pushed(1), Stalling(b"")
    assert signed(digest) == 0
    monkeypatch.setattr(clients, "READ_SECONDS", 0.2)
    monkeypatch.setattr(clients, "TRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", server.address)
    try:
        with pytest.raises(ReleaseError, match="KMS: Read timeout"):
            signatures.failure(URL, digest, KEY)
    finally:
        server.close()
