"""The stages' requests to ECR and the cluster, and their messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from botocore.stub import Stubber  # pyright: ignore[reportMissingTypeStubs]
from moto import mock_aws

from pipelines import ecr, notify
from pipelines.candidate import newest
from release.verification import Record

REGION = "ap-northeast-2"
HOST = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
URL = f"{HOST}/hello-dev/api"
DIGEST = f"sha256:{1:064x}"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")


@pytest.fixture
def repository() -> Iterator[Any]:
    """ECR with an empty repository, as moto has it."""
    with mock_aws():
        client = cast("Any", boto3).client("ecr", region_name=REGION)
        client.create_repository(repositoryName="hello-dev/api", imageTagMutability="IMMUTABLE")
        yield client


def test_a_commit_is_found_by_its_tag_and_another_is_not(repository: Any, capsys: pytest.CaptureFixture[str]) -> None:
    config = {"digest": DIGEST, "size": 1}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [config]})
    pushed = repository.put_image(repositoryName="hello-dev/api", imageManifest=manifest, imageTag="commit-1")
    assert ecr.main(["find", URL, "commit-1"]) == 0
    assert capsys.readouterr().out == f"{URL}@{pushed['image']['imageId']['imageDigest']}"
    assert ecr.main(["find", URL, "commit-2"]) == 0
    assert capsys.readouterr().out == ""
    assert ecr.main(["find", f"{HOST}/hello-dev/other", "commit-1"]) == 1, "an error is no answer"


def test_a_login_is_for_the_registry_and_for_nobody_else_on_the_machine(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert repository
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert ecr.main(["login", URL]) == 0
    path = tmp_path / "config.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    assert list(written["auths"]) == [HOST]
    assert base64.b64decode(written["auths"][HOST]["auth"]).startswith(b"AWS:")
    assert path.stat().st_mode & 0o077 == 0


def scans(*answers: dict[str, Any] | str) -> ecr.Repository:
    """A repository whose scan gives these answers in turn; a text is an error's code."""
    client = cast("Any", boto3).client("ecr", region_name=REGION)
    stubber: Any = Stubber(client)
    for answer in answers:
        if isinstance(answer, str):
            stubber.add_client_error("describe_image_scan_findings", service_error_code=answer)
        else:
            stubber.add_response("describe_image_scan_findings", answer)
    stubber.activate()
    return ecr.Repository(URL, client)


def complete(**counts: int) -> dict[str, Any]:
    return {"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": {"findingSeverityCounts": counts}}


def test_a_scan_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecr, "PAUSE_SECONDS", 0)
    pending = {"imageScanStatus": {"status": "IN_PROGRESS"}}
    assert scans("ScanNotFoundException", pending, complete(HIGH=2)).scan(DIGEST, patience=60) == {"HIGH": 2}
    with pytest.raises(ecr.PipelineError, match="has not scanned"):
        scans(pending).scan(DIGEST, patience=0)


def test_what_cannot_be_scanned_is_not_released() -> None:
    failed = {"imageScanStatus": {"status": "FAILED", "description": "UnsupportedImageError"}}
    with pytest.raises(ecr.PipelineError, match="UnsupportedImageError"):
        scans(failed).scan(DIGEST, patience=60)


@pytest.mark.parametrize(("counts", "code"), [({"CRITICAL": 1}, 1), ({"HIGH": 9, "LOW": 1}, 0), ({}, 0)])
def test_a_critical_finding_ends_the_build_and_others_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], counts: dict[str, int], code: int
) -> None:
    found = scans(complete(**counts))

    def repository_of(_: str) -> ecr.Repository:
        return found

    monkeypatch.setattr(ecr, "Repository", repository_of)
    assert ecr.main(["scan", f"{URL}@{DIGEST}"]) == code
    told = capsys.readouterr().err
    assert all(f"{number} {severity.lower()}" in told for severity, number in counts.items())


def test_another_registry_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert ecr.main(["find", "docker.io/library/api", "commit-1"]) == 1
    assert "is no ECR repository" in capsys.readouterr().err


def test_the_candidate_is_what_was_verified_last() -> None:
    def record(digest: str, day: int) -> Record:
        return Record(digest, "hello-verify", datetime(2026, 1, day, tzinfo=UTC))

    assert newest([record("a", 1), record("c", 3), record("b", 2)]) == "c"
    assert newest([]) is None


def test_a_hook_hears_of_the_build_and_no_build_fails_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(notify.message({"SERVICE": "api", "IMAGE": "", "RESULT": "success"}))
    assert told == {"service": "api", "image": None, "result": "success", "build": None}
    assert notify.main("https://127.0.0.1:9/", {}) == 0
    assert "did not accept the message" in capsys.readouterr().err
    assert notify.main("http://127.0.0.1:9/", {}) == 1, "what is said in clear is said to everybody"
