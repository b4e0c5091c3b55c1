"""The charts, rendered by real Helm with the platform's values: what the program says of them holds for what they make.

The real charts where a Go module has them, ours for the two others.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import yaml

from components.delivery.jenkins import agents
from config import PROJECT, load
from config.charts import ALWAYS, CHARTS
from contract.blue_green import SLOTS
from rehearsal.charts import OURS, OWN
from rehearsal.toolchain import Toolchain
from tests.rehearsal.rendering import Helm, helm
from tests.unit.components.delivery import jenkins
from tests.unit.manifests import manifests, without_secrets
from tests.unit.network_policies.semantics import matches
from tests.unit.program import configured, stack_config
from tools.program.graph import Graph, every

Object = dict[str, Any]
Keys = tuple[str, ...]

NAMES = [chart.name for chart in CHARTS]

FREE = frozenset(
    {
        "affinity",
        "containerSecurityContext",
        "extraArgs",
        "podSecurityContext",
        "podSecurityContextOverride",
        "resources",
        "securityContext",
    }
)
"""Values with whatever keys they have: Kubernetes' own objects, and a program's flags."""


@dataclass(frozen=True)
class Release:
    """A chart with the platform's values.

    Attributes:
        chart: The chart's folder.
        name: The release's name.
        namespace: Its namespace.
        values: What the program says.
    """

    chart: Path
    name: str
    namespace: str
    values: dict[str, Any]

    def rendered(self, by: Helm, values: Mapping[str, Any] | None = None) -> list[Object]:
        """The objects, of other values where they are given."""
        given = self.values if values is None else values
        return by.render(self.chart, namespace=self.namespace, name=self.name, values=given)


@pytest.fixture(scope="module")
def real_helm(tools: Toolchain) -> Iterator[Helm]:
    """The provider's Helm."""
    with helm(tools.kubernetes_provider) as found:
        yield found


@cache
def graph_of(stack: str) -> Graph:
    """A stack with Jenkins."""
    config = {**stack_config(stack), f"{PROJECT}:delivery": json.dumps(jenkins.DELIVERY)}
    return configured(config, stack=stack)


@pytest.fixture(params=["dev", "prod"])
def graph(request: pytest.FixtureRequest) -> Graph:
    """Each stack."""
    return graph_of(request.param)


def releases(graph: Graph, tools: Toolchain) -> dict[str, Release]:
    """Every release of a stack, by its chart's name."""
    folders = {**tools.charts, **{name: OURS / name for name in OWN}}
    return {
        one.inputs["chart"]: Release(
            folders[one.inputs["chart"]],
            one.inputs["name"],
            one.inputs["namespace"],
            without_secrets(one.inputs["values"]),
        )
        for one in graph.of_type("kubernetes:helm.sh/v3:Release")
    }


@pytest.fixture(params=NAMES)
def release(request: pytest.FixtureRequest, tools: Toolchain) -> Release:
    """Each chart as prod has it, which says most."""
    return releases(graph_of("prod"), tools)[request.param]


# Labels


@dataclass(frozen=True)
class Pods:
    """Pods that somebody makes.

    Attributes:
        namespace: Theirs.
        labels: Theirs.
    """

    namespace: str
    labels: Mapping[str, str]


DNS = Pods("kube-system", {"k8s-app": "kube-dns"})
"""https://docs.aws.amazon.com/eks/latest/userguide/managing-coredns.html."""

BY_THE_OPERATOR = {
    # https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/pkg/controller/elasticsearch/label/label.go
    "Elasticsearch": "elasticsearch.k8s.elastic.co/cluster-name",
    # https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/pkg/controller/kibana/label.go
    "Kibana": "kibana.k8s.elastic.co/name",
}
"""The label with an object's name that the ECK operator puts on the object's pods, by the object's kind."""


def pods_of(one: Object) -> list[Pods]:
    """What a workload makes, in both slots where it is a service's template."""
    namespace, inner = one["metadata"].get("namespace", ""), one.get("spec") or one
    if one["kind"] in BY_THE_OPERATOR:
        return [Pods(namespace, {BY_THE_OPERATOR[one["kind"]]: one["metadata"]["name"]})]
    template = inner.get("jobTemplate", {}).get("spec", inner).get("template")
    if template is None:
        return []
    labels = template["metadata"].get("labels", {})
    slots: list[dict[str, str]] = [{"slot": slot} for slot in SLOTS] if one["kind"] == "PodTemplate" else [{}]
    return [Pods(namespace, {**labels, **slot}) for slot in slots]


def agent_pods(graph: Graph) -> list[Pods]:
    """What Jenkins makes of the templates that its chart is given."""
    (text,) = graph.release("jenkins").inputs["values"]["agent"]["podTemplates"].values()
    asked = [json.loads(template["yaml"]) for template in yaml.safe_load(text)]
    return [Pods(agents.DELIVERY, pod["metadata"]["labels"]) for pod in every(asked)]


@dataclass(frozen=True)
class Selection:
    """A label selector, and where it looks for pods.

    Attributes:
        where: The object that has it.
        namespaces: Whether it looks into a namespace, by the namespace's labels.
        selector: It.
    """

    where: str
    namespaces: Callable[[Mapping[str, str]], bool]
    selector: Mapping[str, Any]


def peers(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Whom the rules of a NetworkPolicy let in and out."""
    rules: list[dict[str, Any]] = [*(spec.get("ingress") or []), *(spec.get("egress") or [])]
    return [peer for rule in rules for peer in [*rule.get("from", []), *rule.get("to", [])]]


def selections(one: Object) -> Iterator[Selection]:
    """Every selector of pods that an object has, but for a workload's own."""
    where = f"{one['kind']} {one['metadata'].get('namespace')}/{one['metadata']['name']}"
    spec: dict[str, Any] = one.get("spec") or {}

    def here(namespace: Mapping[str, str]) -> bool:
        return namespace["kubernetes.io/metadata.name"] == one["metadata"]["namespace"]

    match one["kind"]:
        case "Service" if spec.get("selector"):
            yield Selection(where, here, {"matchLabels": spec["selector"]})
        case "PodDisruptionBudget":
            yield Selection(where, here, spec["selector"])
        case "NetworkPolicy":
            yield Selection(where, here, spec["podSelector"])
            for peer in peers(spec):
                if "podSelector" in peer:
                    elsewhere = peer.get("namespaceSelector")
                    namespaces = here if elsewhere is None else _selected_by(elsewhere)
                    yield Selection(where, namespaces, peer["podSelector"])
        case "Deployment" | "StatefulSet":
            constraints: list[dict[str, Any]] = spec["template"]["spec"].get("topologySpreadConstraints", [])
            for constraint in constraints:
                yield Selection(where, here, constraint["labelSelector"])
        case _:
            pass


def _selected_by(selector: Mapping[str, Any]) -> Callable[[Mapping[str, str]], bool]:
    return lambda namespace: matches(selector, namespace)


def test_every_selector_selects_pods_that_somebody_makes(graph: Graph, tools: Toolchain, real_helm: Helm) -> None:
    """A label that no pod has is a policy for nobody: what it was to let through stays closed."""
    objects = manifests(graph)
    for release in every(releases(graph, tools).values()):
        objects += release.rendered(real_helm)
    pods = [*(pod for one in objects for pod in pods_of(one)), *agent_pods(graph), DNS]
    labelled = {
        one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in objects if one["kind"] == "Namespace"
    }
    nobody = [
        f"{one.where}: {one.selector}"
        for one in every(selection for one in objects for selection in selections(one))
        if not any(
            one.namespaces({**labelled.get(pod.namespace, {}), "kubernetes.io/metadata.name": pod.namespace})
            and matches(one.selector, pod.labels)
            for pod in pods
        )
    ]
    assert not nobody


def test_the_operators_right_to_read_nodes_is_its_pods(tools: Toolchain, real_helm: Helm) -> None:
    graph = graph_of("prod")
    release = releases(graph, tools)["eck-operator"]
    (pod,) = (one["spec"]["template"]["spec"] for one in release.rendered(real_helm) if one["kind"] == "StatefulSet")
    (binding,) = (one for one in graph.of_kind("ClusterRoleBinding") if one.name == "elastic-operator-nodes")
    (subject,) = binding.inputs["subjects"]
    assert (subject["namespace"], subject["name"]) == (release.namespace, pod["serviceAccountName"])


@pytest.mark.parametrize("name", ["aws-load-balancer-controller", "cluster-autoscaler"])
def test_a_controllers_role_is_its_pods(name: str, tools: Toolchain, real_helm: Helm) -> None:
    release = releases(graph_of("prod"), tools)[name]
    (pod,) = (one["spec"]["template"]["spec"] for one in release.rendered(real_helm) if one["kind"] == "Deployment")
    associated = {
        (one.inputs["namespace"], one.inputs["serviceAccount"])
        for one in graph_of("prod").of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    }
    assert (release.namespace, pod["serviceAccountName"]) in associated


# Values


def inner(value: Any) -> dict[str, Any] | None:
    """A value that is an object; None for any other."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def leaves(values: Mapping[str, Any], above: Keys = ()) -> Iterator[Keys]:
    """The path of every value that is no object, and of every empty one."""
    for key, value in values.items():
        if below := inner(value):
            yield from leaves(below, (*above, key))
        else:
            yield (*above, key)


def at(values: Mapping[str, Any], path: Keys) -> Any:
    """The value at a path; None where there is none."""
    here: Any = values
    for key in path:
        here = (inner(here) or {}).get(key)
    return here


def objects_in(values: Mapping[str, Any], above: Keys = ()) -> Iterator[Keys]:
    """The path of every object, the outermost too."""
    yield above
    for key, value in values.items():
        if (below := inner(value)) is not None:
            yield from objects_in(below, (*above, key))


def unknown(values: Mapping[str, Any], defaults: Mapping[str, Any], above: Keys = ()) -> Iterator[Keys]:
    """Values that a chart has no default of: it would ignore them, and Helm says nothing.

    Free are Kubernetes' own objects, and those that the chart's defaults leave empty.
    """
    for key, value in values.items():
        path, below = (*above, key), inner(value)
        if key not in defaults:
            yield path
        elif below is not None and key not in FREE and defaults[key]:
            yield from unknown(below, inner(defaults[key]) or {}, path)


def defaults_of(release: Release) -> dict[str, Any]:
    return yaml.safe_load((release.chart / "values.yaml").read_text())


def planted(values: Mapping[str, Any], path: Keys) -> dict[str, Any]:
    """The values with one more in the object at a path."""
    found = deepcopy(dict(values))
    at(found, path)["noSuchValue"] = {"of": "mine"}
    return found


def test_a_chart_knows_every_value_that_it_is_given(release: Release) -> None:
    assert not list(unknown(release.values, defaults_of(release)))


def test_a_value_that_a_chart_does_not_know_is_found_wherever_it_stands(release: Release) -> None:
    defaults = defaults_of(release)
    asked = [
        path
        for path in objects_in(release.values)
        if all(at(defaults, path[: index + 1]) and path[index] not in FREE for index in range(len(path)))
    ]
    for path in every(asked):
        assert list(unknown(planted(release.values, path), defaults)) == [(*path, "noSuchValue")]


@pytest.mark.parametrize("name", OWN)
def test_helm_itself_refuses_what_a_chart_of_ours_does_not_know(name: str, tools: Toolchain, real_helm: Helm) -> None:
    release = releases(graph_of("prod"), tools)[name]
    free = {"configScripts", "podTemplates", *FREE}
    asked = [path for path in objects_in(release.values) if not free.intersection(path)]
    for path in every(asked):
        with pytest.raises(grpc.RpcError, match="noSuchValue"):
            release.rendered(real_helm, planted(release.values, path))


def without(values: Mapping[str, Any], path: Keys) -> dict[str, Any]:
    """The values without the one at a path."""
    found = deepcopy(dict(values))
    del at(found, path[:-1])[path[-1]]
    return found


def comparable(objects: Sequence[Object]) -> str:
    """Objects as text, without what each rendering makes anew: the webhooks' certificate."""
    text = json.dumps(
        [one for one in objects if one["kind"] not in {"Secret", "CustomResourceDefinition"}], sort_keys=True
    )
    for one in objects:
        for hook in one.get("webhooks", []):
            text = text.replace(hook["clientConfig"]["caBundle"], "")
    return text


def test_every_value_changes_something_or_is_the_default(release: Release, real_helm: Helm) -> None:
    """A value that a chart knows but ignores, for its place or its type, is a mistake too.

    But for names that a chart happens to give by itself, and for what it looks up in a cluster.
    """
    allowed = {"fullnameOverride", "name", "keepTLSSecret"}
    defaults, all_said = defaults_of(release), comparable(release.rendered(real_helm))
    idle: list[str] = []
    for path in leaves(release.values):
        if at(release.values, path) == at(defaults, path) or path[-1] in allowed:
            continue
        try:
            same = comparable(release.rendered(real_helm, without(release.values, path))) == all_said
        except grpc.RpcError:
            continue  # it is required
        if same:
            idle.append(".".join(path))
    assert not idle


# Tags


def flag(objects: Sequence[Object], name: str) -> Any:
    """The argument of the one container that begins with a flag."""
    (container,) = (
        container
        for one in objects
        if one["kind"] == "Deployment"
        for container in one["spec"]["template"]["spec"]["containers"]
    )
    (argument,) = (one for one in container["args"] if name in str(one))
    return argument


def tags_in(argument: str) -> dict[str, str]:
    """What the controller makes of the flag's value: CSV, each field split at its first equals sign.

    https://github.com/spf13/pflag/blob/v1.0.10/string_to_string.go
    """
    (pairs,) = csv.reader([argument.removeprefix("--default-tags=")])
    return dict(pair.split("=", 1) for pair in pairs)


@pytest.mark.parametrize(
    "value",
    [
        "a:b",
        "a:",
        ":a",
        "a=b",
        "=",
        "a/b",
        "a+b@c_d-e.f",
        "a b",
        " a",
        "a ",
        "1234",
        "1e5",
        "true",
        "null",
        "플랫폼팀",
        "-",
    ],
)
def test_tags_that_the_settings_take_reach_the_load_balancers(value: str, tools: Toolchain, real_helm: Helm) -> None:
    release = releases(graph_of("dev"), tools)["aws-load-balancer-controller"]
    assert release.values["defaultTags"] == load(stack_config("dev")).tags("dev")
    config = {**stack_config("dev"), f"{PROJECT}:owner": value, f"{PROJECT}:costCenter": value}
    tags = load(config).tags("dev")
    assert value in tags.values()
    objects = release.rendered(real_helm, {**release.values, "defaultTags": tags})
    assert tags_in(flag(objects, "--default-tags")) == tags


def test_a_tag_that_the_settings_refuse_would_not(tools: Toolchain, real_helm: Helm) -> None:
    release = releases(graph_of("dev"), tools)["aws-load-balancer-controller"]
    values = {**release.values, "defaultTags": {"owner": "Team: Platform"}}
    assert not isinstance(flag(release.rendered(real_helm, values), "default-tags"), str)


# Folders


def test_the_real_charts_are_the_pinned_versions(tools: Toolchain) -> None:
    pinned = {chart.name: chart.version for chart in ALWAYS}
    for name, folder in every(tools.charts.items()):
        assert yaml.safe_load((folder / "Chart.yaml").read_text())["version"] == pinned[name]


def test_what_a_chart_ignores_is_not_rendered(tools: Toolchain, real_helm: Helm, tmp_path: Path) -> None:
    """ECK's Go module has the chart's tests in its templates, and the controller's a kustomization among its CRDs."""
    for release in releases(graph_of("dev"), tools).values():
        assert all(one.get("apiVersion") and one["kind"] != "Kustomization" for one in release.rendered(real_helm))
    release = releases(graph_of("dev"), tools)["aws-load-balancer-controller"]
    copy = Path(shutil.copytree(release.chart, tmp_path / release.chart.name))
    (copy / ".helmignore").unlink()
    unheeded = Release(copy, release.name, release.namespace, release.values).rendered(real_helm)
    assert any(one["kind"] == "Kustomization" for one in unheeded)
