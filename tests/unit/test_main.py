"""The whole platform: properties of every resource, and the stack outputs."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import pytest

import config
from config import ENVIRONMENTS
from tests.unit.components.workload.test_blue_green import PAIRS, SERVICES
from tests.unit.program import CHECKOUT, STACKS, made_up, platform, stack_config, stack_of
from tools.program.graph import UNKNOWN, Graph, Secret, every, of_logs

OUTPUTS = {
    "cluster",
    "kubeconfig",
    "nodeGroups",
    "repositories",
    "natAddresses",
    "hosts",
    "records",
    "services",
    "efk",
    "jenkins",
}
NOT_BUILT_YET = {"jenkins"}


def in_clear(value: Any) -> Iterator[str]:
    """Every text in a value that is not inside a secret."""
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield key
            yield from in_clear(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from in_clear(item)
    elif isinstance(value, str):
        yield value


def secrets_of(stack: str) -> list[str]:
    """The made-up value of every secret of a stack."""
    services = config.load(stack_config(stack)).services
    required = config.required_secrets({name: service.secrets for name, service in services.items()})
    return every((made_up(secret) for secret in required), "secret")


def test_every_resource_has_an_explicit_provider_of_its_own_package(graph: Graph) -> None:
    providers = {
        one.urn: one.type.removeprefix("pulumi:providers:") for one in graph.resources.values() if one.is_provider
    }
    assert set(providers.values()) == {"aws", "kubernetes"}
    for one in graph.custom():
        assert one.provider, f"{one.urn} is left to a default provider"
        assert providers[one.provider] == one.type.partition(":")[0], one.urn


def test_only_an_object_that_outlives_its_resource_is_taken_over_where_it_exists(graph: Graph) -> None:
    for one in graph.objects():
        provider = graph.resources[str(one.provider)]
        assert provider.inputs["upsertExistingObjects"] == str(one.retain_on_delete).lower(), one.urn


def test_every_resource_stands_in_a_component_of_ours(graph: Graph) -> None:
    ours = {one.urn for one in graph.components()}
    for one in [*graph.custom(), *graph.of_type("eks:index:Cluster"), *graph.of_type("eks:index:ManagedNodeGroup")]:
        assert one.parent in ours, f"{one.urn} has the parent {one.parent}"


def test_components_have_tokens_of_ours_and_register_their_outputs(graph: Graph) -> None:
    for one in graph.components():
        assert re.fullmatch(r"hello:platform:[A-Z]\w+", one.type)
        assert one.outputs is not None, f"{one.urn} does not end with register_outputs"


def test_what_a_component_registers_it_has_as_attributes_of_the_same_names(graph: Graph) -> None:
    attributes: dict[str, set[str]] = {}
    for path in (CHECKOUT / "components").rglob("*.py"):
        for definition in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(definition, ast.ClassDef) and "pulumi.ComponentResource" in map(
                ast.unparse, definition.bases
            ):
                (token,) = re.findall(r"hello:platform:\w+", ast.unparse(definition))
                annotations = (node for node in definition.body if isinstance(node, ast.AnnAssign))
                attributes[token] = {ast.unparse(node.target) for node in annotations}
    for one in graph.components():
        assert set(one.outputs or {}) <= attributes[one.type], one.type
    assert every(name for one in graph.components() for name in one.outputs or {})


SUBDOMAINS = ("NetworkPolicy", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
"""Kinds whose names may be subdomains."""


def test_object_names_are_unique_in_their_namespace_and_valid(known: Graph) -> None:
    names = Counter((one.kind, one.metadata.get("namespace"), one.metadata["name"]) for one in known.objects())
    for (kind, namespace, name), times in names.items():
        assert times == 1, f"{times} {kind} {name} in {namespace}"
        dot = r"\." if kind in SUBDOMAINS else ""
        assert re.fullmatch(rf"[a-z0-9]([a-z0-9{dot}-]{{0,61}}[a-z0-9])?", name)


def test_every_object_is_named_by_us(graph: Graph) -> None:
    """An auto-named object would change its name with every replacement, and nobody could be told it before."""
    for one in graph.objects():
        assert one.metadata["name"] != UNKNOWN


def test_a_secret_is_nowhere_in_clear(graph: Graph) -> None:
    texts = every(text for one in graph.resources.values() for text in in_clear({**one.inputs, **(one.outputs or {})}))
    texts += in_clear(graph.outputs)
    texts += graph.resources
    for value in secrets_of(stack_of(graph)):
        assert not any(value in text for text in texts)


def test_every_secret_reaches_its_service_and_no_other(graph: Graph) -> None:
    stack = stack_of(graph)
    given: set[str] = set()
    for one in graph.of_kind("Secret"):
        if of_logs(one):
            continue
        assert isinstance(one.inputs["stringData"], Secret)
        environment, service = one.parent.rpartition("::")[2].split("-")
        for name, value in one.inputs["stringData"].value.items():
            text = str(value.value if isinstance(value, Secret) else value)
            assert text == f"made-up-{environment}-{service}-{name}"
            given.add(text)
    assert given == {value for value in secrets_of(stack) if not value.startswith("made-up-platform-")}


def test_the_stack_has_the_documented_outputs(graph: Graph) -> None:
    assert set(graph.outputs) == OUTPUTS - NOT_BUILT_YET  # the SDK leaves a null output out


def test_the_page_on_outputs_has_every_output() -> None:
    _, table = (CHECKOUT / "docs" / "outputs.md").read_text(encoding="utf-8").split("| output | value |\n", 1)
    rows = table.split("\n\n", 1)[0].splitlines()[1:]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])} == OUTPUTS


def test_each_nat_gateway_has_its_address_told(known: Graph) -> None:
    assert len(known.outputs["natAddresses"]) == len(known.of_type("aws:ec2/natGateway:NatGateway"))


def test_the_kubeconfig_is_a_secret_output(known: Graph) -> None:
    assert isinstance(known.outputs["kubeconfig"], Secret)
    assert "current-context" in known.outputs["kubeconfig"].value


def test_outputs_say_where_everything_is(known: Graph) -> None:
    assert known.outputs["cluster"] == {
        "name": f"hello-{stack_of(known)}",
        "endpoint": f"https://hello-{stack_of(known)}.gr7.ap-northeast-2.eks.amazonaws.com",
        "region": "ap-northeast-2",
    }
    assert set(known.outputs["repositories"]) == set(SERVICES)
    assert set(known.outputs["hosts"]) == {*ENVIRONMENTS, "logs"}
    hosts = {rule["host"] for one in known.of_kind("Ingress") for rule in one.spec["rules"]}
    assert set(known.outputs["hosts"].values()) == hosts


def test_node_groups_are_told_with_label_taint_and_zones(known: Graph) -> None:
    zones = {one.inputs["availabilityZone"] for one in known.of_type("aws:ec2/subnet:Subnet")}
    names = {one.inputs["nodeGroupName"] for one in known.of_type("eks:index:ManagedNodeGroup")}
    groups = known.outputs["nodeGroups"]
    assert set(groups) == set(ENVIRONMENTS)
    assert {name for group in groups.values() for name in group["names"]} == names
    for environment, group in groups.items():
        assert group["label"] == f"environment={environment}"
        assert set(group["zones"]) == zones
    assert groups["dev"]["taint"] is None
    assert groups["prod"]["taint"] == "environment=prod:NoSchedule"


@pytest.mark.parametrize(("environment", "service"), PAIRS)
def test_the_contract_names_objects_that_there_are(known: Graph, environment: str, service: str) -> None:
    contract = known.outputs["services"][environment][service]
    there = {(one.kind, one.metadata.get("namespace"), one.metadata["name"]) for one in known.objects()}
    namespace = contract["namespace"]
    assert namespace == environment
    for kind, name in [
        ("PodTemplate", contract["podTemplate"]),
        ("HorizontalPodAutoscaler", contract["autoscaler"]),
        ("Service", contract["activeService"]),
        ("Service", contract["previewService"]),
        *(("Deployment", name) for name in contract["deployments"].values()),
    ]:
        assert (kind, namespace, name) in there
    assert set(contract["deployments"]) == set(contract["slots"]) == {"blue", "green"}
    active = next(
        one
        for one in known.of_kind("Service")
        if (one.metadata["namespace"], one.metadata["name"]) == (namespace, contract["activeService"])
    )
    assert contract["selectorKey"] in active.spec["selector"]


def test_no_output_pretends_to_know_the_live_slot(known: Graph) -> None:
    contracts = every(one for services in known.outputs["services"].values() for one in services.values())
    for contract in contracts:
        lone = {key for key, value in contract.items() if value in ("blue", "green")}
        assert not lone
    assert not any("live" in key.lower() for key in known.outputs)


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_registers_what_an_update_does(stack: str) -> None:
    assert set(platform(stack, preview=True).resources) == set(platform(stack, preview=False).resources)


def test_both_stacks_are_one_platform() -> None:
    """They differ in size and zones only: what is tried on dev is what prod gets."""
    counts = {stack: Counter(one.type for one in platform(stack, preview=False).resources.values()) for stack in STACKS}
    # Elasticsearch's operator reads nodes for their zones.
    rights = {f"kubernetes:rbac.authorization.k8s.io/v1:{kind}" for kind in ("ClusterRole", "ClusterRoleBinding")}
    assert set(counts["dev"]) | rights == set(counts["prod"]) | rights
    zonal = {token for token in counts["dev"] if counts["dev"][token] != counts["prod"][token]}
    assert zonal <= {
        *rights,
        "eks:index:ManagedNodeGroup",
        *(
            f"aws:ec2/{kind[0].lower()}{kind[1:]}:{kind}"
            for kind in ("Subnet", "RouteTable", "Route", "RouteTableAssociation", "NatGateway", "Eip")
        ),
    }
