"""The page of releases: one pod behind the staff load balancer, which reads, and no Secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

import config
from components.delivery.release_tool import PORT, READY
from components.delivery.releases_page import LABELS, ROLE
from config import capacity
from contract.identities import PAGE, RELEASE_TOOL_LABELS
from contract.namespaces import DELIVERY
from tests.unit.components.delivery.jenkins import DELIVERY as SETTINGS
from tests.unit.components.delivery.jenkins import configuration, with_jenkins
from tests.unit.program import configured, platform, stack_config
from tools.program.graph import Graph, Registration

IMAGE = "registry.example.com/hello/agent@sha256:" + 64 * "b"


def one(graph: Graph, kind: str, namespace: str = DELIVERY) -> Registration:
    (found,) = (
        it for it in graph.of_kind(kind) if (it.metadata["name"], it.metadata["namespace"]) == (PAGE, namespace)
    )
    return found


def pod(graph: Graph) -> dict[str, Any]:
    return one(graph, "Deployment").spec["template"]["spec"]


def with_page(**changes: Any) -> Graph:
    """The dev stack without Jenkins."""
    return configured({**stack_config("dev"), f"{config.PROJECT}:releasesPage": json.dumps(changes)})


def test_it_is_one_pod_of_the_agents_image_that_serves_the_page() -> None:
    (container,) = pod(with_jenkins())["containers"]
    assert one(with_jenkins(), "Deployment").spec["replicas"] == 1
    assert container["image"].endswith(f"/agent@{SETTINGS['agentDigest']}")
    assert container["command"] == ["python3", "-m", "release", "page", "--address=0.0.0.0", f"--port={PORT}"]


def test_it_is_where_it_has_an_image_and_is_not_turned_off() -> None:
    assert not any(PAGE in urn for urn in platform("dev", preview=False).resources), "no Jenkins, no image"
    (container,) = pod(with_page(image=IMAGE))["containers"]
    assert container["image"] == IMAGE
    assert not any(PAGE in urn for urn in with_page(image=IMAGE, enabled=False).resources)
    waiting = configured(configuration(agentDigest="sha256:" + 64 * "0"), preview=False)
    assert one(waiting, "Deployment").spec["replicas"] == 0


def test_its_pod_is_confined_and_probed_and_counted() -> None:
    spec = pod(with_jenkins())
    (container,) = spec["containers"]
    assert spec["serviceAccountName"] == PAGE
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"readinessProbe", "livenessProbe"} <= set(container)
    assert "env" not in container, "nothing is given to it that it could show"
    assert "volumes" not in spec
    (counted,) = (pods for pods in capacity.tooling(config.Logs()) if pods.name == "page of releases")
    requests = container["resources"]["requests"]
    assert (counted.one.cpu_millis, counted.one.memory) == (50, 256 * 2**20)
    assert (requests["cpu"], requests["memory"]) == ("50m", "256Mi")


@pytest.mark.parametrize("environment", config.ENVIRONMENTS)
def test_it_reads_and_no_secret(environment: str) -> None:
    graph = with_jenkins()
    bindings = [
        it
        for it in [*graph.of_kind("RoleBinding"), *graph.of_kind("ClusterRoleBinding")]
        if PAGE in {subject["name"] for subject in it.inputs["subjects"]}
    ]
    assert {it.metadata["namespace"] for it in bindings} == set(config.ENVIRONMENTS)
    assert {it.inputs["roleRef"]["name"] for it in bindings} == {ROLE}
    (role,) = (
        it for it in graph.of_kind("Role") if (it.metadata["name"], it.metadata["namespace"]) == (ROLE, environment)
    )
    for rule in role.inputs["rules"]:
        assert set(rule["verbs"]) <= {"get", "list", "watch"}
        assert not {"*", "secrets"} & {*rule["resources"], *rule["verbs"]}
    associations = graph.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert PAGE not in {it.inputs["serviceAccount"] for it in associations}, "it has no rights in AWS"


def test_the_staff_reach_it_and_it_reaches_the_api_server_alone() -> None:
    graph = with_jenkins()
    (ingress,) = (it for it in graph.of_kind("Ingress") if it.metadata["namespace"] == DELIVERY)
    assert ingress.spec["ingressClassName"] == "staff"
    (rule,) = ingress.spec["rules"]
    assert rule["host"] == "releases.dev.hello.example.com"
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"]["name"] == one(graph, "Service").metadata["name"]
    assert ingress.metadata["annotations"]["alb.ingress.kubernetes.io/healthcheck-path"] == READY
    assert one(graph, "Service").spec["selector"] == LABELS
    assert not RELEASE_TOOL_LABELS.items() <= LABELS.items(), "the release tool reaches more"
    policy = one(graph, "NetworkPolicy").spec
    assert policy["podSelector"]["matchLabels"] == LABELS
    assert [[port["port"] for port in it["ports"]] for it in policy["ingress"]] == [[PORT]]
    assert [[port["port"] for port in it["ports"]] for it in policy["egress"]] == [[443]]


def test_its_host_has_a_dns_record_and_is_an_output() -> None:
    graph = with_jenkins()
    assert graph.outputs["hosts"]["releases"] == "releases.dev.hello.example.com"
    records = {it.inputs["name"] for it in graph.of_type("aws:route53/record:Record")}
    assert "releases.dev.hello.example.com" in records
