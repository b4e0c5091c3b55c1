"""An earlier release comes back with all that its pods had, or is refused with what to do."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from contract.blue_green import KEPT_TEMPLATES
from release import history, prune, templates
from release.commands import releases
from release.duties import Circumstances, Policy, due
from release.errors import ExitCode, ReleaseError
from release.goals import Deploy
from release.session import Options, Session
from release.steps import ApplyTemplate
from tests.release.platform import image
from tests.unit.release.fake_cluster import FakeCaller
from tests.unit.release.faults import Faulty, KilledError
from tests.unit.release.model import revision, service_state, slot
from tests.unit.release.test_pauses import session_of
from tests.unit.release.test_plan import follow
from tests.unit.release.test_run import FIRST, SECOND, Fixture

OLD_CONFIGURATION, NEW_CONFIGURATION = "api-0000000001", "api-0000000002"


def changed(fixture: Fixture) -> Fixture:
    """The same service after a `pulumi up` with other variables, and a release with them in each slot."""
    template = fixture.cluster.get("v1", "PodTemplate", "api", "dev") or {}
    template["template"]["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": NEW_CONFIGURATION}}]
    change = [{"op": "replace", "path": "/template", "value": template["template"]}]
    fixture.cluster.json_patch("v1", "PodTemplate", "api", change, namespace="dev")
    assert fixture.run(Deploy(SECOND), run="second").exit_code is ExitCode.DONE
    assert fixture.run(Deploy(image("api")), run="third").exit_code is ExitCode.DONE
    return fixture


@pytest.fixture(scope="module")
def ready() -> Fixture:
    """A service whose first release had another configuration than what its slots hold."""
    fixture = Fixture(configuration=OLD_CONFIGURATION, released=False)
    kinds = {"api.8099": "NetworkPolicy", OLD_CONFIGURATION: "ConfigMap", NEW_CONFIGURATION: "ConfigMap"}
    for name, kind in kinds.items():
        labels = {"app.kubernetes.io/name": "api"}
        made = {"name": name, "namespace": "dev", "labels": labels, "creationTimestamp": "2025-01-01T00:00:00Z"}
        fixture.cluster.create({"apiVersion": "v1", "kind": kind, "metadata": made})
    fixture.run(Deploy(FIRST), run="first")
    return changed(fixture)


def first(fixture: Fixture) -> Deploy:
    """The first release, restored."""
    entry = templates.entry(fixture.state, "first")
    return Deploy(entry.revision.image, template=entry.revision.template)


def test_the_command_restores_image_and_template_and_status_says_that_it_is_an_older_one(
    ready: Fixture, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fixture = ready.copy()
    session: Session = session_of(fixture, monkeypatch)
    monkeypatch.setattr(session, "caller", FakeCaller)
    session.options = Options(as_json=True, image_tags=False)
    images = {"api": ""}
    assert releases.deploy(session, "dev", images, override=None, restored="first") is ExitCode.DONE
    capsys.readouterr()
    state = fixture.state
    assert state.live_slot.revision == templates.entry(state, "first").revision
    assert state.live_slot.configuration == state.history[-1].configuration == (OLD_CONFIGURATION,)
    assert state.has_drifted
    assert state.live == "blue", "whose slot never had it"
    deployed = fixture.cluster.get("apps/v1", "Deployment", f"api-{state.live}", "dev") or {}
    assert set(deployed["spec"]["template"]["metadata"]["labels"]) == {"environment", "app.kubernetes.io/name", "slot"}
    assert releases.deploy(session, "dev", images, override=None, restored="second") is ExitCode.DONE
    assert not fixture.state.has_drifted
    with pytest.raises(ReleaseError, match="has no release fourth") as caught:
        releases.deploy(session, "dev", images, override=None, restored="fourth")
    assert "--full" in str(caught.value.remedy)


def test_what_a_release_of_the_history_needs_is_not_pruned(ready: Fixture) -> None:
    state = ready.copy().state
    assert {OLD_CONFIGURATION, NEW_CONFIGURATION} <= prune.needed(state)
    assert KEPT_TEMPLATES >= 2 * history.LIMIT, "a release changes a slot's template twice"


@pytest.mark.parametrize(
    ("kind", "told"), [("ConfigMap", f"needs {OLD_CONFIGURATION}, deleted since"), ("ReplicaSet", "no ReplicaSet of")]
)
def test_what_is_not_there_any_more_is_refused_before_anything_changes(ready: Fixture, kind: str, told: str) -> None:
    fixture = ready.copy()
    goal = first(fixture)
    names = [one["metadata"]["name"] for one in fixture.cluster.list("", kind, namespace="dev")]
    for name in names:
        if kind == "ReplicaSet" or name == OLD_CONFIGURATION:
            fixture.cluster.delete("", kind, name, "dev")
    before = fixture.state
    with pytest.raises(ReleaseError, match=told) as caught:
        fixture.run(goal)
    assert "pulumi up" in str(caught.value.remedy)
    assert replace(fixture.state, now=before.now) == before


def test_a_tool_that_is_killed_anywhere_leaves_a_release_that_the_same_command_ends(ready: Fixture) -> None:
    number = 0
    for number in itertools.count(1, 2):
        fixture = ready.copy()
        goal, live = first(fixture), fixture.state.live
        try:
            fixture.run(goal, Faulty(fixture.cluster, at=number, fault="killed"))
        except KilledError:
            pass
        else:
            break
        assert fixture.state.live_slot.is_ready
        fixture.clock.sleep(61)
        if (running := fixture.state.running) is not None and running.revision != fixture.state.idle_slot.revision:
            assert due(fixture.state, Circumstances(is_abandoned=True), Policy()) is not None
        assert fixture.run(goal).exit_code is ExitCode.DONE, number
        assert fixture.state.live != live
        assert fixture.state.live_slot.configuration == (OLD_CONFIGURATION,)
    assert number > 10


def test_the_plan_brings_an_older_template_in_by_its_hash() -> None:
    start = service_state(slot("blue", revision("good", 1), 2), slot("green"))
    world, steps, _ = follow(start, Deploy(revision("good", 2).image, template="before"))
    assert steps[1] == ApplyTemplate("green", revision("good", 2).image, 2, "before")
    assert world.state.live_slot.revision == revision("good", 2, "before")
    assert world.state.has_drifted
