"""Nothing is public that is not listed."""

from __future__ import annotations

import pytest

import settings
from tests.unit.graph import Graph
from tests.unit.program import stack_config, stack_of


@pytest.fixture
def config(known: Graph) -> settings.Settings:
    return settings.load(stack_config(stack_of(known)))


def test_only_services_with_a_path_have_a_port_on_nodes_and_none_has_a_load_balancer_of_its_own(
    known: Graph, config: settings.Settings
) -> None:
    public = {name for name, service in config.services.items() if service.paths}
    for one in known.of_kind("Service"):
        assert one.spec["type"] == ("NodePort" if one.metadata["name"] in public else "ClusterIP"), one.urn
        assert not {"externalIPs", "loadBalancerIP", "externalName"} & set(one.spec), one.urn


def test_only_the_hosts_and_paths_of_the_settings_lead_to_services(known: Graph, config: settings.Settings) -> None:
    for environment in settings.ENVIRONMENTS:
        (ingress,) = [one for one in known.of_kind("Ingress") if one.metadata["namespace"] == environment]
        (rule,) = ingress.spec["rules"]
        assert rule["host"] == config.host(environment)
        routes = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
        assert routes == config.public_paths
        assert "defaultBackend" not in ingress.spec
    hosts = {rule["host"] for one in known.of_kind("Ingress") for rule in one.spec["rules"]}
    assert hosts == set(config.hosts.values())


def test_the_kubernetes_api_is_public_for_listed_ranges_only(known: Graph, config: settings.Settings) -> None:
    (cluster,) = known.of_type("eks:index:Cluster")
    listed = config.cluster.public_access_cidrs
    assert cluster.inputs["endpointPublicAccess"] == bool(listed)
    assert cluster.inputs.get("publicAccessCidrs", []) == listed
