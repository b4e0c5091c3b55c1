"""Allowed traffic in both stacks: the table in the docs, and the documented properties."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import replace

import pytest

import config
from components.kubernetes.network_policy import Addresses, default_deny, service_policy
from contract.identities import RELEASE_TOOL_LABELS
from tests.unit.arguments import manifest
from tests.unit.network_policies import table
from tests.unit.network_policies.places import KUBE_SYSTEM, OTHER, Place, Reach, reach_of
from tests.unit.network_policies.semantics import Endpoint, Namespace, Policy, Port, reaches
from tests.unit.program import STACKS, platform, stack_config
from tools.program.graph import every

DNS = {"DNS:53", "DNS:53/UDP"}


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def reach(stack: str) -> Reach:
    return reach_of(stack)


@pytest.fixture
def settings(stack: str) -> config.Settings:
    return config.load(stack_config(stack))


def elsewhere(reach: Reach, environment: str, service: str) -> set[str]:
    """The places besides services that a service reaches."""
    pods = reach.services[environment, service]
    return {name for name, place in reach.places.items() if reach.between(pods, place)}


def test_the_table_in_the_repository_is_current() -> None:
    assert table.written() == table.render(), f"make it anew: {table.COMMAND}"


def test_a_service_is_reached_by_those_that_name_it_in_its_own_environment_and_by_no_other(
    reach: Reach, settings: config.Settings
) -> None:
    for (environment, service), (other, target) in itertools.product(reach.services, repeat=2):
        wanted = environment == other and target in settings.services[service].egress.services
        source = reach.services[environment, service]
        assert reach.between(source, reach.service(other, target)) == wanted, f"{environment} {service} → {target}"
        assert not reach.between(source, reach.service(other, target, OTHER))


def test_no_service_of_one_environment_reaches_one_of_the_other(reach: Reach) -> None:
    pairs = every(pair for pair in itertools.product(reach.services, repeat=2) if pair[0][0] != pair[1][0])
    for source, (environment, service) in pairs:
        assert not reach.between(reach.services[source], reach.service(environment, service))


def test_only_services_with_a_path_are_reached_from_nodes_and_on_their_port_only(
    reach: Reach, settings: config.Settings
) -> None:
    for name in ("a node", "any other pod"):
        for environment, service in reach.services:
            source, public = reach.sources[name], bool(settings.services[service].paths)
            assert reach.between(source, reach.service(environment, service)) == public
            assert not reach.between(source, reach.service(environment, service, OTHER))


def test_neither_tools_nor_the_internet_nor_a_load_balancer_reaches_a_service_by_itself(reach: Reach) -> None:
    for name in ("a pod in logging", "any other pod in delivery", "internet", "load balancer"):
        for environment, service in reach.services:
            assert not reach.between(reach.sources[name], reach.service(environment, service)), name


def test_a_service_reaches_what_its_settings_name_and_dns_and_nothing_else(
    reach: Reach, settings: config.Settings
) -> None:
    for environment, service in reach.services:
        egress = settings.services[service].egress
        named = {f"{network.cidr}:{port}" for network in egress.networks for port in network.ports}
        internet = {"internet:443"} if egress.https else set[str]()
        wanted = DNS | named | internet
        assert elsewhere(reach, environment, service) == wanted, f"{environment} {service}"


def test_no_service_reaches_the_machines_metadata_or_credentials_or_the_kubernetes_api(reach: Reach) -> None:
    refused = [name for name in reach.places if name.startswith(("machine's", "Pod Identity", "Kubernetes API"))]
    assert len(refused) == 5
    for environment, service in reach.services:
        assert not elsewhere(reach, environment, service) & set(refused)


def test_no_service_reaches_the_tools_or_a_node(reach: Reach) -> None:
    for environment, service in reach.services:
        assert not elsewhere(reach, environment, service) & {
            "logging:9200",
            "delivery:8080",
            "a node:22",
            "a node's kubelet:10250",
        }


def test_tools_reach_dns_only_until_their_own_policies_come(reach: Reach) -> None:
    for tool in ("a pod in logging", "any other pod in delivery"):
        source = reach.sources[tool]
        assert {name for name, place in reach.places.items() if reach.between(source, place)} == DNS


def test_the_release_tool_reaches_every_service_the_kubernetes_api_and_ecr_and_nothing_else(reach: Reach) -> None:
    tool = reach.sources["the release tool in delivery"]
    for environment, service in reach.services:
        assert reach.between(tool, reach.service(environment, service)), f"{environment} {service}"
        assert not reach.between(tool, reach.service(environment, service, OTHER))
    api = {"Kubernetes API:443", "Kubernetes API's Service:443"}
    found = {name for name, place in reach.places.items() if reach.between(tool, place)}
    assert found == DNS | api | {"internet:443", "Pod Identity:80"}


def test_a_persons_smoke_test_through_the_api_server_reaches_every_service_and_nothing_else_of_it(reach: Reach) -> None:
    """From outside the cluster the release tool asks by the API server's proxy: `release/http.py`."""
    person = reach.sources["a person, through the API server"]
    for environment, service in reach.services:
        assert reach.between(person, reach.service(environment, service)), f"{environment} {service}"
        assert not reach.between(person, reach.service(environment, service, OTHER))


def test_what_the_api_server_itself_calls_lets_it_in(reach: Reach) -> None:
    """Webhooks of the load balancer controller, whose answer each Ingress and its class need, and metrics.

    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/helm/aws-load-balancer-controller/values.yaml
    https://docs.aws.amazon.com/eks/latest/userguide/metrics-server.html
    """
    api = reach.sources["a person, through the API server"]
    for name, port in {"aws-load-balancer-controller": 9443, "metrics-server": 10251}.items():
        pod = replace(reach.sources["any other pod"], namespace=KUBE_SYSTEM, labels={"app.kubernetes.io/name": name})
        assert reach.between(api, Place(name=name, ends=[pod], port=Port(port)))


def test_no_pod_and_no_node_has_an_address_of_the_control_plane(reach: Reach) -> None:
    api = [ipaddress.IPv4Network(cidr) for cidr in reach.sources["a person, through the API server"].addresses]
    others = [one for sources in reach.services.values() for one in sources]
    others += [
        reach.sources[name] for name in ("any other pod", "a node", "load balancer", "the release tool in delivery")
    ]
    for one in others:
        for cidr in one.addresses:
            assert not any(ipaddress.IPv4Network(cidr).overlaps(its) for its in api), one.name


def test_a_pod_like_the_release_tool_in_another_namespace_reaches_no_service_without_a_path(
    reach: Reach, settings: config.Settings
) -> None:
    elsewhere = replace(reach.sources["any other pod"], labels=RELEASE_TOOL_LABELS)
    for environment, service in reach.services:
        public = bool(settings.services[service].paths)
        assert reach.between(elsewhere, reach.service(environment, service)) == public


def test_a_preview_is_reached_as_the_service_is(reach: Reach, stack: str) -> None:
    """Whatever slot it selects: every slot's pods are those that were asked about."""
    previews = [one for one in platform(stack, preview=False).of_kind("Service") if "-preview" in one.metadata["name"]]
    for one in previews:
        service = one.metadata["name"].removesuffix("-preview")
        pods = reach.services[one.metadata["namespace"], service]
        selected = [pod for pod in pods if one.spec["selector"].items() <= pod.labels.items()]
        assert [pod.labels["slot"] for pod in selected] == [one.spec["selector"]["slot"]]
        assert {port["targetPort"] for port in one.spec["ports"]} == set(pods[0].ports)


def test_a_pod_that_still_listens_on_an_old_port_is_reached_on_it(reach: Reach) -> None:
    """After a change of `port`, until a release: by name from callers, by a policy of the old number from addresses."""
    gateway = reach.service("dev", "gateway")
    old = replace(gateway, ends=[replace(pod, ports={"http": 7000}) for pod in gateway.ends], port=Port(7000))
    assert reach.between(reach.sources["the release tool in delivery"], old)
    assert not reach.between(reach.sources["a node"], old)
    (numbered,) = [
        one
        for one in reach.policies
        if one.namespace == "dev"
        and "'port': 8099" in str(one.spec)
        and gateway.ends[0].labels.items() >= one.spec["podSelector"]["matchLabels"].items()
    ]
    kept = Policy("dev", {**numbered.spec, "ingress": [{**numbered.spec["ingress"][0], "ports": [{"port": 7000}]}]})
    assert replace(reach, policies=[*reach.policies, kept]).between(reach.sources["a node"], old)


def test_the_ranges_of_nodes_admit_no_service_that_is_not_named(reach: Reach) -> None:
    """They hold every pod's address, of the other environment too; what keeps it out is its own egress."""
    others_only = reach.without_node_addresses()
    for source, (environment, service) in itertools.product(reach.services.values(), reach.services):
        place = reach.service(environment, service)
        assert reach.between(source, place) == others_only.between(source, place)


NODES, CONTROL_PLANE = ["10.20.0.0/18"], ["10.20.240.0/28", "10.20.240.16/28"]


def reached(place: Place, **keys: object) -> bool:
    """Whether a service whose settings have these keys reaches a place."""
    spec = config.Service.model_validate({"port": 8099, "healthPath": "/health", **keys})
    addresses = Addresses(vpc="10.20.0.0/16", nodes=NODES, control_plane=CONTROL_PLANE)
    policies = [default_deny(), service_policy("api", spec, callers=[], addresses=addresses)]
    pod = Endpoint(
        name="api",
        addresses=NODES,
        namespace=Namespace(name="dev"),
        labels={"app.kubernetes.io/name": "api"},
    )
    return all(reaches([Policy("dev", manifest(one)) for one in policies], pod, end, place.port) for end in place.ends)


def place(cidr: str, port: int) -> Place:
    return Place(name=cidr, ends=[Endpoint(name=cidr, addresses=[cidr])], port=Port(port))


API = [
    place("10.20.240.0/28", 443),
    place("10.20.240.20/32", 443),
    place("172.20.0.1/32", 443),
    place("10.100.0.1/32", 443),
]
METADATA = [place(f"169.254.{address}/32", port) for address in ("169.254", "170.23") for port in (80, 443)]


@pytest.mark.parametrize("api", API, ids=lambda api: api.name)
def test_who_asks_for_the_kubernetes_api_reaches_it_and_who_asks_for_https_does_not(api: Place) -> None:
    assert reached(api, kubernetesApi=True)
    assert not reached(api, egress={"https": True})
    assert not reached(api)


def test_who_asks_for_the_kubernetes_api_does_not_reach_a_neighbour_of_it() -> None:
    assert not reached(place("10.20.0.7/32", 443), kubernetesApi=True)


@pytest.mark.parametrize("metadata", METADATA, ids=lambda one: f"{one.name}:{one.port.number}")
def test_no_setting_opens_the_machines_metadata(metadata: Place) -> None:
    everything = {"https": True, "networks": [{"cidr": "198.51.100.0/28", "ports": [80, 443]}]}
    assert not reached(metadata, kubernetesApi=True, egress=everything, paths=["/"])
