"""The stages' requests to ECR and the cluster, and their messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from botocore.stub import Stubber  # pyright: ignore[reportMissingTypeStubs]
from moto import mock_aws

from pipelines import commit_status, ecr, notify, scan
from pipelines.candidate import newest
from pipelines.ecr import Finding
from pipelines.live import live_images
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


def scans(*answers: dict[str, Any] | str, manifest: dict[str, Any] | None = None) -> ecr.Repository:
    """A repository whose scan gives these answers in turn; a text is an error's code.

    Args:
        answers: The answers.
        manifest: Asked for first; None if nobody asks.
    """
    client = cast("Any", boto3).client("ecr", region_name=REGION)
    stubber: Any = Stubber(client)
    if manifest is not None:
        stubber.add_response("batch_get_image", {"images": [{"imageManifest": json.dumps(manifest)}]})
    for answer in answers:
        if isinstance(answer, str):
            stubber.add_client_error("describe_image_scan_findings", service_error_code=answer)
        else:
            stubber.add_response("describe_image_scan_findings", answer)
    stubber.activate()
    return ecr.Repository(URL, client)


IMAGE: dict[str, Any] = {"schemaVersion": 2, "config": {}, "layers": []}
INDEX: dict[str, Any] = {
    "schemaVersion": 2,
    "manifests": [
        {"digest": f"sha256:{2:064x}", "platform": {"architecture": "amd64", "os": "linux"}},
        {
            "digest": f"sha256:{3:064x}",
            "platform": {"architecture": "unknown", "os": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
        },
    ],
}
"""https://github.com/moby/buildkit/blob/v0.34.2/docs/attestations/attestation-storage.md"""


def test_of_an_index_its_images_are_judged_and_not_its_attestations() -> None:
    client = cast("Any", boto3).client("ecr", region_name=REGION)
    stubber: Any = Stubber(client)
    asked = {"registryId": "123456789012", "repositoryName": "hello-dev/api"}
    stubber.add_response("batch_get_image", {"images": [{"imageManifest": json.dumps(INDEX)}]})
    image = {"imageDigest": f"sha256:{2:064x}"}
    stubber.add_response(
        "describe_image_scan_findings", complete(basic("CVE-1", "CRITICAL")), {**asked, "imageId": image}
    )
    with stubber:
        verdict = scan.judge(ecr.Repository(URL, client), DIGEST, scan.Rules(), "api", patience=0)
    assert verdict.blocking == ["critical CVE-1 in openssl"]


def basic(name: str, severity: str) -> dict[str, Any]:
    """A finding of basic scanning, which does not say whether there is a fix.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanFinding.html
    """
    return {"name": name, "severity": severity, "attributes": [{"key": "package_name", "value": "openssl"}]}


def enhanced(name: str, severity: str, fix: str, status: str = "ACTIVE") -> dict[str, Any]:
    """A finding of enhanced scanning.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_EnhancedImageScanFinding.html
    """
    details = {"vulnerabilityId": name, "vulnerablePackages": [{"name": "zlib", "version": "1"}]}
    return {"severity": severity, "fixAvailable": fix, "status": status, "packageVulnerabilityDetails": details}


def complete(*findings: dict[str, Any], more: str = "") -> dict[str, Any]:
    page = {"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": {"findings": list(findings)}}
    return {**page, "nextToken": more} if more else page


def active(*findings: dict[str, Any]) -> dict[str, Any]:
    return {"imageScanStatus": {"status": "ACTIVE"}, "imageScanFindings": {"enhancedFindings": list(findings)}}


UNSUPPORTED: list[dict[str, Any]] = [
    {"imageScanStatus": {"status": "FAILED", "description": "UnsupportedImageError: no operating system"}},
    {"imageScanStatus": {"status": "UNSUPPORTED_IMAGE"}},
]


def test_a_scan_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecr, "PAUSE_SECONDS", 0)
    pending = {"imageScanStatus": {"status": "IN_PROGRESS"}}
    found = scans("ScanNotFoundException", pending, complete(basic("CVE-1", "HIGH"))).findings(DIGEST, patience=60)
    assert found == [Finding("CVE-1", "HIGH", "openssl")]
    with pytest.raises(ecr.PipelineError, match="has not scanned"):
        scans(pending).findings(DIGEST, patience=0)


def test_findings_of_all_pages_and_of_both_kinds_of_scanning_are_read() -> None:
    pages = scans(complete(basic("CVE-1", "LOW"), more="next"), complete(basic("CVE-2", "CRITICAL")))
    assert [one.name for one in pages.findings(DIGEST, patience=0)] == ["CVE-1", "CVE-2"]
    fixes = active(*(enhanced(f"CVE-{fix}", "HIGH", fix) for fix in ("YES", "PARTIAL", "NO")))
    assert {one.name: one.fixable for one in scans(fixes).findings(DIGEST, patience=0)} == {
        "CVE-YES": True,
        "CVE-PARTIAL": True,
        "CVE-NO": False,
    }
    assert scans(active(enhanced("CVE-1", "HIGH", "YES", "SUPPRESSED"))).findings(DIGEST, patience=0) == []


@pytest.mark.parametrize("answer", UNSUPPORTED)
def test_what_cannot_be_scanned_is_released_only_where_that_is_allowed(answer: dict[str, Any]) -> None:
    with pytest.raises(ecr.UnscannableError, match=r"delivery\.scan\.unscannable"):
        scan.judge(scans(answer, manifest=IMAGE), DIGEST, scan.Rules(unscannable=["ai"]), "api", patience=60)
    verdict = scan.judge(scans(answer, manifest=IMAGE), DIGEST, scan.Rules(unscannable=["api"]), "api", patience=60)
    assert (verdict.blocking, len(verdict.notes)) == ([], 1)


def test_a_scan_that_failed_is_no_allowance() -> None:
    failed = {"imageScanStatus": {"status": "SCAN_ELIGIBILITY_EXPIRED"}}
    with pytest.raises(ecr.PipelineError, match="SCAN_ELIGIBILITY_EXPIRED"):
        scan.judge(scans(failed, manifest=IMAGE), DIGEST, scan.Rules(unscannable=["api"]), "api", patience=60)


TODAY = date(2027, 1, 15)


def waiver(days: int, *services: str) -> scan.Waiver:
    """A waiver of CVE-1 that ends in so many days."""
    return scan.Waiver("CVE-1", TODAY + timedelta(days=days), "nothing calls it", services)


@pytest.mark.parametrize(
    ("finding", "rules", "blocks"),
    [
        (Finding("CVE-1", "CRITICAL"), scan.Rules(), True),
        (Finding("CVE-1", "CRITICAL", fixable=True), scan.Rules(), True),
        (Finding("CVE-1", "CRITICAL", fixable=False), scan.Rules(), False),
        (Finding("CVE-1", "CRITICAL", fixable=False), scan.Rules(fixable_only=False), True),
        (Finding("CVE-1", "HIGH"), scan.Rules(), False),
        (Finding("CVE-1", "HIGH"), scan.Rules(severity="HIGH"), True),
        (Finding("CVE-1", "UNTRIAGED"), scan.Rules(severity="MEDIUM"), False),
        (Finding("CVE-1", "CRITICAL"), scan.Rules(waivers=[waiver(0)]), False),
        (Finding("CVE-1", "CRITICAL"), scan.Rules(waivers=[waiver(-1)]), True),
        (Finding("CVE-1", "CRITICAL"), scan.Rules(waivers=[waiver(-1), waiver(9)]), False),
        (Finding("CVE-2", "CRITICAL"), scan.Rules(waivers=[waiver(9)]), True),
        (Finding("CVE-1", "CRITICAL"), scan.Rules(waivers=[waiver(9, "api")]), False),
        (Finding("CVE-1", "CRITICAL"), scan.Rules(waivers=[waiver(9, "ai")]), True),
    ],
)
def test_a_finding_blocks_by_severity_fix_and_waiver(finding: Finding, rules: scan.Rules, *, blocks: bool) -> None:
    assert bool(scan.judged([finding], rules, "api", TODAY).blocking) == blocks


def test_what_was_let_pass_is_told_with_its_reason() -> None:
    verdict = scan.judged([Finding("CVE-1", "CRITICAL", "zlib")], scan.Rules(waivers=[waiver(9)]), "api", TODAY)
    assert verdict.notes == ["critical CVE-1 in zlib: waived until 2027-01-24: nothing calls it"]
    ended = scan.judged([Finding("CVE-1", "CRITICAL")], scan.Rules(waivers=[waiver(-1)]), "api", TODAY)
    assert ended.blocking == ["critical CVE-1: its waiver ended on 2027-01-14: nothing calls it"]


@pytest.mark.parametrize(
    ("findings", "rules", "code"),
    [
        ([basic("CVE-1", "CRITICAL")], "", 1),
        ([basic("CVE-1", "HIGH")], "", 0),
        ([basic("CVE-1", "HIGH")], '{"severity": "HIGH"}', 1),
        ([], "", 0),
    ],
)
def test_the_gate_of_all_images_closes_for_one(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    findings: list[dict[str, Any]],
    rules: str,
    code: int,
) -> None:
    found = iter([scans(complete(*findings), manifest=IMAGE), scans(complete(), manifest=IMAGE)])

    def repository_of(_: str) -> ecr.Repository:
        return next(found)

    monkeypatch.setattr(scan, "Repository", repository_of)
    images = [f"{service}={URL}@{DIGEST}" for service in ("api", "ai")]
    assert scan.main(images, {"SCAN_RULES": rules}) == code
    told = capsys.readouterr().err
    assert ("STOP" in told) == bool(code)
    assert told.count(DIGEST) == 2, "the second one was judged, too"


@pytest.mark.parametrize("refused", ["LimitExceededException", "ValidationException"])
def test_a_new_scan_is_asked_for_where_ecr_lets(refused: str) -> None:
    client = cast("Any", boto3).client("ecr", region_name=REGION)
    stubber: Any = Stubber(client)
    stubber.add_client_error("start_image_scan", service_error_code=refused)
    stubber.add_client_error("start_image_scan", service_error_code="AccessDeniedException")
    stubber.activate()
    ecr.Repository(URL, client).scan_again(DIGEST)
    with pytest.raises(Exception, match="AccessDenied"):
        ecr.Repository(URL, client).scan_again(DIGEST)


def test_what_is_live_is_in_the_status() -> None:
    def slot(image: str | None) -> dict[str, Any]:
        return {"image": image}

    status: list[dict[str, Any]] = [
        {"service": "b", "live": "blue", "slots": {"blue": slot("b1"), "green": slot("b2")}},
        {"service": "a", "live": "green", "slots": {"blue": slot("a1"), "green": slot("a2")}},
        {"service": "new", "live": "blue", "slots": {"blue": slot(None), "green": slot(None)}},
        {"service": "unreadable", "healthy": False, "problems": ["no rights"]},
    ]
    assert live_images(status) == ["a=a2", "b=b1"]


def test_another_registry_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert ecr.main(["find", "docker.io/library/api", "commit-1"]) == 1
    assert "is no ECR repository" in capsys.readouterr().err


BUILD = "https://jenkins.example.com/job/1/"


def set_status(host: str, repository: str, state: str = "success") -> commit_status.Status:
    return commit_status.status(host, repository, "c0ffee", state, service="api", build=BUILD, token="t")  # noqa: S106 - none


@pytest.mark.parametrize(
    ("host", "repository", "target"),
    [
        ("github", "https://github.com/hello/api.git", "https://api.github.com/repos/hello/api/statuses/c0ffee"),
        ("github", "https://github.com/hello/api", "https://api.github.com/repos/hello/api/statuses/c0ffee"),
        (
            "github",
            "https://git.example.com/hello/api.git",
            "https://git.example.com/api/v3/repos/hello/api/statuses/c0ffee",
        ),
        (
            "gitlab",
            "https://gitlab.example.com/hello/backend/api.git",
            "https://gitlab.example.com/api/v4/projects/hello%2Fbackend%2Fapi/statuses/c0ffee",
        ),
        (
            "bitbucket",
            "https://bitbucket.org/hello/api",
            "https://api.bitbucket.org/2.0/repositories/hello/api/commit/c0ffee/statuses/build",
        ),
    ],
)
def test_a_commits_status_is_created_where_the_host_documents_it(host: str, repository: str, target: str) -> None:
    assert set_status(host, repository).url == target


@pytest.mark.parametrize(
    ("host", "repository"),
    [
        ("github", "https://github.com/api"),
        ("github", "https://github.com/hello/backend/api"),
        ("bitbucket", "https://bitbucket.example.com/hello/api"),
        ("gitlab", "ssh://git@gitlab.com/hello/api"),
    ],
)
def test_a_repository_that_is_none_at_the_host_is_refused(host: str, repository: str) -> None:
    with pytest.raises(ValueError, match=f"is no repository at {host}"):
        set_status(host, repository)


DOCUMENTED = {
    "github": ({"state", "context", "description", "target_url"}, ("error", "failure", "pending", "success")),
    "gitlab": (
        {"state", "name", "description", "target_url"},
        ("pending", "running", "success", "failed", "canceled", "skipped"),
    ),
    "bitbucket": (
        {"state", "key", "name", "description", "url"},
        ("SUCCESSFUL", "FAILED", "INPROGRESS", "STOPPED"),
    ),
}
"""The keys that a host documents of a status, and its states."""


@pytest.mark.parametrize("host", commit_status.HOSTS)
def test_a_commits_status_has_the_documented_form(host: str) -> None:
    keys, states = DOCUMENTED[host]
    repository = f"https://{'bitbucket.org' if host == 'bitbucket' else 'git.example.com'}/hello/api"
    told = [set_status(host, repository, state) for state in commit_status.STATES]
    assert {frozenset(one.body) for one in told} == {frozenset(keys)}
    assert {one.body["state"] for one in told} <= {*states}
    assert len({one.body["state"] for one in told}) == len(told)
    for one in told:
        assert "jenkins/api" in one.body.values()
        assert BUILD in one.body.values()
        assert len(one.body["description"]) <= 140
        token = {"PRIVATE-TOKEN": "t"} if host == "gitlab" else {"Authorization": "Bearer t"}
        assert token.items() <= one.headers.items()


def test_no_build_fails_for_a_commits_status(capsys: pytest.CaptureFixture[str]) -> None:
    variables = {"SERVICE": "api", "BUILD_URL": "https://jenkins.example.com/job/1/", "STATUS_TOKEN": "made-up"}
    assert commit_status.main(["https://127.0.0.1:9/hello/api", "c0ffee", "success"], variables) == 0
    assert "is not set" in capsys.readouterr().err
    assert commit_status.main(["https://example.com/api", "c0ffee", "success"], variables) == 1


def test_the_candidate_is_what_was_verified_last() -> None:
    def record(digest: str, day: int) -> Record:
        return Record(digest, "hello-verify", datetime(2026, 1, day, tzinfo=UTC))

    assert newest([record("a", 1), record("c", 3), record("b", 2)]) == "c"
    assert newest([]) is None


BUILT = {
    "SERVICE": "api",
    "IMAGE": "",
    "RESULT": "success",
    "APPROVER": "kim",
    "JOB_NAME": "prod/api",
    "BUILD_URL": "https://jenkins.example.com/job/prod/job/api/1/",
}


def test_a_webhook_hears_of_the_build() -> None:
    assert notify.webhook({**BUILT, "JOB_NAME": ""}) == {
        "service": "api",
        "image": None,
        "result": "success",
        "build": BUILT["BUILD_URL"],
        "job": None,
        "approver": "kim",
    }


def test_slack_gets_a_text_with_a_link_and_nothing_that_it_reads_as_markup() -> None:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""
    assert notify.slack({**BUILT, "APPROVER": "<!channel> & co"}) == {
        "text": "prod/api: success, approved by &lt;!channel&gt; &amp; co "
        "<https://jenkins.example.com/job/prod/job/api/1/|Build>"
    }


def test_teams_gets_one_adaptive_card() -> None:
    """https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using."""
    told = notify.teams(BUILT)
    assert told["type"] == "message"
    (attachment,) = told["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["$schema"]) == ("AdaptiveCard", "http://adaptivecards.io/schemas/adaptive-card.json")
    assert card["body"][0]["text"] == "prod/api: success, approved by kim"
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Build", "url": BUILT["BUILD_URL"]}]


def test_no_build_fails_for_who_does_not_listen_and_no_log_has_the_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert notify.main(BUILT) == 0
    assert notify.main({**BUILT, "NOTIFY_SLACK": "https://127.0.0.1:9/made-up-path"}) == 0
    assert "did not accept the message" in capsys.readouterr().err
    wrong = {**BUILT, "NOTIFY_TEAMS": "http://127.0.0.1:9/made-up-path"}
    assert notify.main(wrong) == 1, "what is said in clear is said to everybody"
    assert "made-up-path" not in capsys.readouterr().err
