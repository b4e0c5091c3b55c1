"""Add-ons have the same objects as those of EKS, placed as configured, and refuse keys that their schema lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.aws import account as platform_account
from components.cluster import cluster as platform_cluster
from components.cluster.addons import after_nodes
from kube.client import KubernetesObject
from rehearsal.emulators.aws import addons
from rehearsal.emulators.aws.account import Account
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.emulators.in_cluster import MARK
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from tests.unit.rehearsal.emulators.aws.examples import EXAMPLES, World

TOLERATIONS = [{"key": "environment", "operator": "Exists", "effect": "NoSchedule"}]
SPREAD = [{"maxSkew": 1, "topologyKey": "environment", "whenUnsatisfiable": "DoNotSchedule"}]

WORKLOADS = {
    "aws-ebs-csi-driver": {("Deployment", "ebs-csi-controller"), ("DaemonSet", "ebs-csi-node")},
    "coredns": {("Deployment", "coredns")},
    "eks-pod-identity-agent": {("DaemonSet", "eks-pod-identity-agent")},
    "kube-proxy": {("DaemonSet", "kube-proxy")},
    "metrics-server": {("Deployment", "metrics-server")},
    "vpc-cni": {("DaemonSet", "aws-node")},
}


def made(name: str, configuration: dict[str, Any] | None = None) -> dict[tuple[str, str], KubernetesObject]:
    objects = addons.objects(name, "v1.0.0-eksbuild.1", json.dumps(configuration) if configuration else "")
    return {(obj["kind"], obj["metadata"]["name"]): obj for obj in objects}


def pod(obj: KubernetesObject) -> dict[str, Any]:
    return obj["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", WORKLOADS)
def test_an_add_on_has_its_workloads_each_with_an_account_a_priority_and_the_mark(name: str) -> None:
    objects = made(name)
    workloads = {key: obj for key, obj in objects.items() if key[0] in ("Deployment", "DaemonSet")}
    assert workloads.keys() == WORKLOADS[name]
    for (kind, _), obj in workloads.items():
        spec, selector = pod(obj), obj["spec"]["selector"]["matchLabels"]
        labels = obj["spec"]["template"]["metadata"]["labels"]
        assert ("ServiceAccount", spec["serviceAccountName"]) in objects
        assert (
            spec["priorityClassName"]
            == {"Deployment": "system-cluster-critical", "DaemonSet": "system-node-critical"}[kind]
        )
        assert selector.items() <= labels.items()
        assert labels[MARK] == obj["metadata"]["labels"][MARK] == f"addon-{name}"
    assert all(obj["metadata"]["labels"][MARK] == f"addon-{name}" for obj in objects.values())


def test_every_add_on_is_tested() -> None:
    assert WORKLOADS.keys() == addons.ADDONS


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_programs_of_each_node_run_on_every_node(name: str) -> None:
    for (kind, _), obj in made(name).items():
        if kind == "DaemonSet":
            assert pod(obj)["tolerations"] == [{"operator": "Exists"}]


@pytest.mark.parametrize(
    ("name", "workload", "key", "path"),
    [
        ("coredns", "coredns", "replicaCount", ()),
        ("metrics-server", "metrics-server", "replicas", ()),
        ("aws-ebs-csi-driver", "ebs-csi-controller", "replicaCount", ("controller",)),
    ],
)
def test_our_replicas_tolerations_and_spread_replace_the_add_ons_own(
    name: str, workload: str, key: str, path: tuple[str, ...]
) -> None:
    configuration: dict[str, Any] = {key: 3, "tolerations": TOLERATIONS, "topologySpreadConstraints": SPREAD}
    for step in reversed(path):
        configuration = {step: configuration}
    default, ours = made(name)["Deployment", workload], made(name, configuration)["Deployment", workload]
    assert default["spec"]["replicas"] == 2
    assert TOLERATIONS[0] not in pod(default)["tolerations"]
    assert ours["spec"]["replicas"] == 3
    assert pod(ours)["tolerations"] == TOLERATIONS
    assert pod(ours)["topologySpreadConstraints"] == SPREAD
    assert pod(ours)["affinity"] == pod(default)["affinity"]


def test_pods_find_the_dns_under_the_address_and_labels_that_eks_gives_it() -> None:
    objects = made("coredns")
    service = objects["Service", "kube-dns"]
    assert service["spec"]["clusterIP"] == "172.20.0.10"
    labels = objects["Deployment", "coredns"]["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == {"k8s-app": "kube-dns"}
    assert labels["k8s-app"] == "kube-dns"


def test_a_budget_stands_unless_it_is_switched_off() -> None:
    assert made("coredns")["PodDisruptionBudget", "coredns"]["spec"]["maxUnavailable"] == 1
    said = {"podDisruptionBudget": {"minAvailable": "50%"}}
    assert made("coredns", said)["PodDisruptionBudget", "coredns"]["spec"]["minAvailable"] == "50%"
    assert ("PodDisruptionBudget", "coredns") not in made("coredns", {"podDisruptionBudget": {"enabled": False}})


@pytest.mark.parametrize(
    ("name", "configuration", "path"),
    [
        ("coredns", {"replicaCounts": 2}, r"\$\.replicaCounts: is not defined in the schema"),
        ("coredns", {"replicaCount": "2"}, r"\$\.replicaCount: string found, integer expected"),
        ("metrics-server", {"replicaCount": 2}, r"\$\.replicaCount: is not defined in the schema"),
        ("aws-ebs-csi-driver", {"replicaCount": 2}, r"\$\.replicaCount: is not defined in the schema"),
        ("aws-ebs-csi-driver", {"controller": {"replicas": 2}}, r"\$\.controller\.replicas: is not defined"),
        ("vpc-cni", {"enableNetworkPolicy": True}, r"\$\.enableNetworkPolicy: boolean found, string expected"),
        ("vpc-cni", {"env": {"WARM_TARGET": "1"}}, r"\$\.env\.WARM_TARGET: is not defined"),
        ("kube-proxy", {"tolerations": []}, r"\$\.tolerations: is not defined"),
        ("eks-pod-identity-agent", {"podLabels": {}}, r"\$\.podLabels: is not defined"),
    ],
)
def test_a_configuration_that_the_schema_has_not_is_refused(
    tmp_path: Path, name: str, configuration: dict[str, Any], path: str
) -> None:
    world = World(tmp_path)
    world.make_all()
    inputs = {"clusterName": "hello", "addonName": name, "configurationValues": json.dumps(configuration)}
    if name == "coredns":
        world.delete(world.made["addon"])
    with pytest.raises(AwsError, match=rf"InvalidParameterException.*Json schema validation failed.*{path}"):
        world.make(EXAMPLES["addon"].type, name, inputs)


def test_an_add_on_that_the_stand_in_has_not_is_refused_by_name(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    with pytest.raises(RehearsalError, match=r"no add-on adot[\s\S]*emulators/aws/addons/"):
        world.make(EXAMPLES["addon"].type, "adot", {"clusterName": "hello", "addonName": "adot"})


def test_the_add_ons_of_the_program_are_ones_that_eks_takes() -> None:
    owner = platform_account.Account(
        id="123456789012", region="ap-northeast-2", tags={"owner": "web"}, permissions_boundary_arn=None, protect=False
    )
    for addon in (*platform_cluster.BEFORE_NODES, *after_nodes(owner, None)):
        configuration = json.dumps(dict(addon.configuration)) if addon.configuration else ""
        inputs = {"addonName": addon.name, "configurationValues": configuration}
        addons.check(Resource(layout=Layout(Path()), account=Account([]), account_id="", region="", inputs=inputs))
        assert addons.objects(addon.name, addon.version, configuration)
