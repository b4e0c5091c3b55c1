"""A Helm release has its chart's names and the program's values, and refuses values that nobody would read."""

from __future__ import annotations

from typing import Any

import pytest

from components.autoscaler import REPOSITORY
from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.kubernetes.helm import cluster_autoscaler, releases
from rehearsal.stand_ins.kubernetes.helm.chart import Release
from rehearsal.stand_ins.kubernetes.properties import UNKNOWN, PropertyBag, Secret, revealed

URN = "urn:pulumi:test::stand-ins::kubernetes:helm.sh/v3:Release::autoscaler"


def inputs(**changed: Any) -> PropertyBag:
    return {
        "chart": "cluster-autoscaler",
        "version": "9.53.0",
        "name": "autoscaler",
        "namespace": "kube-system",
        "repositoryOpts": {"repo": REPOSITORY},
        "values": {"replicaCount": 2},
        **changed,
    }


def checked(new: PropertyBag, old: PropertyBag | None = None) -> PropertyBag:
    return releases.checked(URN, new, old or {}, default_namespace="default", seed=b"seed")


def test_name_namespace_and_timeout_are_filled_in_and_a_made_up_name_stays() -> None:
    bare = {key: value for key, value in inputs().items() if key not in ("name", "namespace")}
    first = checked(bare)
    assert first["name"].startswith("autoscaler-")
    assert (first["namespace"], first["timeout"]) == ("default", 300)
    assert releases.checked(URN, bare, first, default_namespace="default", seed=b"other")["name"] == first["name"]
    assert "timeout" not in checked({**bare, "skipAwait": True})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"values": {"replicas": 2}}, r"values\.replicas: is not defined"),
        ({"values": {"rbac": {"serviceAccount": {"nam": "x"}}}}, r"values\.rbac\.serviceAccount\.nam"),
        ({"values": {"replicaCount": "2"}}, r"values\.replicaCount: string found, integer expected"),
        ({"chart": "ghost"}, r"no chart ghost[\s\S]*stand_ins/kubernetes/helm/"),
        ({"repositoryOpts": {"repo": "https://charts.example.com"}}, "not to be had from"),
        ({"repositoryOpts": None}, "not to be had from no repository"),
        ({"version": None}, "Give the release's version"),
        ({"valueYamlFiles": ["values.yaml"]}, "reads no valueYamlFiles"),
    ],
)
def test_what_the_chart_has_not_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(RehearsalError, match=message):
        checked({key: value for key, value in inputs(**changed).items() if value is not None})


def test_values_that_are_not_known_yet_are_not_judged() -> None:
    assert checked(inputs(values={"awsRegion": UNKNOWN, "replicas": 2}))["values"]["awsRegion"] is UNKNOWN


@pytest.mark.parametrize(
    ("changed", "paths"),
    [
        ({}, {}),
        ({"values": {"replicaCount": 3}}, {("values", "replicaCount"): False}),
        ({"version": "9.54.0"}, {("version",): False}),
        ({"name": "other"}, {("name",): True}),
        ({"namespace": "other"}, {("namespace",): True}),
    ],
)
def test_another_name_or_namespace_is_another_release_and_all_else_an_upgrade(
    changed: dict[str, Any], paths: dict[tuple[str, ...], bool]
) -> None:
    state: PropertyBag = {**inputs(), releases.INPUTS: Secret(inputs())}
    found = releases.compared(state, inputs(**changed), [])
    assert {change.path: change.replaces for change in found.changes} == paths


def test_ignored_changes_are_none() -> None:
    state: PropertyBag = {**inputs(), releases.INPUTS: Secret(inputs())}
    assert releases.compared(state, inputs(version="9.54.0"), ["version"]).changes == ()


def test_a_preview_knows_the_inputs_and_nothing_else() -> None:
    foreseen = releases.foreseen(inputs())
    assert foreseen["status"] is UNKNOWN
    assert foreseen["resourceNames"] is UNKNOWN
    assert revealed(foreseen[releases.INPUTS]) == inputs()


def test_the_autoscaler_stands_as_the_program_says() -> None:
    said = {
        "fullnameOverride": "cluster-autoscaler",
        "nameOverride": "cluster-autoscaler",
        "rbac": {"serviceAccount": {"name": "scaler"}},
        "replicaCount": 2,
        "tolerations": [{"operator": "Exists"}],
        "topologySpreadConstraints": [{"maxSkew": 1}],
        "resources": {"requests": {"cpu": "50m"}},
        "securityContext": {"runAsNonRoot": True},
        "containerSecurityContext": {"readOnlyRootFilesystem": True},
        "podLabels": {"team": "web"},
    }
    objects = cluster_autoscaler.CHART.objects(Release("autoscaler", "kube-system", "9.53.0", said))
    account, deployment, budget = objects
    assert account["metadata"]["name"] == "scaler"
    assert (deployment["metadata"]["name"], deployment["spec"]["replicas"]) == ("cluster-autoscaler", 2)
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert selector == {
        "app.kubernetes.io/instance": "autoscaler",
        "app.kubernetes.io/name": "cluster-autoscaler",
        "team": "web",
    }
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
    pod = deployment["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "scaler"
    assert pod["priorityClassName"] == "system-cluster-critical"
    assert pod["tolerations"] == said["tolerations"]
    assert pod["topologySpreadConstraints"] == said["topologySpreadConstraints"]
    assert pod["securityContext"] == said["securityContext"]
    (container,) = pod["containers"]
    assert container["resources"] == said["resources"]
    assert container["securityContext"] == said["containerSecurityContext"]


def test_a_chart_names_its_objects_after_the_release() -> None:
    objects = cluster_autoscaler.CHART.objects(Release("scale", "default", "9.53.0", {}))
    assert {obj["metadata"]["name"] for obj in objects} == {"scale-aws-cluster-autoscaler"}
