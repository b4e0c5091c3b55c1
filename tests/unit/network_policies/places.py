"""Sources and destinations of traffic in a stack, from the registered resources."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import config
from contract.blue_green import SLOTS
from contract.identities import RELEASE_TOOL_LABELS
from tests.unit.manifests import without_secrets
from tests.unit.network_policies.semantics import Endpoint, Namespace, Policy, Port, reaches
from tests.unit.program import platform, stack_config
from tools.program.graph import Graph, every

HTTPS = Port(443)
OTHER = Port(8443)
"""A port that no setting names."""

KUBE_SYSTEM = Namespace(name="kube-system")
OPEN_NAMESPACE = Namespace(name="default")
"""A namespace without policies, as any that is not made by the program."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a connection may go.

    Attributes:
        name: What a reader calls it, with the port.
        ends: Each is asked; all must answer alike.
        port: Of the connection.
    """

    name: str
    ends: Sequence[Endpoint]
    port: Port


@dataclass(frozen=True, kw_only=True)
class Reach:
    """A stack's policies, and all that they are asked about.

    Attributes:
        policies: Every NetworkPolicy.
        services: The pods of each service, by environment and service: one for each slot.
        sources: Everybody else who may want to reach somebody, by name.
        service_ports: The port of each service, and one that is none of its.
        places: Everywhere else, by name.
    """

    policies: Sequence[Policy]
    services: Mapping[tuple[str, str], Sequence[Endpoint]]
    sources: Mapping[str, Endpoint]
    service_ports: Mapping[str, Port]
    places: Mapping[str, Place]

    def between(self, source: Endpoint | Sequence[Endpoint], place: Place) -> bool:
        """Whether a source reaches a place.

        Raises:
            AssertionError: It depends on the slot.
        """
        sources = [source] if isinstance(source, Endpoint) else source
        (answer,) = {
            reaches(self.policies, one, end, place.port) for one, end in itertools.product(sources, place.ends)
        }
        return answer

    def service(self, environment: str, service: str, port: Port | None = None) -> Place:
        """A service as a place: its own port, or another one."""
        port = port or self.service_ports[service]
        return Place(name=f"{environment} {service}:{port.number}", ends=self.services[environment, service], port=port)

    @property
    def everybody(self) -> dict[str, Sequence[Endpoint]]:
        """All sources by name, services first."""
        services = {f"{environment} {service}": pods for (environment, service), pods in self.services.items()}
        return {**services, **{name: [one] for name, one in self.sources.items()}}

    def without_node_addresses(self) -> Reach:
        """The same, had nobody been admitted by the address of a node."""
        nodes = self.sources["a node"].addresses
        return replace(self, policies=[Policy(one.namespace, _without(one.spec, nodes)) for one in self.policies])


@cache
def reach_of(stack: str) -> Reach:
    """A stack's policies as `pulumi up` would write them, and all that they are asked about."""
    graph = platform(stack, preview=False)
    settings = config.load(stack_config(stack))
    nodes, balancers, api = subnets(graph, "internal-elb"), subnets(graph, "elb"), control_plane(graph)
    made = namespaces(graph)
    templates = {(one.metadata["namespace"], one.metadata["name"]): one for one in graph.of_kind("PodTemplate")}
    services = {
        (environment, service): [
            Endpoint(
                name=f"{environment} {service} {slot}",
                addresses=nodes,
                namespace=made[environment],
                labels={**template.inputs["template"]["metadata"]["labels"], "slot": slot},
                ports={"http": settings.services[service].port},
            )
            for slot in SLOTS
        ]
        for environment, service in itertools.product(config.ENVIRONMENTS, settings.services)
        for template in [templates[environment, service]]
    }
    dns = Endpoint(name="DNS", addresses=nodes, namespace=KUBE_SYSTEM, labels={"k8s-app": "kube-dns"})
    tooling = Endpoint(name="tooling", addresses=nodes, namespace=made["logging"], labels={"app": "tool"})
    delivery = Endpoint(name="delivery", addresses=nodes, namespace=made["delivery"], labels={"app": "tool"})
    tool = replace(delivery, name="the release tool", labels=RELEASE_TOOL_LABELS)
    others = Endpoint(name="any other pod", addresses=nodes, namespace=OPEN_NAMESPACE, labels={"app": "any"})
    places = [
        Place(name="DNS:53/UDP", ends=[dns], port=Port(53, "UDP")),
        Place(name="DNS:53", ends=[dns], port=Port(53)),
        Place(name="kube-system, not DNS:53", ends=[replace(dns, labels={"k8s-app": "other"})], port=Port(53)),
        Place(name="internet:443", ends=[_outside("192.0.2.0/24")], port=HTTPS),
        Place(name="internet:80", ends=[_outside("192.0.2.0/24")], port=Port(80)),
        *_networks(settings),
        Place(name="Kubernetes API:443", ends=[_outside(cidr) for cidr in api], port=HTTPS),
        Place(name="Kubernetes API's Service:443", ends=[_outside("10.100.0.1/32", "172.20.0.1/32")], port=HTTPS),
        Place(name="a node:22", ends=[_outside(*nodes)], port=Port(22)),
        Place(name="a node's kubelet:10250", ends=[_outside(*nodes)], port=Port(10250)),
        Place(name="machine's metadata:80", ends=[_outside("169.254.169.254/32")], port=Port(80)),
        Place(name="machine's metadata:443", ends=[_outside("169.254.169.254/32")], port=HTTPS),
        Place(name="Pod Identity:80", ends=[_outside("169.254.170.23/32")], port=Port(80)),
        Place(name="logging:9200", ends=[tooling], port=Port(9200)),
        Place(name="delivery:8080", ends=[delivery, tool], port=Port(8080)),
        Place(name="any other pod:443", ends=[others], port=HTTPS),
    ]
    return Reach(
        policies=policies(graph),
        services=services,
        sources={
            "a pod in logging": tooling,
            "the release tool in delivery": tool,
            "any other pod in delivery": delivery,
            "any other pod": others,
            "a node": Endpoint(name="a node", addresses=nodes),
            "a person, through the API server": Endpoint(name="API server", addresses=api),
            "load balancer": Endpoint(name="load balancer", addresses=balancers),
            "internet": _outside("192.0.2.0/24"),
        },
        service_ports={name: Port(spec.port) for name, spec in settings.services.items()},
        places={place.name: place for place in places},
    )


def namespaces(graph: Graph) -> dict[str, Namespace]:
    """A stack's namespaces by name."""
    return {
        one.metadata["name"]: Namespace(name=one.metadata["name"], labels=one.metadata["labels"])
        for one in graph.of_kind("Namespace")
    }


def policies(graph: Graph) -> list[Policy]:
    """Every NetworkPolicy of a stack."""
    return [Policy(one.metadata["namespace"], without_secrets(one.spec)) for one in graph.of_kind("NetworkPolicy")]


def subnets(graph: Graph, role: str) -> list[str]:
    """The ranges of a stack's subnets of a role: `internal-elb` of nodes and pods, `elb` of load balancers."""
    made = [one for one in graph.of_type("aws:ec2/subnet:Subnet") if f"kubernetes.io/role/{role}" in one.inputs["tags"]]
    return every((str(one.inputs["cidrBlock"]) for one in made), role)


def control_plane(graph: Graph) -> list[str]:
    """The ranges of the subnets that the cluster is given: EKS makes its API servers' network interfaces there.

    What comes through the API server's proxies has an address of one of them, and is no pod.
    https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets
    https://github.com/aws/aws-network-policy-agent/issues/281
    """
    (cluster,) = graph.of_type("eks:index:Cluster")
    made = {one.id: str(one.inputs["cidrBlock"]) for one in graph.of_type("aws:ec2/subnet:Subnet")}
    return every((made[subnet] for subnet in cluster.inputs["subnetIds"]), "subnet of the cluster")


def _outside(*cidrs: str) -> Endpoint:
    return Endpoint(name=", ".join(cidrs), addresses=cidrs)


def _networks(settings: config.Settings) -> list[Place]:
    """Each configured network on its ports, and on one that is none of them."""
    networks = {network.cidr: network for one in settings.services.values() for network in one.egress.networks}
    return [
        Place(name=f"{cidr}:{port.number}", ends=[_outside(cidr)], port=port)
        for cidr, network in networks.items()
        for port in [*(Port(number) for number in network.ports), OTHER]
    ]


def _without(spec: Mapping[str, Any], cidrs: Sequence[str]) -> dict[str, Any]:
    rules = [
        {**rule, "from": left}
        for rule in spec.get("ingress", [])
        if (left := [peer for peer in rule["from"] if peer.get("ipBlock", {}).get("cidr") not in cidrs])
    ]
    return {**spec, "ingress": rules}
