"""States that no tool wrote: each is told, survived by a release that fails, and mended by `release repair`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from contract.blue_green import BLUE, DEPENDS_ON, GREEN
from rehearsal import demo_images
from release.commands import repair, reports
from release.errors import ExitCode, ReleaseError
from release.goals import Deploy, Retire, Rollback
from release.session import Options, Session
from release.state import ServiceState
from tests.release.platform import image, objects
from tests.unit.release.fake_cluster import FakeCluster
from tests.unit.release.test_run import FIRST, SECOND, Fixture

Spoil: TypeAlias = Callable[[Fixture], None]


def patch(kind: str, name: str, **operation: Any) -> Spoil:
    """Somebody's JSON Patch."""

    def spoil(fixture: Fixture) -> None:
        fixture.cluster.json_patch("", kind, name, [operation], namespace="dev")

    return spoil


def make_again(fixture: Fixture) -> None:
    """Somebody deletes the Service, and `pulumi up` makes it again, with its seed."""
    fixture.cluster.delete("v1", "Service", "api", "dev")
    (seed,) = (one for one in objects("dev", "api") if (one["kind"], one["metadata"]["name"]) == ("Service", "api"))
    seed["metadata"]["uid"] = "another"
    fixture.cluster.create(seed)


def cut_history(fixture: Fixture) -> None:
    data = {"releases.json": "[{"}
    change = [{"op": "replace", "path": "/data", "value": data}]
    fixture.cluster.json_patch("v1", "ConfigMap", "api-releases", change, namespace="dev")


MENDED: dict[str, tuple[Spoil, str]] = {
    "a slot that is none": (
        patch("Service", "api", op="replace", path="/spec/selector/slot", value="canary"),
        "Service api selects canary, though slot green was live",
    ),
    "no slot": (
        patch("Service", "api", op="remove", path="/spec/selector/slot"),
        "Service api selects no slot, though slot green was live",
    ),
    "made again": (make_again, "Service api selects blue, though slot green was live"),
    "target renamed": (
        patch("HorizontalPodAutoscaler", "api", op="replace", path="/spec/scaleTargetRef/name", value="web"),
        "HorizontalPodAutoscaler api scales web, not slot green",
    ),
}
LEFT: dict[str, tuple[Spoil, str]] = {
    "no selector": (
        patch("Service", "api", op="replace", path="/spec/selector", value=None),
        "Service api selects no slot, though slot green was live",
    ),
    "history cut": (cut_history, "the history is no JSON list"),
    "idle slot deleted": (
        lambda fixture: fixture.cluster.delete("apps/v1", "Deployment", "api-blue", "dev"),
        "Deployment api-blue is missing",
    ),
    "live slot deleted": (
        lambda fixture: fixture.cluster.delete("apps/v1", "Deployment", "api-green", "dev"),
        "the live slot green has no ready pod, and slot blue is ready",
    ),
}


@pytest.fixture(scope="module")
def ready() -> Fixture:
    """A service whose live slot is green, with blue warm."""
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    fixture.run(Deploy(FIRST))
    assert fixture.state.live == GREEN
    return fixture


class Reviewed(FakeCluster):
    """It says who asks."""

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Creates an object, or answers a review."""
        if body["kind"] == "SelfSubjectReview":
            return {"status": {"userInfo": {"username": "tester"}}}
        return super().create(body)


@pytest.fixture
def fixture(ready: Fixture) -> Fixture:
    """The service, to be spoiled."""
    fixture = ready.copy()
    fixture.cluster.__class__ = Reviewed
    return fixture


@pytest.fixture
def session(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session of its cluster."""

    def connect(*_: object, **__: object) -> FakeCluster:
        return fixture.cluster

    monkeypatch.setattr("release.session.KubernetesApi", connect)
    return Session(Options(as_json=True), fixture.clock)


def problems(session: Session, capsys: pytest.CaptureFixture[str]) -> tuple[ExitCode, list[str]]:
    capsys.readouterr()
    code = reports.status(session, ["dev"], ["api"], watch=False)
    return code, json.loads(capsys.readouterr().out)[0]["problems"]


def users_are_served(state: ServiceState) -> bool:
    return state.is_selected and state.live_slot.serves()


@pytest.mark.parametrize("case", [*MENDED, *LEFT])
def test_status_says_what_is_wrong_and_what_to_do(
    case: str, session: Session, fixture: Fixture, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, told = (MENDED | LEFT)[case]
    assert problems(session, capsys) == (ExitCode.DONE, [])
    spoil(fixture)
    code, texts = problems(session, capsys)
    assert any(told in text for text in texts), texts
    is_down = case not in ("target renamed", "history cut", "idle slot deleted")
    assert code is (ExitCode.NOT_READY if is_down else ExitCode.DONE)
    session.options = replace(session.options, as_json=False)
    assert reports.status(session, ["dev"], ["api"], watch=False) is code
    assert told in " ".join(capsys.readouterr().out.split()), "a person reads it, too"


@pytest.mark.parametrize("case", MENDED)
def test_repair_shows_what_it_would_do_and_does_it_with_yes(
    case: str, session: Session, fixture: Fixture, capsys: pytest.CaptureFixture[str]
) -> None:
    MENDED[case][0](fixture)
    before = fixture.state
    repair.repair(session, "dev", "api", yes=False)
    assert (fixture.state.selected, fixture.state.target) == (before.selected, before.target)
    assert f"from slot {GREEN}" not in capsys.readouterr().err, "it is live already, by the history"
    assert repair.repair(session, "dev", "api", yes=True) is ExitCode.DONE
    assert (fixture.state.live, fixture.state.selected, fixture.state.target) == (GREEN, GREEN, "api-green")
    assert problems(session, capsys) == (ExitCode.DONE, [])
    assert not fixture.is_locked()


@pytest.mark.parametrize("case", [*MENDED, "history cut"])
def test_a_release_that_fails_leaves_the_slot_that_was_live_to_users(case: str, ready: Fixture) -> None:
    """Above all it does not empty the only slot that can serve."""
    fixture = ready.copy()
    fixture.run(Retire(now=True))
    (MENDED | LEFT)[case][0](fixture)
    result = fixture.run(Deploy(image("api", demo_images.Fault.NEVER_READY)))
    assert result.exit_code is ExitCode.ROLLED_BACK
    state = fixture.state
    assert (state.live, users_are_served(state), state.autoscaled) == (GREEN, True, GREEN)
    assert fixture.cluster.longest_outage <= 13


@pytest.mark.parametrize("case", [*MENDED, "history cut", "live slot deleted"])
def test_a_rollback_works_all_the_same(case: str, ready: Fixture) -> None:
    fixture = ready.copy()
    (MENDED | LEFT)[case][0](fixture)
    assert fixture.run(Rollback()).exit_code is ExitCode.DONE
    state = fixture.state
    assert (state.live, users_are_served(state), state.autoscaled) == (BLUE, True, BLUE)


def without_service(fixture: Fixture) -> None:
    """Deletes the service's Service."""
    fixture.cluster.delete("v1", "Service", "api", "dev")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without_service, "Service api is not in dev"),
        (
            patch("PodTemplate", "api", op="replace", path="/metadata/annotations", value={DEPENDS_ON: "{"}),
            "an object has a form that this tool does not know",
        ),
    ],
    ids=["deleted", "not readable"],
)
def test_a_bad_service_hides_no_other(
    spoil: Spoil, told: str, session: Session, fixture: Fixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for body in objects("dev", "web"):
        fixture.cluster.create(body)
    spoil(fixture)
    capsys.readouterr()
    assert reports.status(session, ["dev"], [], watch=False) is ExitCode.NOT_READY
    api, web = json.loads(capsys.readouterr().out)
    assert told in api["problems"][0]
    assert (web["service"], web["problems"]) == ("web", [])


def test_a_deploy_beside_a_deleted_slot_is_refused_with_what_to_do(ready: Fixture) -> None:
    fixture = ready.copy()
    fixture.cluster.delete("apps/v1", "Deployment", "api-blue", "dev")
    with pytest.raises(ReleaseError, match="Deployment api-blue of api are not in dev"):
        fixture.run(Deploy(SECOND))
    assert users_are_served(fixture.state)


def test_a_lock_is_taken_away_with_yes(session: Session, fixture: Fixture) -> None:
    fixture.is_locked()  # takes it
    for yes, locked in ((False, True), (True, False)):
        assert repair.unlock(session, "dev", "api", yes=yes) is ExitCode.DONE
        lease = fixture.cluster.get("", "Lease", "api-release", "dev") or {}
        assert bool(lease["spec"]["holderIdentity"]) == locked
