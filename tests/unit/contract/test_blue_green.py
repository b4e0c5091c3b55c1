"""The commands and keys of the blue/green contract."""

from __future__ import annotations

import copy
import json
import shlex
from typing import Any

import pytest

from contract.blue_green import SENTINEL_DIGEST, SLOTS, contract

CONTRACT = contract("prod", "api")
SERVICE = {"spec": {"selector": {"app.kubernetes.io/name": "api", "slot": "blue"}, "ports": [{"port": 8099}]}}


class TestFailedError(Exception):
    """A JSON patch's `test` did not hold."""

    __test__ = False


def patched(service: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    """A Service after a JSON patch with the operations `test` and `replace`. https://www.rfc-editor.org/rfc/rfc6902."""
    changed = copy.deepcopy(service)
    for operation in patch:
        *path, last = operation["path"].removeprefix("/").split("/")
        parent = changed
        for key in path:
            parent = parent[key]
        if operation["op"] == "test":
            if parent[last] != operation["value"]:
                raise TestFailedError(operation)
        else:
            assert operation["op"] == "replace"
            assert last in parent
            parent[last] = operation["value"]
    return changed


def patch_of(command: str) -> list[dict[str, Any]]:
    """The JSON patch in a `kubectl patch` command, after the shell's parsing."""
    *words, kind, patch = shlex.split(command)
    assert words == ["kubectl", "--namespace", "prod", "patch", "service", "api"]
    assert kind == "--type=json"
    assert patch.startswith("--patch=")
    return json.loads(patch.removeprefix("--patch="))


def test_switch_changes_only_the_slot() -> None:
    switched = patched(SERVICE, patch_of(CONTRACT["commands"]["switch"]))
    assert switched["spec"]["selector"] == {"app.kubernetes.io/name": "api", "slot": "green"}
    assert switched["spec"]["ports"] == SERVICE["spec"]["ports"]


def test_going_back_undoes_the_switch() -> None:
    switched = patched(SERVICE, patch_of(CONTRACT["commands"]["switch"]))
    assert patched(switched, patch_of(CONTRACT["commands"]["goBack"])) == SERVICE


def test_switching_twice_is_an_error() -> None:
    switch = patch_of(CONTRACT["commands"]["switch"])
    with pytest.raises(TestFailedError):
        patched(patched(SERVICE, switch), switch)


def test_the_live_slot_is_read_from_the_cluster() -> None:
    assert shlex.split(CONTRACT["commands"]["liveSlot"]) == [
        *("kubectl", "--namespace", "prod", "get", "service", "api"),
        "--output=jsonpath={.spec.selector.slot}",
    ]


def test_the_contract_is_json_and_has_the_documented_keys() -> None:
    assert json.loads(json.dumps(CONTRACT)) == CONTRACT
    assert set(CONTRACT) == {
        *("namespace", "slots", "deployments", "activeService", "previewService", "selectorKey", "podTemplate"),
        *("autoscaler", "annotations", "commands"),
    }
    assert set(CONTRACT["commands"]) == {"firstRelease", "liveSlot", "switch", "goBack"}


def test_the_annotation_keys_of_the_contract() -> None:
    assert CONTRACT["annotations"] == {
        "smokeTest": "hello-platform/smoke-test",
        "exclusive": "hello-platform/exclusive",
        "dependsOn": "hello-platform/depends-on",
        "graceSeconds": "hello-platform/grace-seconds",
        "dashboard": "hello-platform/dashboard",
        "hooks": "hello-platform/hooks",
    }


def test_both_slots_are_named_alike() -> None:
    assert CONTRACT["slots"] == list(SLOTS) == ["blue", "green"]
    assert CONTRACT["deployments"] == {"blue": "api-blue", "green": "api-green"}


def test_the_sentinel_digest_has_the_form_of_a_digest() -> None:
    algorithm, _, digits = SENTINEL_DIGEST.partition(":")
    assert algorithm == "sha256"
    assert len(digits) == 64
    assert set(digits) == {"0"}
