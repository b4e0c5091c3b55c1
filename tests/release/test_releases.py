"""Releases on a real control plane: a whole release, every fault of a version, and two pipelines at once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from contract import labels
from contract.blue_green import BLUE, GREEN
from kube.client import KubernetesObject
from rehearsal.demo_images import Fault
from release import prune
from release.errors import ExitCode, ReleaseError
from release.goals import Deploy, Retire, Rollback, Switch
from release.history import Outcome
from release.run import Result
from release.state import ServiceState
from tests.rehearsal.conftest import eventually
from tests.release.platform import QUICK, Platform, configure, image
from tests.unit.release.faults import Faulty


def live_image(seen: ServiceState) -> str | None:
    return seen.live_slot.revision.image if seen.live_slot.revision else None


def released(platform: Platform, service: str, environment: str = "dev", **options: Any) -> str:
    """A service with a first version live."""
    platform.add(environment, service, **options)
    first = image(service)
    assert platform.run(environment, service, Deploy(first)).exit_code is ExitCode.DONE
    return first


def test_a_version_goes_live_and_back_and_forward_and_its_predecessor_retires(platform: Platform) -> None:
    first = released(platform, "way")
    second = image("way")
    assert platform.run("dev", "way", Deploy(second)).exit_code is ExitCode.DONE
    seen = platform.seen("dev", "way")
    assert (seen.live, live_image(seen), seen.autoscaled, seen.preview) == (BLUE, second, BLUE, GREEN)
    assert seen.active_endpoints == {BLUE: 2}
    assert seen.green.is_ready, "the slot before stays warm"
    assert platform.events("dev", "way")[-3:] == ["ReleaseStarted", "Switched", "Released"]

    assert platform.run("dev", "way", Rollback(keep_failed=True)).exit_code is ExitCode.DONE
    assert live_image(platform.seen("dev", "way")) == first
    with pytest.raises(ReleaseError, match="was rolled back already"):
        platform.run("dev", "way", Rollback())
    assert platform.run("dev", "way", Switch()).exit_code is ExitCode.DONE
    assert live_image(platform.seen("dev", "way")) == second

    with pytest.raises(ReleaseError, match="stays warm until"):
        platform.run("dev", "way", Retire())
    assert platform.run("dev", "way", Retire(now=True)).exit_code is ExitCode.DONE
    assert platform.seen("dev", "way").green.desired == 0
    with pytest.raises(ReleaseError, match="is not warm"):
        platform.run("dev", "way", Switch())
    assert platform.run("dev", "way", Rollback()).exit_code is ExitCode.DONE, "it is warmed first"
    assert live_image(platform.seen("dev", "way")) == first
    assert platform.seen("dev", "way").blue.desired == 0, "what it left has no users any more"


def test_the_idle_slot_gets_the_live_ones_size(platform: Platform) -> None:
    released(platform, "size", minimum=2, maximum=5)
    platform.api.json_patch(
        "apps/v1",
        "Deployment",
        "size-green",
        [{"op": "replace", "path": "/spec/replicas", "value": 4}],
        namespace="dev",
    )
    assert platform.run("dev", "size", Deploy(image("size"))).exit_code is ExitCode.DONE
    assert platform.seen("dev", "size").active_endpoints == {BLUE: 4}


def failing(platform: Platform, service: str, fault: Fault | None = None) -> tuple[ServiceState, Result, ServiceState]:
    before = platform.seen("dev", service)
    result = platform.run("dev", service, Deploy(image(service, fault)), limits=replace(QUICK, ready=3))
    return before, result, platform.seen("dev", service)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.CANNOT_BE_PULLED, "ImagePullBackOff: Back-off pulling image"),
        (Fault.CRASH_LOOP, "CrashLoopBackOff"),
        (Fault.NEVER_READY, "0 of 2 pods are ready, after"),
    ],
)
def test_pods_that_do_not_get_ready_leave_the_live_slot_untouched(platform: Platform, fault: Fault, told: str) -> None:
    service = f"fault-{fault}"
    released(platform, service)
    before, result, after = failing(platform, service, fault)
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert told in result.message
    assert (after.live, after.live_slot, after.autoscaled) == (before.live, before.live_slot, before.autoscaled)
    assert after.idle_slot.desired == 0
    assert after.history[-1].outcome is Outcome.FAILED
    assert told in str(after.history[-1].reason)
    assert platform.events("dev", service)[-3:] == ["ReleaseStarted", "ReleaseFailed", "RolledBack"]


def test_the_deployments_own_progress_deadline_ends_no_release(platform: Platform) -> None:
    """By default it is 600 s, and `startSeconds` may be 1800; only the program writes it."""
    released(platform, "slow")
    (slot,) = {BLUE, GREEN} - {platform.seen("dev", "slow").live}
    deadline = [{"op": "replace", "path": "/spec/progressDeadlineSeconds", "value": 1}]
    platform.api.json_patch("apps/v1", "Deployment", f"slow-{slot}", deadline, namespace="dev")

    def exceeded() -> bool:
        found = platform.api.get("apps/v1", "Deployment", f"slow-{slot}", "dev") or {}
        return "ProgressDeadlineExceeded" in [str(one.get("reason")) for one in found["status"]["conditions"]]

    with ThreadPoolExecutor() as pool:
        deploy = pool.submit(platform.run, "dev", "slow", Deploy(image("slow", Fault.SLOW_START)))
        eventually(exceeded, what="the controller says that the deadline has passed")
        assert deploy.result().exit_code is ExitCode.DONE


def test_pods_that_a_quota_refuses_are_told_with_the_quotas_words(platform: Platform) -> None:
    released(platform, "quota")
    quota: KubernetesObject = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": "dev"},
        "spec": {"hard": {"pods": "1"}},
    }
    platform.api.create(quota)
    try:
        eventually(lambda: "status" in (platform.api.get("v1", "ResourceQuota", "none", "dev") or {}), "a quota")
        before, result, after = failing(platform, "quota")
    finally:
        platform.api.delete("v1", "ResourceQuota", "none", "dev")
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert "exceeded quota: none" in result.message
    assert after.live_slot == before.live_slot


def test_pods_that_fit_on_no_node_are_told_with_the_schedulers_words(platform: Platform) -> None:
    released(platform, "large")
    platform.api.json_patch(
        "v1",
        "PodTemplate",
        "large",
        [{"op": "replace", "path": "/template/spec/containers/0/resources/requests/cpu", "value": "9000"}],
        namespace="dev",
    )
    before, result, after = failing(platform, "large")
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert "Unschedulable: 0/1 nodes are available" in result.message
    assert after.live_slot == before.live_slot


def test_a_version_that_fails_its_smoke_test_gets_no_traffic(platform: Platform) -> None:
    annotation = json.dumps({"path": "/version", "contains": "two", "tries": 2})
    platform.web.answers["dev/smoke-preview"] = lambda: (200, "two")
    released(platform, "smoke", annotations={"hello-platform/smoke-test": annotation})
    platform.web.answers["dev/smoke-preview"] = lambda: (200, "one")
    before, result, after = failing(platform, "smoke")
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert 'the smoke test failed: /version answered 200 without "two" in it (2 tries)' in result.message
    assert (after.live, after.live_slot) == (before.live, before.live_slot)


def test_a_version_that_does_worse_than_the_one_before_is_switched_back(platform: Platform) -> None:
    released(platform, "worse")
    platform.web.answers["dev/worse"] = lambda: (500 if platform.seen("dev", "worse").live == BLUE else 200, "")
    before, result, after = failing(platform, "worse")
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert "worse after the switch" in result.message
    assert (after.live, after.live_slot, after.autoscaled) == (before.live, before.live_slot, before.live)
    assert after.active_endpoints == {GREEN: 2}
    assert platform.events("dev", "worse")[-4:] == ["Switched", "ReleaseFailed", "Switched", "RolledBack"]


def test_exclusive_versions_never_run_at_once(platform: Platform) -> None:
    released(platform, "alone", annotations={"hello-platform/exclusive": "true"}, minimum=1, maximum=1)
    ended = threading.Event()
    slots: list[set[str]] = []

    def look() -> None:
        while not ended.is_set():
            pods = platform.api.list("v1", "Pod", namespace="dev", label_selector="app.kubernetes.io/name=alone")
            slots.append({str(pod["metadata"]["labels"]["slot"]) for pod in pods})

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        assert platform.run("dev", "alone", Deploy(image("alone"))).exit_code is ExitCode.DONE
        assert platform.run("dev", "alone", Deploy(image("alone", Fault.CRASH_LOOP))).exit_code is ExitCode.ROLLED_BACK
    finally:
        ended.set()
        watcher.join()
    assert {BLUE} in slots
    assert {GREEN} in slots
    assert {BLUE, GREEN} not in slots
    assert platform.seen("dev", "alone").live_slot.is_ready, "what was live is back"


def test_of_two_pipelines_at_once_one_is_refused_or_waits_for_the_other(platform: Platform) -> None:
    released(platform, "race")
    first, second = image("race"), image("race")
    impatient = replace(QUICK, lock=0)
    with ThreadPoolExecutor(2) as pool:
        outcomes = [pool.submit(platform.run, "dev", "race", Deploy(one), limits=impatient) for one in (first, second)]
    errors = [error for one in outcomes if (error := one.exception())]
    assert [type(error) for error in errors] == [ReleaseError]
    assert "another release of race in dev is under way" in str(errors[0])
    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(platform.run, "dev", "race", Deploy(image("race"))) for _ in range(2)]
    assert [one.result().exit_code for one in results] == [ExitCode.DONE] * 2
    assert platform.seen("dev", "race").live_slot.is_ready


def test_a_lost_race_for_the_switch_is_seen_and_never_a_double_switch(platform: Platform) -> None:
    """Somebody without the lock, as by kubectl, switches between the tool's look and its patch."""
    released(platform, "patch")
    assert platform.run("dev", "patch", Deploy(image("patch"))).exit_code is ExitCode.DONE  # blue is live, green warm
    selected: list[str] = []

    class Racing(Faulty):
        def json_patch(
            self, api_version: str, kind: str, name: str, patch: list[dict[str, Any]], **options: Any
        ) -> Any:
            if (kind, name) == ("Service", "patch") and not selected:
                selected.append("somebody else")
                platform.api.json_patch(api_version, kind, name, patch, **options)
            answer = super().json_patch(api_version, kind, name, patch, **options)
            if (kind, name) == ("Service", "patch"):
                selected.append("the tool")
            return answer

    assert platform.run("dev", "patch", Rollback(), api=Racing(platform.api)).exit_code is ExitCode.DONE
    assert selected == ["somebody else"]
    assert platform.seen("dev", "patch").live == GREEN


def command(platform: Platform, *words: str) -> tuple[int, Any, str]:
    """The tool as a pipeline runs it: exit code, standard output as JSON, standard error."""
    tags = ["--no-image-tags"] if words[0] in ("deploy", "promote", "verify", "retire") else []
    quick = ["--watch-for", "0.2"] if words[0] in ("deploy", "promote") else []
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "release",
            *words,
            *tags,
            *quick,
            "--json",
            "--kubeconfig",
            str(platform.kubeconfig),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, json.loads(ran.stdout) if ran.stdout.strip() else None, ran.stderr


@pytest.mark.usefixtures("traffic")
def test_only_what_was_verified_on_dev_reaches_prod(platform: Platform) -> None:
    for environment in ("dev", "prod"):
        platform.add(environment, "shop")
    new = image("shop")
    code, answer, told = command(platform, "deploy", "dev", "shop", "--image", new)
    assert (code, answer[0]["outcome"]) == (ExitCode.DONE, "done"), (answer, told)
    assert "dev/shop: Service shop: switching from slot blue to slot green" in told

    code, answer, _ = command(platform, "promote", "shop")
    assert code == ExitCode.REFUSED
    assert "has no verification record" in answer[0]["message"]
    assert "release verify dev shop" in answer[0]["remedy"]

    assert command(platform, "verify", "dev", "shop")[0] == ExitCode.DONE
    code, answer, told = command(platform, "promote", "shop")
    assert code == ExitCode.DONE, (answer, told)
    code, (status,), _ = command(platform, "status", "prod", "shop")
    assert (code, status["live"], status["slots"]["green"]["image"], status["healthy"]) == (0, "green", new, True)
    assert status["lastRelease"]["by"] == "kubernetes-admin"
    assert status["lock"] is None

    other = image("shop")
    assert command(platform, "deploy", "prod", "shop", "--image", other)[0] == ExitCode.REFUSED
    assert command(platform, "deploy", "prod", "shop", "--image", other, "--override", "the fire of May")[0] == 0
    _, (newest, *_), _ = command(platform, "history", "prod", "shop")
    assert (newest["image"], newest["override"]) == (other, "the fire of May")
    assert "Override" in platform.events("prod", "shop")


@pytest.mark.usefixtures("traffic")
def test_services_are_deployed_after_those_they_call(platform: Platform) -> None:
    def deploy(images: Mapping[str, str]) -> tuple[int, Any, str]:
        named = [f"--image={service}={one}" for service, one in images.items()]
        return command(platform, "deploy", "dev", "front", "middle", "base", *named)

    for service, calls in (("front", ["middle"]), ("middle", ["base"]), ("base", [])):
        platform.add("dev", service, annotations={"hello-platform/depends-on": json.dumps(calls)})
    images = {service: image(service) for service in ("front", "base")}
    smoke = json.dumps({"path": "/", "tries": 1})
    platform.api.json_patch(
        "v1",
        "PodTemplate",
        "middle",
        [{"op": "add", "path": "/metadata/annotations/hello-platform~1smoke-test", "value": smoke}],
        namespace="dev",
    )
    code, answer, _ = deploy({**images, "middle": image("middle", Fault.ERRORS)})
    assert code == ExitCode.ROLLED_BACK
    assert [(one["service"], one["outcome"]) for one in answer] == [
        ("base", "done"),
        ("middle", "rolled_back"),
        ("front", "refused"),
    ]
    code, answer, _ = deploy({**images, "middle": image("middle")})
    assert (code, [one["service"] for one in answer]) == (ExitCode.DONE, ["base", "middle", "front"])


def test_retire_collects_the_configuration_that_nothing_names(platform: Platform) -> None:
    """A Secret goes with the ConfigMap that owns it, by Kubernetes' own garbage collector."""
    released(platform, "conf", configuration="conf-0000000001")
    for name in ("conf-0000000001", "conf-00000000ff", "conf-other"):
        configure(platform.api, "dev", "conf", name)
    listening = next(iter(platform.seen("dev", "conf").ports))
    for port in (listening, listening + 1):
        metadata = {"name": f"conf.{port}", "namespace": "dev", "labels": {labels.SERVICE: "conf"}}
        body = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata}
        platform.api.create({**body, "spec": {"podSelector": {}}})
    seen = platform.seen("dev", "conf")
    assert prune.prune(platform.api, seen) == [], "too young: an up may be under way"
    later = replace(seen, now=seen.now + prune.MIN_AGE * 2)
    assert prune.prune(platform.api, later) == [
        "ConfigMap conf-00000000ff",
        f"NetworkPolicy conf.{listening + 1}",
    ]
    eventually(lambda: platform.api.get("v1", "Secret", "conf-00000000ff", "dev") is None, "its Secret is gone")
    for name in ("conf-0000000001", "conf-other"):
        assert platform.api.get("v1", "Secret", name, "dev"), name
