"""Elasticsearch, Fluentd and Kibana in both stacks: placement, passwords, TLS, rights."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

import config
import versions
from components.logging import elastic, operator, update_policy
from components.logging.bootstrap.job.__main__ import PATIENCE
from components.logging.collector import LOGS, STATE
from components.logging.snapshots import Identity
from config import capacity
from contract.quantities import cpu_millis, memory_bytes
from tests.unit.invariants.test_pods import specs
from tests.unit.program import STACKS, made_up, platform, stack_config, stack_of
from tools.program.graph import Graph, Registration, Secret, every, of_logs

RELEASE = "kubernetes:helm.sh/v3:Release"
PASSWORDS = {
    "elasticsearch-user-fluentd": {"FLUENTD_PASSWORD"},
    "elasticsearch-user-logs-setup": {"SETUP_PASSWORD"},
    "elasticsearch-user-reader": {"READER_PASSWORD"},
    "elasticsearch-roles": set[str](),
    "kibana-keys": {"KIBANA_ENCRYPTION_KEY"},
    "fluentd": {"FLUENTD_PASSWORD"},
    "logs-setup": {"SETUP_PASSWORD"},
}
"""The platform's secrets in each Secret, by the Secret's name without its hash."""


def settings(graph: Graph) -> config.Settings:
    return config.load(stack_config(stack_of(graph)))


def of_kind(graph: Graph, kind: str) -> Registration:
    """The only object of a kind in the logging stack."""
    (resource,) = (one for one in graph.of_kind(kind) if of_logs(one))
    return resource


def pods(one: Registration) -> Any:
    (spec,) = every(specs(one.inputs), "pod")
    return spec


def placements(graph: Graph) -> dict[str, Any]:
    """The pod spec of each workload of the logging stack, by kind, and the operator's chart values."""
    release = graph.named(RELEASE, operator.NAME)
    pod_specs = {
        str(one.kind): pods(one) for one in graph.objects() if of_logs(one) and any(True for _ in specs(one.inputs))
    }
    return {**pod_specs, "operator": release.inputs["values"]}


def texts(value: Any) -> Iterator[str]:
    """Every string in a value, including secrets."""
    if isinstance(value, Secret):
        yield from texts(value.value)
    elif isinstance(value, dict):
        for item in cast("dict[str, Any]", value).values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def test_nothing_of_the_logs_runs_on_prods_nodes_but_fluentd(graph: Graph) -> None:
    pod_specs = placements(graph)
    assert set(pod_specs) == {"DaemonSet", "CronJob", "Elasticsearch", "Kibana", "operator"}
    for name, spec in pod_specs.items():
        if name == "DaemonSet":
            assert spec["tolerations"] == [{"operator": "Exists"}]
            assert not {"nodeSelector", "affinity"} & set(spec)
        else:
            assert spec["nodeSelector"] == {"environment": "dev"}, name
            assert "tolerations" not in spec, name
            # Without an affinity, the operator sets an anti-affinity between Elasticsearch's pods.
            assert "affinity" not in spec, name


def test_a_tool_is_not_the_one_to_go_where_a_node_is_full(known: Graph) -> None:
    assert {spec["priorityClassName"] for spec in placements(known).values()} == {"tooling"}


def test_every_password_is_a_secret_of_the_stack_and_reaches_those_who_need_it_only(graph: Graph) -> None:
    passwords: dict[str, set[str]] = {}
    for one in (one for one in graph.of_kind("Secret") if of_logs(one)):
        data: Any = one.inputs["stringData"]
        assert isinstance(data, Secret), one.urn
        known = every(texts(data))
        passwords[re.sub("-[0-9a-f]{10}$", "", one.metadata["name"])] = {
            secret.name for secret in config.required_secrets({}) if any(made_up(secret) in text for text in known)
        }
    assert passwords == PASSWORDS


def test_everything_asks_for_tls_and_nothing_for_less(known: Graph) -> None:
    resources = [one for one in known.objects() if of_logs(one)]
    for one in resources:
        assert not re.search(r"http://|scheme http\b|ssl_verify false", "\n".join(texts(one.inputs))), one.urn
    (text,) = (text for one in resources for text in texts(one.inputs) if "ssl_verify" in text)
    assert text.count("@type elasticsearch\n") == text.count("scheme https") == text.count("ssl_min_version TLSv1_2")
    assert text.count("ca_file /fluentd/elasticsearch/ca.crt") == text.count("@type elasticsearch\n") == 2
    for kind in ("Elasticsearch", "Kibana"):
        assert "selfSignedCertificate" not in json.dumps(of_kind(known, kind).spec)


def test_versions_are_pinned_and_elasticsearch_and_kibana_are_of_one(known: Graph) -> None:
    assert known.named(RELEASE, operator.NAME).inputs["version"] == versions.ECK_CHART
    assert {of_kind(known, kind).spec["version"] for kind in ("Elasticsearch", "Kibana")} == {versions.ELASTIC}
    for kind in ("DaemonSet", "CronJob"):
        (container,) = pods(of_kind(known, kind))["containers"]
        assert re.search(r":[^:]*\d+\.\d+\.\d+[^:]*$", container["image"]), "a tag of one release"


def test_the_operator_knows_its_own_namespace_and_has_no_right_outside(graph: Graph) -> None:
    values = graph.named(RELEASE, operator.NAME).inputs["values"]
    assert values["managedNamespaces"] == ["logging"]
    assert values["createClusterScopedResources"] is False
    assert values["webhook"] == {"enabled": False}


def test_what_the_operator_works_on_comes_after_it_and_leaves_before_it_and_before_what_makes_volumes(
    graph: Graph,
) -> None:
    release = graph.named(RELEASE, operator.NAME)
    for kind in ("Elasticsearch", "Kibana"):
        one = of_kind(graph, kind)
        assert release.urn in one.dependencies
        assert any("hello:platform:Essentials$" in urn for urn in one.dependencies)


def test_elasticsearch_is_as_large_as_the_settings_say(known: Graph) -> None:
    logs = settings(known).logs
    (nodes,) = of_kind(known, "Elasticsearch").spec["nodeSets"]
    assert nodes["count"] == logs.nodes
    assert ("zoneAwareness" in nodes) == logs.zone_awareness
    (claim,) = nodes["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "elasticsearch-data"
    assert claim["spec"]["storageClassName"] == "gp3"
    assert claim["spec"]["resources"]["requests"]["storage"] == f"{logs.storage_gib}Gi"
    (container,) = nodes["podTemplate"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"] == logs.memory


def test_volumes_go_with_elasticsearch_and_elasticsearch_is_protected_where_the_settings_say(known: Graph) -> None:
    one = of_kind(known, "Elasticsearch")
    assert one.spec["volumeClaimDeletePolicy"] == "DeleteOnScaledownAndClusterDeletion"
    assert one.protect == settings(known).protect


def test_kibana_keeps_sessions_with_keys_of_ours_behind_the_load_balancer(known: Graph) -> None:
    spec = of_kind(known, "Kibana").spec
    (container,) = spec["podTemplate"]["spec"]["containers"]
    (variable,) = container["env"]
    assert variable["valueFrom"]["secretKeyRef"] == {"name": "kibana-keys", "key": variable["name"]}
    encrypted = {key for key, value in spec["config"].items() if value == f"${{{variable['name']}}}"}
    assert encrypted == {f"xpack.{one}.encryptionKey" for one in ("security", "encryptedSavedObjects", "reporting")}
    assert spec["config"]["server.publicBaseUrl"] == f"https://{settings(known).log_host}"
    assert spec["elasticsearchRef"] == {"name": of_kind(known, "Elasticsearch").metadata["name"]}
    assert spec["http"]["service"]["spec"]["type"] == "NodePort"


def test_what_the_operator_writes_back_is_ours_again_with_the_next_change(known: Graph) -> None:
    forced = {one.metadata["name"] for one in known.objects() if "pulumi.com/patchForce" in annotations_of(one)}
    assert forced == {"hello", "kibana"}, "everywhere else, a conflict is one of two writers"
    for kind in ("Elasticsearch", "Kibana"):
        assert annotations_of(of_kind(known, kind)) == {"pulumi.com/patchForce": "true"}


def annotations_of(one: Registration) -> dict[str, str]:
    return dict(one.metadata.get("annotations") or {})


def test_volumes_cannot_shrink_from_the_first_elasticsearch_on(graph: Graph) -> None:
    (binding,) = (one for one in graph.of_kind("ValidatingAdmissionPolicyBinding") if one.name == update_policy.NAME)
    assert binding.urn in of_kind(graph, "Elasticsearch").dependencies


def test_kibana_has_the_memory_with_which_it_starts(known: Graph) -> None:
    (container,) = pods(of_kind(known, "Kibana"))["containers"]
    memory = {one: memory_bytes(container["resources"][one]["memory"]) for one in ("requests", "limits")}
    # `DefaultMemoryLimits`: https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/pkg/controller/kibana/pod.go
    assert memory == dict.fromkeys(("requests", "limits"), memory_bytes("2Gi"))


def test_one_run_of_the_setup_ends_before_the_next_and_is_tried_again(known: Graph) -> None:
    spec = of_kind(known, "CronJob").spec
    minutes = re.fullmatch(r"\*/(\d+) \* \* \* \*", spec["schedule"])
    assert minutes
    assert spec["concurrencyPolicy"] == "Forbid"
    job = spec["jobTemplate"]["spec"]
    assert PATIENCE < job["activeDeadlineSeconds"] < 60 * int(minutes[1]) <= 600
    assert job["backoffLimit"] > 0


@pytest.mark.parametrize("stack", STACKS)
def test_what_is_reserved_for_the_logs_is_what_they_ask_for(stack: str) -> None:
    graph = platform(stack, preview=False)
    reserved = {pods.name: pods.one for pods in (*capacity.tooling(settings(graph).logs), *capacity.ON_EVERY_NODE)}
    asked = {
        "fluentd": pods(of_kind(graph, "DaemonSet"))["containers"][0]["resources"]["requests"],
        "logs-setup": pods(of_kind(graph, "CronJob"))["containers"][0]["resources"]["requests"],
        "Elasticsearch": pods(of_kind(graph, "Elasticsearch"))["containers"][0]["resources"]["requests"],
        "Kibana": pods(of_kind(graph, "Kibana"))["containers"][0]["resources"]["requests"],
        "elastic-operator": graph.named(RELEASE, operator.NAME).inputs["values"]["resources"]["requests"],
    }
    for name, requests in asked.items():
        assert reserved[name] == capacity.Resources(cpu_millis(requests["cpu"]), memory_bytes(requests["memory"]), 1), (
            name
        )


def test_every_container_of_the_logs_is_bounded(known: Graph) -> None:
    for one in (one for one in known.objects() if of_logs(one)):
        for spec in specs(one.inputs):
            for container in spec["containers"]:
                assert set(container["resources"]["requests"]) == {"cpu", "memory", "ephemeral-storage"}, one.urn
                assert set(container["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}, one.urn


def test_fluentd_is_root_without_rights_and_mounts_its_node_where_it_may(known: Graph) -> None:
    spec = pods(of_kind(known, "DaemonSet"))
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsUser"] == 0
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in spec["volumes"] if "hostPath" in volume}
    written = {
        paths[mount["name"]]
        for mount in container["volumeMounts"]
        if mount["name"] in paths and not mount.get("readOnly")
    }
    assert set(paths.values()) == {LOGS, STATE}
    assert written == {STATE}
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def rights_in_the_cluster(graph: Graph) -> dict[str, Any]:
    """The rule of each service account's ClusterRole; each has one role with one rule."""
    roles = {one.metadata["name"]: one.inputs["rules"] for one in graph.of_kind("ClusterRole") if of_logs(one)}
    rights: dict[str, Any] = {}
    for binding in (one for one in graph.of_kind("ClusterRoleBinding") if of_logs(one)):
        (subject,), (rule,) = binding.inputs["subjects"], roles.pop(binding.inputs["roleRef"]["name"])
        rights[f"{subject['kind']} {subject['namespace']}/{subject['name']}"] = rule
    assert not roles, "bound to nobody"
    return rights


def test_what_looks_at_the_whole_cluster_does_nothing_else_there(known: Graph) -> None:
    looks = {"apiGroups": [""], "verbs": ["get", "list", "watch"]}
    fluentd = {"ServiceAccount log-collector/fluentd": {**looks, "resources": ["pods", "namespaces"]}}
    operators = {"ServiceAccount logging/elastic-operator": {**looks, "resources": ["nodes"]}}
    assert rights_in_the_cluster(known) == {**fluentd, **(operators if settings(known).logs.zone_awareness else {})}


def test_the_operator_may_read_nodes_before_pods_wait_for_their_zones() -> None:
    graph = platform("prod", preview=False)
    binding = next(one for one in graph.of_kind("ClusterRoleBinding") if one.name == "elastic-operator-nodes")
    assert binding.urn in graph.after_all(graph.release("elastic-operator"))
    assert binding.urn in graph.after_all(of_kind(graph, "Elasticsearch"))


def test_the_setup_fills_one_config_map_lists_fluentds_pods_and_has_no_other_right(known: Graph) -> None:
    role = of_kind(known, "Role")
    assert role.metadata["namespace"] == "log-collector"
    core: dict[str, Any] = {"apiGroups": [""]}
    assert role.inputs["rules"] == [
        {**core, "resources": ["configmaps"], "resourceNames": ["elasticsearch-ca"], "verbs": ["get", "patch"]},
        {**core, "resources": ["pods"], "verbs": ["list"]},
    ]
    (filled,) = (one for one in known.of_kind("ConfigMap") if one.metadata["name"] == "elasticsearch-ca")
    assert filled.ignore_changes == ("data",)


def test_the_output_says_where_the_logs_are(known: Graph) -> None:
    assert known.outputs["efk"]["host"] == settings(known).log_host
    assert known.outputs["efk"]["dataViews"] == ["dev", "prod", "platform"]


@pytest.mark.parametrize(("requested", "limit"), [("500m", "2"), ("0.5", "2"), ("1", "4"), ("310m", "1240m")])
def test_a_limit_is_written_as_the_operator_writes_it_back(requested: str, limit: str) -> None:
    spec = elastic.elasticsearch(
        config.Logs(cpu=requested),
        environment="dev",
        priority_class="tooling",
        storage_class="gp3",
        roles=[],
        users=[],
        identity=Identity(pod={}, container={}),
    )
    (container,) = spec["nodeSets"][0]["podTemplate"]["spec"]["containers"]
    assert container["resources"]["limits"]["cpu"] == limit
