"""Every pod: placement, requests and limits, termination, and the paths in its commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tools.program.graph import Graph, Registration, every, of_logs

Pod = tuple[Registration, Mapping[str, Any]]


def pods(graph: Graph) -> list[Pod]:
    """Every pod's spec of a service, with the object it is in."""
    return every((one, spec) for one in graph.objects() if not of_logs(one) for spec in specs(one.inputs))


def specs(value: Any) -> Iterator[Mapping[str, Any]]:
    """What has containers, anywhere in an object."""
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        if "containers" in members:
            yield members
        for item in members.values():
            yield from specs(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from specs(item)


def containers(graph: Graph) -> list[Mapping[str, Any]]:
    """Every container, those that only prepare a pod too."""
    return every(
        one for _, spec in pods(graph) for key in ("containers", "initContainers") for one in spec.get(key, [])
    )


def environment_of(one: Registration) -> str:
    return str(one.metadata["labels"]["environment"])


def test_every_kind_of_pod_is_looked_at(graph: Graph) -> None:
    assert {"PodTemplate", "Deployment"} <= {one.kind for one, _ in pods(graph)}


def test_every_pod_requires_a_node_of_one_environment(graph: Graph) -> None:
    for one, spec in pods(graph):
        affinity = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        (term,) = affinity["nodeSelectorTerms"]
        wanted = {"key": "environment", "operator": "In", "values": [environment_of(one)]}
        assert term["matchExpressions"] == [wanted], one.urn


def test_every_pod_tolerates_its_own_environment_and_no_dev_pod_tolerates_prod(graph: Graph) -> None:
    for one, spec in pods(graph):
        tolerated = [(it["key"], it["operator"], it["value"], it["effect"]) for it in spec["tolerations"]]
        assert tolerated == [("environment", "Equal", environment_of(one), "NoSchedule")], one.urn


def test_every_container_requests_and_is_limited_in_cpu_memory_and_disk(graph: Graph) -> None:
    for one in containers(graph):
        for bound in ("requests", "limits"):
            assert set(one["resources"][bound]) == {"cpu", "memory", "ephemeral-storage"}


def test_every_container_is_probed_while_it_starts_serves_and_lives(graph: Graph) -> None:
    for one in containers(graph):
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(one)


def test_every_container_is_confined(graph: Graph) -> None:
    for one in containers(graph):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    for one, spec in pods(graph):
        assert spec["securityContext"]["runAsNonRoot"] is True, one.urn
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, one.urn


def test_every_pod_is_spread_over_zones_and_nodes(graph: Graph) -> None:
    for one, spec in pods(graph):
        keys = {it["topologyKey"] for it in spec["topologySpreadConstraints"]}
        assert keys == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, one.urn


def test_every_pod_has_a_priority(graph: Graph) -> None:
    for one, spec in pods(graph):
        assert spec["priorityClassName"], one.urn


def test_every_pod_has_more_time_to_end_than_it_waits_before(graph: Graph) -> None:
    for one, spec in pods(graph):
        waits = [it["lifecycle"]["preStop"]["sleep"]["seconds"] for it in spec["containers"]]
        assert spec["terminationGracePeriodSeconds"] > max(waits) > 0, one.urn


def test_every_pod_has_a_service_account_of_its_own_and_no_host_namespace(graph: Graph) -> None:
    for one, spec in pods(graph):
        assert spec["serviceAccountName"] != "default", one.urn
        assert spec["automountServiceAccountToken"] is False, one.urn
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), one.urn


def test_every_image_is_named_by_digest(known: Graph) -> None:
    for one in containers(known):
        assert "@sha256:" in one["image"]


def test_every_file_that_a_command_names_in_a_config_map_or_the_working_directory_is_there(known: Graph) -> None:
    config_maps = {
        (one.metadata["namespace"], one.metadata["name"]): one.inputs.get("data", {})
        for one in known.objects()
        if one.kind == "ConfigMap"
    }
    named = 0
    for one, spec in [(it, spec) for it in known.objects() for spec in specs(it.inputs)]:
        volumes = {volume["name"]: volume.get("configMap", {}).get("name") for volume in spec.get("volumes", [])}
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            files = {
                f"{mount['mountPath']}/{file}"
                for mount in container.get("volumeMounts", [])
                for file in config_maps.get((one.metadata.get("namespace"), volumes.get(mount["name"])), {})
            }
            folders = {file.rpartition("/")[0] for file in files} | {container.get("workingDir", "/nowhere")}
            words = " ".join([*container.get("command", []), *container.get("args", [])])
            for path in re.findall(r"(?<![\w/])/[\w./-]+", words):
                if any(path.startswith(f"{folder}/") for folder in folders):
                    named += 1
                    assert path in files, f"{one.urn}: {path}"
    assert named
