"""Nothing is public that is not listed."""

from __future__ import annotations

import json

import pytest

import config
from components.delivery.jenkins.names import HOOK_PATH
from tests.unit.components.delivery.jenkins import HOOK, with_hook, with_jenkins
from tests.unit.components.delivery.jenkins import configuration as delivery_config
from tests.unit.program import stack_config, stack_of
from tools.program.graph import Graph


@pytest.fixture
def settings(known: Graph) -> config.Settings:
    return config.load(stack_config(stack_of(known)))


def test_only_services_with_a_path_have_a_port_on_nodes_and_none_has_a_load_balancer_of_its_own(
    known: Graph, settings: config.Settings
) -> None:
    public = {name for name, service in settings.services.items() if service.paths}
    for one in known.of_kind("Service"):
        assert one.spec["type"] == ("NodePort" if one.metadata["name"] in public else "ClusterIP"), one.urn
        assert not {"externalIPs", "loadBalancerIP", "externalName"} & set(one.spec), one.urn


def test_only_the_hosts_and_paths_of_the_settings_lead_to_services(known: Graph, settings: config.Settings) -> None:
    for environment in config.ENVIRONMENTS:
        (ingress,) = [one for one in known.of_kind("Ingress") if one.metadata["namespace"] == environment]
        (rule,) = ingress.spec["rules"]
        assert rule["host"] == settings.host(environment)
        routes = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
        assert routes == settings.public_paths
        assert "defaultBackend" not in ingress.spec
    hosts = {rule["host"] for one in known.of_kind("Ingress") for rule in one.spec["rules"]}
    assert hosts == set(settings.hosts.values())


def test_nothing_but_prod_is_on_the_public_class_where_no_setting_asks_for_more(known: Graph) -> None:
    for graph in (known, with_jenkins()):
        assert on_the_public_class(graph) == {"prod"}


def test_where_a_setting_asks_one_path_of_jenkins_is_public_too_for_listed_ranges() -> None:
    graph, hosts = with_hook(), config.load(delivery_config(hook=HOOK)).hosts
    assert on_the_public_class(graph) == {"prod", "jenkins"}
    listed: list[str] = []
    for one in graph.of_kind("Ingress"):
        if (one.spec["ingressClassName"], one.metadata["namespace"]) != ("public", "jenkins"):
            continue
        (rule,) = one.spec["rules"]
        assert rule["host"] == hosts["hook"] == "hook.dev.hello.example.com"
        (path,) = rule["http"]["paths"]
        assert (path["path"], path["pathType"]) == (HOOK_PATH, "Exact")
        (condition,) = json.loads(one.metadata["annotations"]["alb.ingress.kubernetes.io/conditions.jenkins"])
        assert path["backend"]["service"]["name"] == "jenkins", "the condition is on this Service"
        assert condition["field"] == "source-ip"
        listed += condition["sourceIpConfig"]["values"]
    assert listed == HOOK["cidrs"]


def on_the_public_class(graph: Graph) -> set[str]:
    """Namespaces of its Ingresses; it takes those of no other."""
    (spec,) = (one.spec for one in graph.of_kind("IngressClassParams") if one.metadata["name"] == "public")
    (expression,) = spec["namespaceSelector"]["matchExpressions"]
    used = {one.metadata["namespace"] for one in graph.of_kind("Ingress") if one.spec["ingressClassName"] == "public"}
    assert set(expression["values"]) == used
    return used


def test_the_kubernetes_api_is_public_for_listed_ranges_only(known: Graph, settings: config.Settings) -> None:
    (cluster,) = known.of_type("eks:index:Cluster")
    listed = settings.cluster.public_access_cidrs
    assert cluster.inputs["endpointPublicAccess"] == bool(listed)
    assert cluster.inputs.get("publicAccessCidrs", []) == listed
