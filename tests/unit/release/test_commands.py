"""Refusals of the commands, and output of the reports."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from release import check, history, verification
from release.commands import releases, reports
from release.commands.verify import verify
from release.errors import ExitCode, ReleaseError
from release.history import Action, Entry, Outcome, Revision
from release.session import Options, ServiceResult, Session
from release.snapshot import KINDS
from release.state import OpenConnections, ServiceState
from tests.release.platform import image, objects
from tests.unit.release.fake_cluster import FakeClock, FakeCluster
from tests.unit.release.faults import Faulty

IMAGE = image("api")


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(FakeClock(), objects("dev", "api"))


@pytest.fixture
def session(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> Session:
    def fake(*_: object, **__: object) -> FakeCluster:
        return cluster

    monkeypatch.setattr("release.session.KubernetesApi", fake)
    return Session(Options(), FakeClock())


def entry(started: datetime) -> Entry:
    """A deploy into slot blue that has begun."""
    return Entry(
        id="1",
        action=Action.DEPLOY,
        slot="blue",
        revision=Revision(IMAGE, None),
        previous=None,
        by="jane",
        started=started,
    )


def apply_template(cluster: FakeCluster, *, replicas: int) -> None:
    """Slot blue of dev with an image."""
    deployment = cluster.get("apps/v1", "Deployment", "api-blue", "dev")
    assert deployment is not None
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = IMAGE
    deployment["spec"]["replicas"] = replicas
    cluster.apply(deployment)


def test_the_history_is_a_table_that_says_what_went_wrong_and_has_each_image_whole_on_demand(
    session: Session, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reports.history(session, "dev", "api") is ExitCode.DONE
    assert capsys.readouterr().out == "dev/api has no releases yet\n"
    first = replace(
        entry(datetime(2026, 5, 1, 12, tzinfo=UTC)),
        outcome=Outcome.FAILED,
        reason="the smoke test failed: " + "very long, " * 30,
        override="the fire of May",
        build="https://jenkins.example.com/7",
        approved_by="grace",
    )
    history.write(cluster, "dev", "api", first)
    history.write(cluster, "dev", "api", replace(first, id="2", outcome=Outcome.RELEASED, reason=None))
    reports.history(session, "dev", "api")
    title, heading, newest, *_, approved, build = capsys.readouterr().out.splitlines()
    digits = IMAGE.rpartition(":")[2][:12]
    assert (title, heading.split()) == ("dev/api", ["started", "(UTC)", "action", "outcome", "slot", "image", "by"])
    assert newest.split() == ["2026-05-01", "12:00", "deploy", "released", "blue", digits, "jane"]
    assert (approved, build) == ("    approved by grace", f"    {first.build}")
    reports.history(session, "dev", "api", full=True)
    _, _, _, its_image, its_id, _, _, _, oldest, _, _, *reason, override, _, _ = capsys.readouterr().out.splitlines()
    assert (its_image, its_id) == (f"    {IMAGE}", "    release 2"), "in one piece, to be deployed again"
    assert "failed" in oldest
    assert " ".join(" ".join(reason).split()) == str(first.reason).strip()
    assert override == "    override: the fire of May"


def test_the_history_of_prod_says_how_each_image_was_verified(
    session: Session, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    at, key = datetime(2026, 5, 1, 12, tzinfo=UTC), "arn:aws:kms:ap-northeast-2:123456789012:alias/hello-dev/signing"
    for body in objects("prod", "api"):
        cluster.create(body)
    released = replace(entry(at), outcome=Outcome.RELEASED)
    for environment in ("dev", "prod"):
        history.write(cluster, environment, "api", released)
    record = verification.Record(
        released.revision.digest, "system:serviceaccount:delivery:hello-verify", at, "npm test"
    )
    verification.write(cluster, "api", record, in_use=())
    reports.history(session, "prod", "api")
    note = "    verified by hello-verify at 2026-05-01 12:00 after the check npm test"
    assert capsys.readouterr().out.splitlines()[-1] == note
    reports.history(session, "dev", "api")
    assert "verified" not in capsys.readouterr().out, "dev takes any"
    verification.write(cluster, "api", replace(record, check=None, signed_with=key), in_use=())
    reports.history(session, "prod", "api")
    assert capsys.readouterr().out.splitlines()[-1] == "    verified by hello-verify at 2026-05-01 12:00, signed"
    session.options = replace(session.options, as_json=True)
    reports.history(session, "prod", "api")
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["verification"] == {"by": record.by, "at": at.isoformat(), "signedWith": key}


def test_the_status_of_many_services_takes_one_request_a_kind_and_says_the_same(
    session: Session, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(30):
        for body in objects("dev", f"service-{number}"):
            cluster.create(body)
    history.write(cluster, "dev", "api", entry(cluster.clock.now()))
    counted = Faulty(cluster)
    session.api = counted  # type: ignore[assignment]
    session.options = replace(session.options, as_json=True)
    reports.status(session, ["dev"], [], watch=False)
    together = json.loads(capsys.readouterr().out)
    assert sorted(counted.calls) == sorted(f"list {kind}" for kind in KINDS)
    for status in together:
        reports.status(session, ["dev"], [status["service"]], watch=False)
        assert json.loads(capsys.readouterr().out) == [status]


def test_an_environment_without_services_is_no_healthy_one(session: Session) -> None:
    with pytest.raises(ReleaseError, match="there is no service in nowhere"):
        reports.status(session, ["nowhere"], [], watch=False)


def test_what_dev_is_still_releasing_is_not_promoted(session: Session, cluster: FakeCluster) -> None:
    """Though it is live and ready: it may be taken back."""
    apply_template(cluster, replicas=2)
    cluster.list("v1", "Pod", namespace="dev")  # its controllers see it
    cluster.clock.sleep(60)
    running = entry(cluster.clock.now())
    history.write(cluster, "dev", "api", running)
    with pytest.raises(ReleaseError, match="api cannot be promoted"):
        releases.promote(session, ["api"])
    history.write(cluster, "dev", "api", replace(running, outcome=Outcome.RELEASED))
    with pytest.raises(KeyError):  # the fake API server does not say who asks: what is asked first is over
        releases.promote(session, ["api"])


def test_what_was_tried_is_verified_and_nothing_that_came_in_since(session: Session, cluster: FakeCluster) -> None:
    apply_template(cluster, replicas=2)
    cluster.list("v1", "Pod", namespace="dev")  # its controllers see it
    cluster.clock.sleep(60)
    with pytest.raises(ReleaseError, match="another release came in between"):
        verify(session, "dev", "api", image=image("api"))
    with pytest.raises(AttributeError, match="in_pod"):  # the right one: it would be asked next
        verify(session, "dev", "api", image=IMAGE)


def test_an_image_is_recorded_only_after_its_check_and_with_it(
    session: Session, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    apply_template(cluster, replicas=2)
    cluster.list("v1", "Pod", namespace="dev")  # its controllers see it
    cluster.clock.sleep(60)

    def passes(*_: object, **__: object) -> None:
        return None

    def user(_: Session) -> str:
        return "hello-verify"

    def caller(_: Session) -> SimpleNamespace:
        return SimpleNamespace(get=passes)

    def needed(*_: object) -> str:
        return key

    def what_was_asked(*words: str) -> str:
        return " and ".join(words)

    observe = session.observe

    def observe_dev(_: str, service: str) -> ServiceState:
        return observe("dev", service)  # the fake cluster has one environment

    monkeypatch.setattr("release.smoke.failure", passes)
    monkeypatch.setattr(session, "observe", observe_dev)
    monkeypatch.setattr(Session, "caller", caller)
    monkeypatch.setattr(Session, "user", user)
    monkeypatch.setattr(Session, "keep_image", passes)
    key = "arn:aws:kms:ap-northeast-2:123456789012:alias/hello-dev/signing"
    with monkeypatch.context() as signed:
        signed.setattr("release.verification.signing_key", needed)
        signed.setattr("release.signatures.failure", what_was_asked)
        asked = f"{IMAGE.replace('@', ' and ')} and {key}"
        with pytest.raises(ReleaseError, match=f"not recorded: {asked}"):
            verify(session, "dev", "api")
        assert cluster.get("v1", "ConfigMap", "verified-api", "prod") is None
        signed.setattr("release.signatures.failure", passes)
        assert verify(session, "dev", "api") is ExitCode.DONE
        (record,) = verification.parse(cluster.get("v1", "ConfigMap", "verified-api", "prod"))
        assert record.signed_with == key
    cluster.delete("v1", "ConfigMap", "verified-api", "prod")
    with pytest.raises(ReleaseError, match="not recorded: the check ended with exit code 3"):
        verify(session, "dev", "api", check="exit 3")
    assert cluster.get("v1", "ConfigMap", "verified-api", "prod") is None
    told = tmp_path / "told"
    command = f'echo "$SERVICE $ENVIRONMENT $IMAGE" > {told}'
    assert verify(session, "dev", "api", check=command) is ExitCode.DONE
    assert told.read_text(encoding="utf-8") == f"api dev {IMAGE}\n"
    (record,) = verification.parse(cluster.get("v1", "ConfigMap", "verified-api", "prod"))
    assert (record.digest, record.by, record.check) == (IMAGE.partition("@")[2], "hello-verify", command)


def test_a_check_that_takes_too_long_is_ended_with_its_processes(tmp_path: Path) -> None:
    late = tmp_path / "late"
    failure = check.failure(f"(sleep 3; touch {late}) & sleep 60", {}, within=1)
    assert failure == "the check took longer than 1 s"
    time.sleep(3.5)
    assert not late.exists()


def test_a_log_shows_a_note_in_one_line(
    session: Session, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no terminal has no width, and no narrow one."""
    apply_template(cluster, replicas=0)
    reports.status(session, ["dev"], [], watch=False)
    assert "older than the PodTemplate: `release deploy` applies it" in capsys.readouterr().out


def test_a_person_and_a_script_read_where_open_connections_stay(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    until = datetime(2026, 5, 1, 12, tzinfo=UTC)
    stays = ServiceResult("dev", "api", ExitCode.DONE, "slot green is live", None, OpenConnections("blue", until))
    session.print_results([stays, replace(stays, connections=OpenConnections("blue", None))])
    printed = capsys.readouterr().out
    assert "Open connections: new connections reach the live slot" in printed
    assert "stay with slot blue: its pods are kept until 2026-05-01 12:00:00 UTC" in printed
    assert "stay with slot blue: its pods are ending" in printed
    session.options = replace(session.options, as_json=True)
    session.print_results([stays, replace(stays, connections=None)])
    found = [one["openConnections"] for one in json.loads(capsys.readouterr().out)]
    assert found == [{"slot": "blue", "until": "2026-05-01T12:00:00+00:00"}, None]
