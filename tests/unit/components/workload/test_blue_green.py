"""Each service has two slots and two Services, and each field one writer."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any, TypeAlias

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pulumi_kubernetes.core.v1 import PodTemplateSpecArgs

import config
from components.kubernetes.immutable import immutable_name
from components.logging.bootstrap.job.kibana import saved_objects
from components.workload.blue_green.annotations import release_annotations
from components.workload.blue_green.slot import seed
from config import ENVIRONMENTS, SERVICE_NAME_LIMIT
from contract.blue_green import (
    HOOK_NAMES,
    MIN_READY_SECONDS,
    PREVIEW_REPLICAS,
    SENTINEL_DIGEST,
    contract,
    hook_job_name,
)
from release.context import Limits
from release.hooks.values import Hook
from release.hooks.values import hooks as read_hooks
from tests.unit.program import platform, stack_config, stack_of
from tools.program.graph import Graph, Registration, Secret, every, of_logs

SERVICES = {"frontend": 80, "gateway": 8099, "api": 8099, "ai": 8085, "crawling": 8000}
PUBLIC = {"frontend", "gateway"}
CALLS = {"gateway": ["api"], "api": ["ai"]}
EXCLUSIVE = {"crawling"}
PAIRS = list(itertools.product(ENVIRONMENTS, SERVICES))

RELEASE_FIELDS = {
    "Deployment": ("spec",),
    "Service": ("spec.selector",),
    "HorizontalPodAutoscaler": ("spec.scaleTargetRef.name",),
}
"""The fields that the release tool writes, by kind: `pulumi up` writes them at the creation only."""

DATA = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=5)
CONTENT = st.tuples(DATA, DATA)
"""Variables and secrets."""
CONFIGURATION_NAME = re.compile(r"(frontend|gateway|api|ai|crawling)-[0-9a-f]{10}")
"""Name of the ConfigMap and the Secret of a service."""
Content: TypeAlias = tuple[dict[str, str], dict[str, str]]


def objects_of(graph: Graph, environment: str, service: str, kind: str) -> dict[str, Registration]:
    """A service's objects of a kind, by name."""
    component = graph.named("hello:platform:BlueGreen", f"{environment}-{service}")
    resources = every(
        (resource for resource in graph.children(component) if resource.kind == kind), f"{kind} of {component.name}"
    )
    return {resource.metadata["name"]: resource for resource in resources}


def test_every_service_stands_in_both_environments(graph: Graph) -> None:
    components = {resource.name for resource in graph.of_type("hello:platform:BlueGreen")}
    assert components == {f"{environment}-{service}" for environment, service in PAIRS}


@pytest.mark.parametrize(("environment", "service"), PAIRS)
def test_a_service_has_two_slots_two_services_a_template_and_an_autoscaler(
    graph: Graph, environment: str, service: str
) -> None:
    assert set(objects_of(graph, environment, service, "PodTemplate")) == {service}
    assert set(objects_of(graph, environment, service, "Deployment")) == {f"{service}-blue", f"{service}-green"}
    assert set(objects_of(graph, environment, service, "Service")) == {service, f"{service}-preview"}
    assert set(objects_of(graph, environment, service, "HorizontalPodAutoscaler")) == {service}


def test_pulumi_never_takes_back_what_the_release_tool_writes_and_nothing_else_is_ignored(graph: Graph) -> None:
    for kind in RELEASE_FIELDS:
        graph.of_kind(kind)
    for resource in graph.custom():
        if of_logs(resource):
            continue
        assert resource.ignore_changes == RELEASE_FIELDS.get(resource.kind or "", ()), resource.urn


def test_slots_are_seeded_with_no_pods_and_the_sentinel_image(known: Graph) -> None:
    for deployment in known.of_kind("Deployment"):
        (container,) = deployment.spec["template"]["spec"]["containers"]
        assert deployment.spec["replicas"] == 0
        assert container["image"].endswith(f"@{SENTINEL_DIGEST}")


def test_a_slot_selects_its_own_pods_only(graph: Graph) -> None:
    for deployment in graph.of_kind("Deployment"):
        slot = deployment.metadata["labels"]["slot"]
        assert deployment.metadata["name"].endswith(f"-{slot}")
        selector = deployment.spec["selector"]["matchLabels"]
        assert selector == {
            "app.kubernetes.io/name": deployment.metadata["labels"]["app.kubernetes.io/name"],
            "slot": slot,
        }
        assert selector.items() <= deployment.spec["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize(("environment", "service"), PAIRS)
def test_the_active_service_is_seeded_blue_and_the_preview_green(graph: Graph, environment: str, service: str) -> None:
    services = objects_of(graph, environment, service, "Service")
    label = {"app.kubernetes.io/name": service}
    assert services[service].spec["selector"] == {**label, "slot": "blue"}
    assert services[f"{service}-preview"].spec["selector"] == {**label, "slot": "green"}
    for active_or_preview in services.values():
        (port,) = active_or_preview.spec["ports"]
        assert (port["name"], port["port"], port["targetPort"]) == ("http", 80, "http")


def test_only_what_the_load_balancer_reaches_has_a_node_port(graph: Graph) -> None:
    node_ports = {
        resource.metadata["name"] for resource in graph.of_kind("Service") if resource.spec["type"] == "NodePort"
    }
    assert node_ports == PUBLIC
    assert {resource.spec["type"] for resource in graph.of_kind("Service")} == {"NodePort", "ClusterIP"}


def test_the_autoscaler_is_seeded_with_the_live_slot(graph: Graph) -> None:
    for autoscaler in graph.of_kind("HorizontalPodAutoscaler"):
        target = autoscaler.spec["scaleTargetRef"]
        assert target == {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": f"{autoscaler.metadata['name']}-blue",
        }
        assert 1 <= autoscaler.spec["minReplicas"] <= autoscaler.spec["maxReplicas"]


def test_a_load_that_falls_for_a_moment_shrinks_nothing(graph: Graph) -> None:
    for autoscaler in graph.of_kind("HorizontalPodAutoscaler"):
        assert autoscaler.spec["behavior"]["scaleDown"] == {
            "stabilizationWindowSeconds": 900,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
        }


def test_the_new_slot_keeps_its_size_while_open_connections_load_the_old_one(graph: Graph) -> None:
    for autoscaler in graph.of_kind("HorizontalPodAutoscaler"):
        window = autoscaler.spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"]
        # 3600 is the most that Kubernetes takes.
        assert Limits().warm + Limits().watch + Limits().settle < window <= 3600


@pytest.mark.parametrize(("environment", "service"), PAIRS)
def test_each_slot_has_a_disruption_budget_of_its_own(graph: Graph, environment: str, service: str) -> None:
    deployments = objects_of(graph, environment, service, "Deployment")
    budgets = objects_of(graph, environment, service, "PodDisruptionBudget")
    assert set(budgets) == set(deployments)
    for name, budget in budgets.items():
        assert budget.spec["selector"] == deployments[name].spec["selector"]
        assert budget.spec["maxUnavailable"] == 1
        assert budget.spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_only_an_exclusive_services_old_pods_end_before_new_ones_start(graph: Graph) -> None:
    for deployment in graph.of_kind("Deployment"):
        exclusive = deployment.metadata["labels"]["app.kubernetes.io/name"] in EXCLUSIVE
        assert deployment.spec.get("strategy") == ({"type": "Recreate"} if exclusive else None)


def test_the_pod_template_tells_the_release_tool_what_is_in_no_pod(graph: Graph) -> None:
    for resource in graph.of_kind("PodTemplate"):
        service = resource.metadata["name"]
        annotations = resource.metadata["annotations"]
        told = set(contract("dev", service)["annotations"].values())
        assert set(annotations) == told - {"hello-platform/hooks"}, "no service of these stacks has hooks"
        test = json.loads(annotations["hello-platform/smoke-test"])
        assert set(test) == {"path", "status", "contains", "tries", "deadlineSeconds"}
        assert test["path"].startswith("/")
        assert annotations["hello-platform/exclusive"] == str(service in EXCLUSIVE).lower()
        assert json.loads(annotations["hello-platform/depends-on"]) == CALLS.get(service, [])
        grace = resource.inputs["template"]["spec"]["terminationGracePeriodSeconds"]
        assert annotations["hello-platform/grace-seconds"] == str(int(grace))


def test_a_release_that_fails_can_name_the_dashboard_that_the_logging_bootstrap_imports() -> None:
    for resource in platform("prod", preview=False).of_kind("PodTemplate"):
        environment = resource.metadata["namespace"]
        (dashboard,) = (one for one in saved_objects(environment) if one["type"] == "dashboard")
        host = config.load(stack_config("prod")).log_host
        url = f"https://{host}/app/dashboards#/view/{dashboard['id']}"
        assert resource.metadata["annotations"]["hello-platform/dashboard"] == url


def test_a_smoke_test_that_names_no_path_asks_for_the_services_health() -> None:
    def annotations(**smoke_test: Any) -> dict[str, Any]:
        spec = config.Service.model_validate({"port": 1, "healthPath": "/health", "smokeTest": smoke_test})
        return json.loads(release_annotations(spec, "dev", "", None)["hello-platform/smoke-test"])

    defaults = {"path": "/health", "status": 200, "contains": None, "tries": 10, "deadlineSeconds": 60}
    assert annotations() == defaults
    assert annotations(contains="ok") == {**defaults, "contains": "ok"}
    assert annotations(path="/version", status=204) == {**defaults, "path": "/version", "status": 204}
    assert annotations(tries=2, deadlineSeconds=5) == {**defaults, "tries": 2, "deadlineSeconds": 5}


def test_the_time_that_new_pods_have_to_be_ready_is_in_the_seed_and_told_to_the_release_tool() -> None:
    for seconds, seeded, told in ((None, None, None), (30, 30, "30")):
        keys = {} if seconds is None else {"minReadySeconds": seconds}
        spec = config.Service.model_validate({"port": 1, "healthPath": "/health", **keys})
        assert release_annotations(spec, "dev", "", None).get(MIN_READY_SECONDS) == told
        assert seed("api", "blue", PodTemplateSpecArgs(), spec).min_ready_seconds == seeded


def test_few_pods_of_a_new_version_are_told_to_the_release_tool_where_they_are_set() -> None:
    def annotation(**keys: Any) -> str | None:
        spec = config.Service.model_validate({"port": 1, "healthPath": "/health", **keys})
        return release_annotations(spec, "dev", "", None).get(PREVIEW_REPLICAS)

    assert (annotation(), annotation(previewReplicas=2)) == (None, "2")


def test_only_a_service_with_hooks_tells_the_release_tool_of_some() -> None:
    def annotation(**keys: Any) -> str | None:
        spec = config.Service.model_validate({"port": 1, "healthPath": "/health", **keys})
        return release_annotations(spec, "dev", "", None).get("hello-platform/hooks")

    assert annotation() is None
    hooks = {"beforeSwitch": {"command": ["./migrate"], "timeoutSeconds": 30}, "afterRetire": {"command": ["./drop"]}}
    told = annotation(hooks=hooks)
    assert told is not None
    assert json.loads(told) == {
        "beforeSwitch": {"command": ["./migrate"], "args": [], "timeoutSeconds": 30},
        "afterRetire": {"command": ["./drop"], "args": [], "timeoutSeconds": 600},
    }
    read = {one.hook: (one.command, one.timeout_seconds) for one in read_hooks(told)}
    assert read == {Hook.BEFORE_SWITCH: (("./migrate",), 30), Hook.AFTER_RETIRE: (("./drop",), 600)}
    longest = "a" * SERVICE_NAME_LIMIT
    assert all(len(hook_job_name(longest, hook.label, "12345678")) <= 63 for hook in Hook)
    assert {hook.label for hook in Hook} == set(HOOK_NAMES)


def is_records(resource: Registration) -> bool:
    """Whether a resource is the ConfigMap of a service's verified images."""
    return resource.kind == "ConfigMap" and resource.metadata["name"].startswith("verified-")


def test_a_stack_that_is_protected_keeps_what_serves_and_nothing_that_is_replaced_by_a_new_name(graph: Graph) -> None:
    serves = {"Namespace", "Service", "Deployment"}
    for resource in graph.objects():
        is_protected = resource.kind in serves or resource.kind == "Elasticsearch" or is_records(resource)
        assert resource.protect == (is_protected and stack_of(graph) == "prod"), resource.urn


def test_no_release_holds_up_a_change_of_the_platform(graph: Graph) -> None:
    """`pulumi up` waits for no pod of a release; for hosts: `test_up_waits_for_the_address_of_each_and_for_no_pod`."""
    for kind in ("Deployment", "Service"):
        for resource in graph.of_kind(kind):
            assert resource.metadata["annotations"]["pulumi.com/skipAwait"] == "true", resource.urn


def test_what_a_slot_was_released_with_outlives_its_change(graph: Graph) -> None:
    for resource in [*graph.of_kind("ConfigMap"), *graph.of_kind("Secret")]:
        if not is_records(resource) and not of_logs(resource):
            assert resource.inputs["immutable"] is True
            assert resource.retain_on_delete
    for resource in graph.custom():
        is_configuration = (
            resource.kind in {"ConfigMap", "Secret"} and not is_records(resource) and not of_logs(resource)
        )
        is_port = resource.kind == "NetworkPolicy" and "." in resource.metadata["name"]
        assert resource.retain_on_delete == (is_configuration or is_port), resource.urn


def test_pods_get_the_config_map_and_the_secret_of_their_service(graph: Graph) -> None:
    referenced: set[str] = set()
    for environment, service in PAIRS:
        component = graph.named("hello:platform:BlueGreen", f"{environment}-{service}")
        names = {
            resource.metadata["name"]
            for resource in graph.children(component)
            if resource.kind in {"ConfigMap", "Secret"}
        }
        for template in objects_of(graph, environment, service, "PodTemplate").values():
            (container,) = template.inputs["template"]["spec"]["containers"]
            sources = [reference["name"] for source in container.get("envFrom", []) for reference in source.values()]
            assert set(sources) == names
            referenced |= names
    assert every(referenced)


def test_the_values_of_secrets_are_secrets(graph: Graph) -> None:
    for resource in graph.of_kind("Secret"):
        data = resource.inputs["stringData"]
        assert isinstance(data, Secret)
        assert every(data.value)


@given(CONTENT, CONTENT)
def test_an_immutable_name_changes_with_the_content(first: Content, second: Content) -> None:
    assume(first != second)
    assert immutable_name("api", *first) != immutable_name("api", *second)


@given(DATA.flatmap(lambda data: st.tuples(st.just(data), st.permutations(list(data.items())))))
def test_an_immutable_name_does_not_change_with_the_order(orders: tuple[dict[str, str], list[tuple[str, str]]]) -> None:
    data, shuffled = orders
    assert immutable_name("api", dict(shuffled), {}) == immutable_name("api", data, {})
    assert immutable_name("api", {}, dict(shuffled)) == immutable_name("api", {}, data)


def test_the_longest_service_name_makes_a_name_that_kubernetes_takes() -> None:
    assert len(immutable_name("a" * SERVICE_NAME_LIMIT, {"A": "b"}, {})) <= 63


def test_a_secret_goes_with_the_config_map_of_its_name(graph: Graph) -> None:
    """So the release tool prunes Secrets without a right to read or delete any."""
    config_maps = {
        (resource.metadata["namespace"], resource.metadata["name"]): resource for resource in graph.of_kind("ConfigMap")
    }
    for resource in every(
        [resource for resource in graph.of_kind("Secret") if CONFIGURATION_NAME.fullmatch(resource.metadata["name"])]
    ):
        owner = config_maps[resource.metadata["namespace"], resource.metadata["name"]]
        (reference,) = resource.metadata["ownerReferences"]
        assert (reference["apiVersion"], reference["kind"], reference["name"]) == (
            "v1",
            "ConfigMap",
            resource.metadata["name"],
        )
        assert reference["uid"], "the uid that the API server gave the ConfigMap"
        assert owner.urn in resource.dependencies


def test_a_config_map_without_variables_has_no_empty_data_to_conflict_about(graph: Graph) -> None:
    """https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts ."""
    config_maps = [
        resource for resource in graph.of_kind("ConfigMap") if CONFIGURATION_NAME.fullmatch(resource.metadata["name"])
    ]
    assert {
        resource.metadata["name"].rpartition("-")[0] for resource in config_maps if "data" not in resource.inputs
    } == {
        "ai",
        "crawling",
    }
    assert all(resource.inputs["data"] for resource in config_maps if "data" in resource.inputs)
