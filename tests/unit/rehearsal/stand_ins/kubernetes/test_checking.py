"""Kind, name and namespace of new objects; the provider's own configuration."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.kubernetes.checking import NamePolicy, checked
from rehearsal.stand_ins.kubernetes.configuration import Options, configuration_difference
from rehearsal.stand_ins.kubernetes.properties import UNKNOWN

URN = "urn:pulumi:dev::hello::kubernetes:core/v1:{kind}::api"


def check(new: dict[str, Any], old: dict[str, Any] | None = None, kind: str = "ConfigMap", **policy: Any) -> Any:
    return checked(
        URN.format(kind=kind),
        new,
        old or {},
        names=NamePolicy(**policy),
        default_namespace="dev",
        is_namespaced=lambda _api_version, kind: kind != "Namespace",
    )


def test_kind_name_and_namespace_are_filled_in() -> None:
    made = check({"data": {}})
    assert (made["apiVersion"], made["kind"], made["metadata"]["namespace"]) == ("v1", "ConfigMap", "dev")
    assert made["metadata"]["name"].startswith("api-")
    assert made["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}


def test_a_given_name_and_namespace_stay() -> None:
    metadata = {"name": "mine", "namespace": "prod"}
    assert check({"metadata": metadata})["metadata"] == metadata
    assert "namespace" not in check({"metadata": {"name": "prod"}}, kind="Namespace")["metadata"]


def test_a_generated_name_is_kept_the_next_time() -> None:
    first = check({"data": {}})
    assert check({"data": {"a": "1"}}, first)["metadata"] == first["metadata"]


def test_unknown_names_and_metadata_are_waited_for() -> None:
    assert check({"metadata": UNKNOWN})["metadata"] is UNKNOWN
    assert check({"metadata": {"name": UNKNOWN}})["metadata"] == {"name": UNKNOWN, "namespace": "dev"}


def test_the_engines_names_win_and_can_be_demanded() -> None:
    assert check({}, proposed="chosen")["metadata"]["name"] == "chosen"
    with pytest.raises(RehearsalError, match="autonaming is disabled"):
        check({}, disabled=True)


@pytest.mark.parametrize(
    ("kind", "new", "problem"),
    [
        ("ConfigMapList", {}, "list resources"),
        ("ConfigMapPatch", {"kind": "ConfigMap"}, "patch resources"),
        ("ConfigMap", {"metadata": {"generateName": "a-"}}, "generateName"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, new: dict[str, Any], problem: str) -> None:
    with pytest.raises(RehearsalError, match=problem):
        check(new, kind=kind)


def kubeconfig(server: str, user: str = "admin") -> str:
    return yaml.safe_dump(
        {
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": user}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


@pytest.mark.parametrize(
    ("old", "new", "changed", "replacing"),
    [
        ({"kubeconfig": kubeconfig("https://a")}, {"kubeconfig": kubeconfig("https://a")}, (), ()),
        (
            {"kubeconfig": kubeconfig("https://a")},
            {"kubeconfig": kubeconfig("https://a", "other")},
            ("kubeconfig",),
            (),
        ),
        (
            {"kubeconfig": kubeconfig("https://a")},
            {"kubeconfig": kubeconfig("https://b")},
            ("kubeconfig",),
            ("kubeconfig",),
        ),
        ({"kubeconfig": kubeconfig("https://a")}, {"kubeconfig": UNKNOWN}, ("kubeconfig",), ("kubeconfig",)),
        (
            {"kubeconfig": kubeconfig("https://a"), "clusterIdentifier": "1"},
            {"kubeconfig": kubeconfig("https://b"), "clusterIdentifier": "1"},
            ("kubeconfig",),
            (),
        ),
        ({"clusterIdentifier": "1"}, {"clusterIdentifier": "2"}, ("clusterIdentifier",), ("clusterIdentifier",)),
        ({}, {"namespace": "dev"}, ("namespace",), ()),
    ],
)
def test_only_another_cluster_replaces_the_objects(
    old: dict[str, Any], new: dict[str, Any], changed: tuple[str, ...], replacing: tuple[str, ...]
) -> None:
    difference = configuration_difference(old, new)
    assert (difference.changed, difference.replacing) == (changed, replacing)


def test_options_come_from_the_engine_and_switches_else_from_the_environment() -> None:
    options = Options.of(
        {"kubernetes:config:enablePatchForce": "true", "kubernetes:config:kubeconfig": ""},
        {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "false"},
    )
    assert (options.force, options.upsert, options.kubeconfig) == (True, True, None)


def test_client_side_apply_is_refused() -> None:
    with pytest.raises(RehearsalError, match="client-side apply"):
        Options.of({"kubernetes:config:enableServerSideApply": "false"}, {})


def test_without_a_kubeconfig_no_cluster_is_guessed() -> None:
    with pytest.raises(RehearsalError, match="has no kubeconfig"):
        Options.of({}, {}).connection({})


def test_a_login_by_command_is_refused_with_what_to_do() -> None:
    text = kubeconfig("https://a").replace("token: admin", "exec: {command: aws}")
    with pytest.raises(RehearsalError, match="logs in with a command"):
        Options.of({"kubernetes:config:kubeconfig": text}, {}).connection()
