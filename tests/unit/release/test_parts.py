"""The release tool's small parts: history, records, lock, order, smoke test, probe, pruning."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from components.workload.blue_green.annotations import release_annotations
from contract import signatures
from contract.blue_green import SMOKE_TEST, history_name
from kube.client import KubernetesApiError
from release import history, lock, probe, prune, smoke, verification
from release.clock import StoppableClock, SystemClock
from release.errors import ExitCode, LostRaceError, ReleaseError
from release.history import Entry, Outcome
from release.http import Answer
from release.objects import ObjectApi, patch, value_at
from release.observe import smoke_test
from release.order import in_order
from release.state import SmokeTest
from release.status import age
from release.verification import LIMIT, Record
from tests.release.platform import objects
from tests.unit.release.fake_cluster import FakeClock, FakeCluster
from tests.unit.release.model import NOW, entry, revision, service_state, slot

# History and records


def test_an_entry_is_the_same_after_it_was_written_and_read() -> None:
    for one in (
        entry("blue", revision(), previous=revision("good", 1), configuration=("api-1", "api-2")),
        replace(entry("green", revision(), outcome=Outcome.RUNNING), build="https://ci/1", override="why", reason="r"),
    ):
        assert Entry.from_json(one.to_json()) == one


def test_the_history_keeps_the_last_ten_and_closes_what_was_left_running() -> None:
    entries: tuple[Entry, ...] = ()
    for number in range(15):
        entries = history.added(entries, replace(entry("blue", revision(), outcome=Outcome.RUNNING), id=str(number)))
    assert [one.id for one in entries] == [str(number) for number in range(5, 15)]
    *before, last = list(entries)
    assert {one.outcome for one in before} == {Outcome.INTERRUPTED}
    assert last.outcome is Outcome.RUNNING
    finished = history.added(entries, replace(last, outcome=Outcome.RELEASED))
    assert [one.id for one in finished] == [one.id for one in entries]
    assert finished[-1].outcome is Outcome.RELEASED


GOOD_ENTRY = entry("blue", revision()).to_json()
FOREIGN: list[tuple[Any, bool]] = [
    (GOOD_ENTRY | {"version": 9, "color": "new"}, True),
    ({key: GOOD_ENTRY[key] for key in ("action", "slot", "image", "outcome")}, True),
    (GOOD_ENTRY | {"started": "2026-01-01T00:00:00"}, True),
    (GOOD_ENTRY | {"action": "canary"}, False),
    (GOOD_ENTRY | {"slot": "red"}, False),
    (GOOD_ENTRY | {"started": "soon"}, False),
    ({}, False),
    (None, False),
    ("text", False),
]


@pytest.mark.parametrize(("value", "is_readable"), FOREIGN)
def test_an_entry_that_no_tool_or_a_newer_one_wrote_ends_nothing_and_is_written_back(
    value: Any, is_readable: bool
) -> None:
    cluster = FakeCluster(FakeClock(), objects("dev", "api"))
    metadata = {"name": history_name("api"), "namespace": "dev"}
    data = {"releases.json": json.dumps([GOOD_ENTRY, value])}
    cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    config_map = cluster.get("v1", "ConfigMap", history_name("api"), "dev")
    assert len(history.parse(config_map)) == 1 + is_readable
    assert bool(history.problems(config_map)) != is_readable
    history.write(cluster, "dev", "api", replace(entry("green", revision()), id="new"))
    written = cluster.get("v1", "ConfigMap", history_name("api"), "dev") or {}
    assert history.parse(written)[-1].slot == "green"
    assert is_readable or value in json.loads(written["data"]["releases.json"])


@pytest.mark.parametrize("text", ["", "[{", "{}", "null"])
def test_a_history_that_is_none_counts_as_empty_and_is_kept(text: str) -> None:
    cluster = FakeCluster(FakeClock(), objects("dev", "api"))
    metadata = {"name": history_name("api"), "namespace": "dev"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"releases.json": text}}
    cluster.create(config_map)
    assert history.parse(config_map) == ()
    assert bool(history.problems(config_map)) == bool(text)
    history.write(cluster, "dev", "api", entry("green", revision()))
    written = cluster.get("v1", "ConfigMap", history_name("api"), "dev") or {}
    assert len(history.parse(written)) == 1
    assert written["data"].get("unreadable", "") == text
    assert history.parse({"data": None}) == ()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"by": "me", "at": "soon"}'])
def test_a_record_that_a_person_made_counts_as_it_does_for_admission(text: str) -> None:
    assert [one.digest for one in verification.parse({"data": {"ab": text}})] == ["sha256:ab"]


def test_a_history_that_somebody_else_wrote_meanwhile_is_a_lost_race() -> None:
    cluster = FakeCluster(FakeClock(), objects("dev", "api"))
    history.write(cluster, "dev", "api", entry("blue", revision()))
    config_map = cluster.get("v1", "ConfigMap", history_name("api"), "dev")
    assert config_map is not None
    history.write(cluster, "dev", "api", entry("green", revision()))
    with pytest.raises(LostRaceError):
        patch(cluster, config_map, [{"op": "add", "path": "/data", "value": {}}])


def record(number: int, minutes: int) -> Record:
    return Record(f"sha256:{number:064x}", "tester", NOW + timedelta(minutes=minutes))


@given(st.lists(st.integers(0, 200), max_size=120, unique=True), st.integers(0, 120))
def test_records_in_use_are_kept_and_of_the_others_the_newest(numbers: list[int], used: int) -> None:
    records = [record(number, minutes) for minutes, number in enumerate(numbers)]
    in_use = [one.digest for one in records[:used]]
    kept = verification.kept(records, in_use)
    assert set(in_use) <= {one.digest for one in kept}
    assert records[-LIMIT:] == kept[-len(records[-LIMIT:]) :] if records else kept == []


def test_a_record_in_use_outlives_the_newest() -> None:
    records = [record(number, number) for number in range(LIMIT + 9)]
    assert verification.kept(records, [records[2].digest]) == [records[2], *records[9:]]


def test_a_record_is_read_as_it_was_written_under_a_key_that_a_policy_can_name() -> None:
    cluster = FakeCluster(FakeClock(), objects("prod", "api"))
    verification.write(cluster, "api", record(1, 0), in_use=())
    verification.write(cluster, "api", record(2, 1), in_use=())
    verification.write(cluster, "api", record(1, 2), in_use=())
    config_map = cluster.get("v1", "ConfigMap", "verified-api", "prod")
    assert verification.parse(config_map) == [record(2, 1), record(1, 2)]
    assert set((config_map or {})["data"]) == {f"{1:064x}", f"{2:064x}"}
    assert verification.verified(cluster, "prod", "api") == {record(1, 0).digest, record(2, 0).digest}
    assert verification.verified(cluster, "dev", "api") is None


def test_where_images_are_signed_a_record_counts_that_names_the_key() -> None:
    key = "arn:aws:kms:ap-northeast-2:123456789012:alias/hello-dev/signing"
    cluster = FakeCluster(FakeClock(), objects("prod", "api"))
    verification.write(cluster, "api", record(1, 0), in_use=())
    assert verification.signing_key(cluster, "api") is None
    config_map = cluster.get("v1", "ConfigMap", "verified-api", "prod")
    assert config_map is not None
    patch(cluster, config_map, [{"op": "add", "path": "/metadata/annotations", "value": {signatures.KEY: key}}])
    assert verification.signing_key(cluster, "api") == key
    assert verification.verified(cluster, "prod", "api") == set()
    for one in (replace(record(2, 1), signed_with=key), replace(record(3, 2), signed_with=f"{key}-2")):
        verification.write(cluster, "api", one, in_use=())
    assert verification.verified(cluster, "prod", "api") == {record(2, 1).digest}
    config_map = cluster.get("v1", "ConfigMap", "verified-api", "prod")
    assert config_map is not None
    data = {digits: signatures.mark(key) in text for digits, text in config_map["data"].items()}
    assert data == {f"{1:064x}": False, f"{2:064x}": True, f"{3:064x}": False}, "what admission looks for"
    assert [one.digest for one in verification.admitted(config_map)] == [record(2, 1).digest]


# Lock


def held(cluster: ObjectApi, clock: FakeClock, who: str) -> lock.Lock:
    mine = lock.Lock(cluster, "dev", "api", who, clock)
    assert mine.acquire() is None
    return mine


def test_a_lock_has_one_holder_until_it_is_given_back_or_expires() -> None:
    clock = FakeClock()
    cluster = FakeCluster(clock, objects("dev", "api"))
    first = held(cluster, clock, "first")
    other = lock.Lock(cluster, "dev", "api", "other", clock)
    found = other.acquire()
    assert found is not None
    assert (found.identity, found.until) == ("first", clock.now() + timedelta(seconds=lock.LEASE_SECONDS))
    first.release()
    assert other.acquire() is None
    third = lock.Lock(cluster, "dev", "api", "third", clock)
    assert third.acquire() is not None
    clock.sleep(lock.LEASE_SECONDS + 1)
    assert third.acquire() is None
    with pytest.raises(ReleaseError, match="was lost") as caught:
        other.renew()
    assert caught.value.exit_code is ExitCode.LOCKED
    other.release()
    assert lock.Lock(cluster, "dev", "api", "fourth", clock).acquire() is not None, "the third's is still the third's"


def test_a_lock_that_is_renewed_does_not_expire() -> None:
    clock = FakeClock()
    cluster = FakeCluster(clock, objects("dev", "api"))
    first = held(cluster, clock, "first")
    for _ in range(10):
        clock.sleep(lock.LEASE_SECONDS / 2)
        first.renew()
    assert lock.Lock(cluster, "dev", "api", "other", clock).acquire() is not None


# Patches


def test_a_policys_refusal_is_no_lost_race() -> None:
    cluster = FakeCluster(FakeClock(), objects("dev", "api"))

    class Refusing(FakeCluster):
        def json_patch(self, *_: Any, **__: Any) -> Any:
            raise KubernetesApiError("ValidatingAdmissionPolicy: no", status=422, reason="Invalid")

    cluster.__class__ = Refusing
    service = cluster.get("v1", "Service", "api", "dev")
    assert service is not None
    with pytest.raises(KubernetesApiError, match="ValidatingAdmissionPolicy"):
        patch(cluster, service, [])


def test_a_json_pointer_leads_to_its_value_or_to_none() -> None:
    body = {"a": {"b/c": 1}}
    assert (value_at(body, "/a/b~1c"), value_at(body, "/a/x/y")) == (1, None)


# Several services


def test_a_service_is_worked_on_after_those_it_calls_and_not_if_one_did_not_go_well() -> None:
    worked: list[str] = []

    def work(service: str) -> bool:
        worked.append(service)
        return service != "middle"

    calls = {"front": ["middle"], "middle": ["base", "elsewhere"], "base": list[str](), "alone": list[str]()}
    results, left = in_order(calls, work, is_good=bool)
    assert worked.index("base") < worked.index("middle")
    assert (set(results), left) == ({"alone", "base", "middle"}, ["front"])


def test_who_is_interrupted_ends_the_work_that_is_under_way() -> None:
    clock = StoppableClock(SystemClock())
    begun: list[str] = []
    started, ended = threading.Event(), threading.Event()

    def work(service: str) -> bool:
        begun.append(service)
        if service == "first":
            started.wait(5)
            raise KeyboardInterrupt
        try:
            started.set()
            for _ in range(500):
                clock.sleep(0.01)
            begun.append("after its end")
        finally:
            ended.set()
        return True

    depends_on: dict[str, list[str]] = {"first": [], "second": [], "third": ["second"]}
    with pytest.raises(KeyboardInterrupt):
        in_order(depends_on, work, is_good=bool, at_once=2, stop=clock.stop)
    assert ended.is_set()
    assert begun == ["first", "second"], "and nothing begins any more"


def test_services_that_call_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(ReleaseError, match="in a circle: "):
        in_order({"a": ["b"], "b": ["a"]}, str.isalpha, is_good=bool)


@given(st.integers(1, 4), st.integers(1, 8))
def test_no_more_are_worked_on_at_once_than_asked(at_once: int, services: int) -> None:
    busy, most = list[str](), list[int]()

    def work(service: str) -> bool:
        busy.append(service)
        most.append(len(busy))
        busy.remove(service)
        return True

    calls = {str(number): list[str]() for number in range(services)}
    results, left = in_order(calls, work, is_good=bool, at_once=at_once)
    assert (len(results), left) == (services, [])
    assert max(most) <= at_once


# Smoke test and probe


def smoke_failure(test: SmokeTest, *answers: Answer, seconds: float = 0) -> tuple[str | None, int]:
    clock, asked = FakeClock(), list[str]()

    def ask(path: str, timeout: float) -> Answer:
        clock.sleep(min(seconds, timeout))
        asked.append(path)
        return answers[min(len(asked), len(answers)) - 1]

    return smoke.failure(test, ask, now=clock.now, pause=clock.sleep), len(asked)


GOOD, BAD = Answer(200, "hello"), Answer(500, "")


@pytest.mark.parametrize(
    ("test", "answers", "told", "tries"),
    [
        (SmokeTest("/"), [GOOD], None, 1),
        (SmokeTest("/", contains="hello"), [GOOD], None, 1),
        (SmokeTest("/", contains="bye"), [GOOD], 'answered 200 without "bye" in it', 10),
        (SmokeTest("/", status=204), [GOOD], "answered 200, not 204", 10),
        (SmokeTest("/", tries=3), [BAD], "answered 500, not 200 (3 tries)", 3),
        (SmokeTest("/"), [BAD, BAD, GOOD], None, 3),
        (SmokeTest("/"), [Answer(None, "refused")], "did not answer: refused", 10),
    ],
)
def test_a_smoke_test_says_what_was_wrong(test: SmokeTest, answers: list[Answer], told: str | None, tries: int) -> None:
    wrong, tried = smoke_failure(test, *answers)
    assert tried == tries
    if told is None:
        assert wrong is None
    else:
        assert told in str(wrong)


def test_the_tool_tries_a_version_as_the_settings_say() -> None:
    told = {"path": "/version", "status": 204, "contains": "two", "tries": 3, "deadlineSeconds": 7}
    spec = config.Service.model_validate({"port": 1, "healthPath": "/health", "smokeTest": told})
    written = release_annotations(spec, "dev", "", None)[SMOKE_TEST]
    read = smoke_test(written, {"containers": [{}]})
    assert read == SmokeTest("/version", status=204, contains="two", tries=3, deadline_seconds=7)
    usual = config.Service.model_validate({"port": 1, "healthPath": "/health"})
    assert smoke_test(release_annotations(usual, "dev", "", None)[SMOKE_TEST], {"containers": [{}]}) == SmokeTest(
        "/health"
    )


def test_a_smoke_test_waits_for_no_answer_beyond_its_deadline() -> None:
    clock = FakeClock()
    end = clock.now() + timedelta(seconds=7)

    def ask(_: str, timeout: float) -> Answer:
        assert clock.now() + timedelta(seconds=timeout) <= end
        clock.sleep(timeout)
        return Answer(None, "timed out")

    test = SmokeTest("/", tries=9, deadline_seconds=7)
    told = smoke.failure(test, ask, now=clock.now, pause=clock.sleep)
    assert told == "/ did not answer: timed out (2 tries)"


def test_a_smoke_test_ends_at_its_deadline() -> None:
    wrong, tried = smoke_failure(SmokeTest("/", tries=100, deadline_seconds=20), BAD, seconds=5)
    assert wrong is not None
    assert tried <= 5


@given(st.integers(0, 10), st.integers(1, 100), st.data())
def test_worse_is_by_more_than_the_threshold_and_told_as_early_as_it_is_certain(
    before: int, tries: int, data: st.DataObject
) -> None:
    bad = data.draw(st.integers(0, tries))
    first = probe.Sample(10, before)
    answers = iter([BAD] * bad + [GOOD] * (tries - bad))

    def is_worse(bad: int) -> bool:
        return probe.is_worse(first, probe.Sample(tries, bad))

    def ask(_path: str, _timeout: float) -> Answer:
        return next(answers)

    after = probe.measure(SmokeTest("/"), ask, tries=tries, pause=lambda: None, is_enough=is_worse)
    rises = bad / tries > before / 10 + probe.THRESHOLD
    assert probe.is_worse(first, after) == (rises and (bad > 1 or tries == 1))


def test_a_comparison_tells_the_last_bad_answer() -> None:
    answers = iter([BAD, GOOD, Answer(None, "timed out"), GOOD])
    after = probe.measure(SmokeTest("/x"), lambda _path, _timeout: next(answers), tries=4, pause=lambda: None)
    told = probe.comparison(probe.Sample(10, 0), after, SmokeTest("/x"))
    assert told == "2 of 4 answers to /x were bad (the last one: no answer, timed out), 0 of 10 before"
    assert probe.Sample(1, 1, "HTTP 500") + probe.Sample(1, 0) == probe.Sample(2, 1, "HTTP 500")


# What is collected


def made(name: str, age: timedelta = timedelta(days=1)) -> dict[str, Any]:
    return {"metadata": {"name": name, "creationTimestamp": (NOW - age).isoformat()}}


def test_only_old_objects_of_the_programs_that_nothing_names_are_superfluous() -> None:
    found = service_state(
        slot("blue", revision(), 2, configuration=("api-000000000b",)),
        slot("green", revision(), 0, configuration=("api-000000000c",)),
        configuration=("api-000000000a",),
        history=(entry("blue", revision(), configuration=("api-000000000d",)),),
    )
    every = [made(f"api-000000000{letter}") for letter in "abcdef"]
    others = [made("api-releases"), made("verified-api"), made("api-preview-000000000e"), made("gateway-000000000e")]
    young = made("api-0000000001", timedelta(minutes=1))
    assert prune.prunable(found, [*every, *others, young]) == ["api-000000000e", "api-000000000f"]


def test_the_policy_of_a_port_goes_once_nothing_listens_on_it() -> None:
    found = service_state(slot("blue", revision(), 2), slot("green", revision(), 0), ports=frozenset({8080, 9090}))
    policies = [made(f"api.{port}") for port in (8080, 9090, 8099)]
    others = [made(name) for name in ("api", "default-deny", "api-preview.8099", "gateway.8099", "apis.8099", "api.x")]
    assert prune.prunable(found, [*policies, *others, made("api.7070", timedelta(minutes=1))]) == ["api.8099"]
    unknown = replace(found, ports=frozenset())
    assert prune.prunable(unknown, policies) == [], "a PodTemplate of somebody else, without a port"


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0s"), (59, "59s"), (60, "1m"), (3 * 3600 + 5, "3h"), (86400 * 12, "12d")]
)
def test_an_age_is_told_by_its_largest_unit(seconds: int, text: str) -> None:
    assert age(timedelta(seconds=seconds)) == text
