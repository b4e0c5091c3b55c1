"""A service's pods run on their environment's nodes only, with no more rights than they need."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from components.workload.pod_template import (
    PRE_STOP_SECONDS,
    SHUTDOWN_SECONDS,
    STARTUP_PERIOD,
    pod_template,
    startup_failures,
)
from tests.unit.arguments import manifest
from tests.unit.components.workload.test_blue_green import SERVICES
from tests.unit.program import stack_config, stack_of
from tools.program.graph import UNKNOWN, Graph, every

PORTS = {service: [{"name": "http", "containerPort": port}] for service, port in SERVICES.items()}

HEALTH = {"frontend": "/", "gateway": "/healthcheck", "api": "/api/healthcheck", "ai": "/health", "crawling": "/health"}

SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
}
"""https://kubernetes.io/docs/concepts/security/pod-security-standards/, Baseline."""


def templates(graph: Graph) -> list[tuple[str, dict[str, Any]]]:
    """Environment and pod template of every PodTemplate and every Deployment."""
    pod_templates = [(resource, resource.inputs["template"]) for resource in graph.of_kind("PodTemplate")]
    deployments = [(resource, resource.spec["template"]) for resource in graph.of_kind("Deployment")]
    return [
        (resource.metadata["labels"]["environment"], template) for resource, template in [*pod_templates, *deployments]
    ]


def pod(*, service_nodes: bool = False, **keys: Any) -> dict[str, Any]:
    """The spec of a service's pod; `keys` are added to the configuration of the service."""
    template = pod_template(
        environment="dev",
        service="api",
        image="registry.example.com/api@sha256:…",
        spec=config.Service.model_validate({"port": 8099, "healthPath": "/health", **keys}),
        priority_class="services",
        service_nodes=service_nodes,
        config_map=None,
        secret=None,
    )
    return manifest(template)["spec"]


def test_pods_are_labelled_with_environment_and_service(graph: Graph) -> None:
    for resource in [*graph.of_kind("PodTemplate"), *graph.of_kind("Deployment")]:
        environment, service = resource.parent.rpartition("::")[2].split("-")
        template = resource.inputs["template"] if resource.kind == "PodTemplate" else resource.spec["template"]
        labels = {"environment": environment, "app.kubernetes.io/name": service}
        assert labels.items() <= resource.metadata["labels"].items()
        assert labels.items() <= template["metadata"]["labels"].items()


def test_the_pod_template_names_no_slot(graph: Graph) -> None:
    for resource in graph.of_kind("PodTemplate"):
        assert "slot" not in resource.inputs["template"]["metadata"]["labels"]


def test_pods_require_nodes_of_their_environment(graph: Graph) -> None:
    for environment, template in templates(graph):
        affinity = template["spec"]["affinity"]["nodeAffinity"]
        assert affinity == {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "environment", "operator": "In", "values": [environment]}]}
                ]
            }
        }


def test_pods_tolerate_their_own_environments_taint_and_no_other(graph: Graph) -> None:
    for environment, template in templates(graph):
        assert template["spec"]["tolerations"] == [
            {"key": "environment", "operator": "Equal", "value": environment, "effect": "NoSchedule"}
        ]


def test_where_services_have_nodes_of_their_own_pods_require_them_and_tolerate_their_taint() -> None:
    spec = pod(service_nodes=True)
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert {one["key"]: one["values"] for one in term["matchExpressions"]} == {
        "environment": ["dev"],
        "nodes": ["services"],
    }
    assert {(one["key"], one["value"]) for one in spec["tolerations"]} == {
        ("environment", "dev"),
        ("nodes", "services"),
    }


def test_pods_pass_pod_security_restricted(graph: Graph) -> None:
    for _, template in templates(graph):
        spec = template["spec"]
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
        assert all(set(volume) == {"name", "emptyDir"} for volume in spec.get("volumes", []))
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {sysctl["name"] for sysctl in spec["securityContext"].get("sysctls", [])} <= SAFE_SYSCTLS
        for container in every(spec["containers"], "container"):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert not security.keys() & {"privileged", "runAsUser", "runAsNonRoot", "seccompProfile", "procMount"}
            assert not any("hostPort" in port for port in container.get("ports", []))


def test_pods_hold_no_token_of_the_kubernetes_api(graph: Graph) -> None:
    """No service of these stacks sets `kubernetesApi`."""
    for _, template in templates(graph):
        assert template["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("asked", [True, False])
def test_only_a_pod_that_asks_for_it_holds_a_token(asked: bool) -> None:
    assert pod(kubernetesApi=asked)["automountServiceAccountToken"] is asked


def test_pods_run_as_a_service_account_of_their_own(graph: Graph) -> None:
    accounts = {
        resource.parent: resource for resource in graph.of_kind("ServiceAccount") if "BlueGreen" in resource.parent
    }
    for resource in graph.of_kind("PodTemplate"):
        account = accounts.pop(resource.parent)
        assert (
            resource.inputs["template"]["spec"]["serviceAccountName"]
            == account.metadata["name"]
            == resource.metadata["name"]
        )
        assert account.inputs["automountServiceAccountToken"] is False
    assert not accounts


def test_pods_write_to_the_directories_they_name_and_nowhere_else(graph: Graph) -> None:
    stack = config.load(stack_config(stack_of(graph)))
    for resource in graph.of_kind("PodTemplate"):
        spec = resource.inputs["template"]["spec"]
        (container,) = spec["containers"]
        sizes = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in spec["volumes"]}
        assert set(sizes.values()) == {"256Mi"}
        mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert list(mounted) == stack.services[resource.metadata["name"]].writable_paths
        assert sorted(mounted.values()) == sorted(sizes)


def test_a_container_that_writes_nowhere_has_no_volume() -> None:
    spec = pod(writablePaths=[])
    assert "volumes" not in spec
    assert "volumeMounts" not in spec["containers"][0]


def test_an_ending_pod_serves_until_nobody_sends_it_anything_and_finishes_its_longest_request() -> None:
    spec = pod(longestRequestSeconds=60)
    (container,) = spec["containers"]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}}
    assert spec["terminationGracePeriodSeconds"] == PRE_STOP_SECONDS + 60 + SHUTDOWN_SECONDS


@given(st.integers(min_value=10, max_value=1800))
def test_a_container_has_its_time_to_start_and_hardly_more(seconds: int) -> None:
    assert seconds <= startup_failures(seconds) * STARTUP_PERIOD < seconds + STARTUP_PERIOD


def test_pods_are_spread_over_zones_and_nodes_each_slot_by_itself(graph: Graph) -> None:
    for _, template in templates(graph):
        constraints = template["spec"]["topologySpreadConstraints"]
        assert [constraint["topologyKey"] for constraint in constraints] == [
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        ]
        service = template["metadata"]["labels"]["app.kubernetes.io/name"]
        for constraint in constraints:
            assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
            assert constraint["labelSelector"] == {"matchLabels": {"app.kubernetes.io/name": service}}
            assert constraint["matchLabelKeys"] == ["slot"]


def test_pods_have_the_priority_of_services(graph: Graph) -> None:
    (services,) = [resource for resource in graph.of_kind("PriorityClass") if resource.metadata["name"] == "services"]
    for resource in [*graph.of_kind("PodTemplate"), *graph.of_kind("Deployment")]:
        assert services.urn in resource.dependencies
    known = [template["spec"]["priorityClassName"] for _, template in templates(graph)]
    assert set(known) <= {"services", UNKNOWN}


def test_a_port_below_1024_can_be_opened_without_root(graph: Graph) -> None:
    low_ports = 0
    for resource in graph.of_kind("PodTemplate"):
        template = resource.inputs["template"]
        (container,) = template["spec"]["containers"]
        (port,) = container["ports"]
        sysctl = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
        assert (sysctl in template["spec"]["securityContext"].get("sysctls", [])) == (port["containerPort"] < 1024)
        low_ports += port["containerPort"] < 1024
    assert low_ports


def test_pods_listen_and_answer_where_the_service_says(graph: Graph) -> None:
    for _, template in templates(graph):
        (container,) = template["spec"]["containers"]
        service = template["metadata"]["labels"]["app.kubernetes.io/name"]
        assert container["name"] == service
        assert container.get("ports", PORTS[service]) == PORTS[service]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"] == {"path": HEALTH[service], "port": "http"}


def test_pods_say_what_they_use(graph: Graph) -> None:
    for _, template in templates(graph):
        (container,) = template["spec"]["containers"]
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert set(requests) == set(limits) == {"cpu", "memory", "ephemeral-storage"}
        assert requests["memory"] == limits["memory"], "memory over its request is taken from neighbours"


def test_a_slots_seed_is_the_pod_template_with_its_slot_but_for_what_is_merged_by_key(graph: Graph) -> None:
    """A release with another port would otherwise have both: `Duplicate value: "http"`."""
    by_parent = {resource.parent: resource.inputs["template"] for resource in graph.of_kind("PodTemplate")}
    for deployment in graph.of_kind("Deployment"):
        desired = by_parent[deployment.parent]
        seed = deployment.spec["template"]
        (container,), (seeded,) = desired["spec"]["containers"], seed["spec"]["containers"]
        merged = {name: container[name] for name in ("ports", "volumeMounts", "envFrom") if name in container}
        assert {**seeded, **merged} == container
        assert {**seed["spec"], "containers": [container], "volumes": desired["spec"]["volumes"]} == desired["spec"]
        assert not seeded.keys() & merged.keys()
        assert "volumes" not in seed["spec"]
        slot = {"slot": deployment.metadata["labels"]["slot"]}
        assert seed["metadata"]["labels"] == {**desired["metadata"]["labels"], **slot}


@pytest.mark.parametrize(("port", "privileged"), [(1023, True), (1024, False)])
def test_only_a_port_below_1024_is_opened_to_users_without_privileges(port: int, *, privileged: bool) -> None:
    names = [sysctl["name"] for sysctl in pod(port=port)["securityContext"].get("sysctls", [])]
    assert ("net.ipv4.ip_unprivileged_port_start" in names) == privileged
