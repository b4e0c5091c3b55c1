"""Creating, changing, replacing, deleting: what a person relies on, whatever provider is behind it."""

from __future__ import annotations

import base64
import textwrap
from pathlib import Path
from typing import Any

import pulumi
import pytest

from rehearsal.toolchain import Toolchain
from tests.rehearsal.conftest import eventually
from tests.rehearsal.engine_harness import EngineFailedError, EngineHarness, Program
from tests.rehearsal.kubernetes_fidelity.conftest import SKIP_AWAIT, Cluster, Options, k8s, pod_template

CREATED = frozenset({"create"})
UPDATED = frozenset({"update"})
DELETED = frozenset({"delete"})


def many_kinds(cluster: Cluster) -> Program:
    """Objects whose inputs come back in another form: quantities, zero values, encoded and defaulted fields."""

    def declare(options: Options) -> None:
        def meta(name: str) -> dict[str, Any]:
            return {"name": name, "namespace": cluster.namespace, "annotations": SKIP_AWAIT}

        template = pod_template(cpu="0.5")
        template["spec"].update(
            {
                "host_network": False,
                "volumes": [{"name": "scratch", "empty_dir": {"size_limit": "1024Mi"}}],
                "topology_spread_constraints": [],
            }
        )
        template["spec"]["containers"][0]["env"] = [{"name": "EMPTY", "value": ""}]
        k8s.apps.v1.Deployment(
            "api",
            metadata=meta("api"),
            spec={"replicas": 0, "paused": False, "selector": {"match_labels": {"app": "api"}}, "template": template},
            opts=options(),
        )
        k8s.core.v1.Secret("key", metadata=meta("key"), string_data={"key": "s3cret"}, opts=options())
        k8s.core.v1.ResourceQuota(
            "quota", metadata=meta("quota"), spec={"hard": {"requests.cpu": "2000m", "pods": 10}}, opts=options()
        )
        k8s.core.v1.LimitRange(
            "limits",
            metadata=meta("limits"),
            spec={"limits": [{"type": "Container", "default": {"memory": "0.5Gi"}, "default_request": {"cpu": "1"}}]},
            opts=options(),
        )
        k8s.networking.v1.NetworkPolicy(
            "deny", metadata=meta("deny"), spec={"pod_selector": {}, "policy_types": ["Ingress"]}, opts=options()
        )
        k8s.networking.v1.Ingress(
            "web",
            metadata=meta("web"),
            spec={
                "rules": [
                    {
                        "host": "example.org",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "path_type": "Prefix",
                                    "backend": {"service": {"name": "api", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ]
            },
            opts=options(),
        )
        k8s.core.v1.PodTemplate("api", metadata=meta("api"), template=pod_template(cpu="1000m"), opts=options())

    return cluster.program(declare)


def test_a_second_up_and_a_refresh_change_nothing(engine: EngineHarness, cluster: Cluster) -> None:
    assert set(engine.up(many_kinds(cluster)).steps.values()) == {CREATED}
    assert engine.up(many_kinds(cluster)).steps == {}
    assert engine.refresh().steps == {}
    assert engine.up(many_kinds(cluster)).steps == {}


def config_map(cluster: Cluster, data: dict[str, Any], *, name: str | None = None, **resource_options: Any) -> Program:
    def declare(options: Options) -> None:
        metadata = {"namespace": cluster.namespace, **({"name": name} if name else {})}
        made = k8s.core.v1.ConfigMap("settings", metadata=metadata, data=data, opts=options(**resource_options))
        pulumi.export("name", made.metadata.name)
        pulumi.export("uid", made.metadata.uid)

    return cluster.program(declare)


def test_an_object_without_a_name_gets_one_that_it_keeps(engine: EngineHarness, cluster: Cluster) -> None:
    name = engine.up(config_map(cluster, {"a": "1"})).outputs["name"]
    assert name.startswith("settings-")
    assert len(name) == len("settings-") + 8
    assert engine.up(config_map(cluster, {"a": "1"})).steps == {}
    annotations = cluster.get("v1", "ConfigMap", name)["metadata"]["annotations"]
    assert annotations == {"pulumi.com/autonamed": "true"}


def test_changed_data_of_a_config_map_replaces_it_under_a_new_name(engine: EngineHarness, cluster: Cluster) -> None:
    first = engine.up(config_map(cluster, {"a": "1"})).outputs["name"]
    replaced = engine.up(config_map(cluster, {"a": "2"}))
    assert "replace" in replaced.steps["settings"]
    assert replaced.changed["settings"] == {"data.a"}
    assert replaced.outputs["name"] != first
    assert cluster.get("v1", "ConfigMap", replaced.outputs["name"])["data"] == {"a": "2"}
    eventually(lambda: cluster.api.get("v1", "ConfigMap", first, cluster.namespace) is None, "the old one is gone")


def test_a_replacement_that_keeps_its_name_deletes_first(engine: EngineHarness, cluster: Cluster) -> None:
    first = engine.up(config_map(cluster, {"a": "1"}, name="settings")).outputs["uid"]
    second = engine.up(config_map(cluster, {"a": "2"}, name="settings")).outputs
    assert second["uid"] != first
    assert cluster.get("v1", "ConfigMap", "settings")["data"] == {"a": "2"}


def deployment(cluster: Cluster, *, labels: dict[str, str]) -> Program:
    def declare(options: Options) -> None:
        k8s.apps.v1.Deployment(
            "api",
            # Awaited: a replacement has to wait for the old one's end.
            metadata={"name": "api", "namespace": cluster.namespace},
            spec={
                "replicas": 0,
                "selector": {"match_labels": {"app": "api", **labels}},
                "template": pod_template(labels=labels),
            },
            opts=options(),
        )

    return cluster.program(declare)


def test_a_deployment_with_another_selector_is_replaced(engine: EngineHarness, cluster: Cluster) -> None:
    engine.up(deployment(cluster, labels={}))
    first = cluster.get("apps/v1", "Deployment", "api")["metadata"]["uid"]
    preview = engine.preview(deployment(cluster, labels={"slot": "blue"}))
    assert "replace" in preview.steps["api"]
    engine.up(deployment(cluster, labels={"slot": "blue"}))
    assert cluster.get("apps/v1", "Deployment", "api")["metadata"]["uid"] != first


def test_an_object_that_exists_already_is_not_taken_over(engine: EngineHarness, cluster: Cluster) -> None:
    cluster.api.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": cluster.namespace},
            "data": {"a": "theirs"},
        }
    )
    with pytest.raises(EngineFailedError, match="already exists"):
        engine.up(config_map(cluster, {"a": "ours"}, name="settings"))
    assert cluster.get("v1", "ConfigMap", "settings")["data"] == {"a": "theirs"}


def test_an_object_that_exists_already_is_taken_over_where_that_is_asked_for(
    tmp_path: Path, tools: Toolchain, plugin: Path | str, cluster: Cluster
) -> None:
    engine = EngineHarness(
        tmp_path / "upsert",
        tools,
        {"pulumi-resource-kubernetes": plugin},
        {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"},
    )
    cluster.api.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": cluster.namespace},
            "data": {"a": "1"},
        }
    )
    uid = cluster.get("v1", "ConfigMap", "settings")["metadata"]["uid"]
    assert engine.up(config_map(cluster, {"a": "1"}, name="settings")).outputs["uid"] == uid
    assert engine.up(config_map(cluster, {"a": "1"}, name="settings")).steps == {}


def test_what_was_deleted_beside_is_made_again_after_a_refresh(engine: EngineHarness, cluster: Cluster) -> None:
    program = config_map(cluster, {"a": "1"}, name="settings")
    engine.up(program)
    cluster.api.delete("v1", "ConfigMap", "settings", cluster.namespace)
    assert engine.refresh().steps == {"settings": DELETED}
    assert engine.up(program).steps == {"settings": CREATED}


def test_destroy_passes_over_what_is_gone_already(engine: EngineHarness, cluster: Cluster) -> None:
    engine.up(config_map(cluster, {"a": "1"}, name="settings"))
    cluster.api.delete("v1", "ConfigMap", "settings", cluster.namespace)
    assert engine.destroy().steps == {"settings": DELETED}
    assert engine.state() == []


def test_destroy_returns_when_the_object_and_what_it_owns_are_gone(engine: EngineHarness, cluster: Cluster) -> None:
    def declare(options: Options) -> None:
        k8s.apps.v1.ReplicaSet(
            "api",
            metadata={"name": "api", "namespace": cluster.namespace},
            spec={"replicas": 2, "selector": {"match_labels": {"app": "api"}}, "template": pod_template()},
            opts=options(),
        )

    engine.up(cluster.program(declare))
    eventually(lambda: len(cluster.names("v1", "Pod")) == 2, "two pods")
    engine.destroy()
    assert cluster.names("apps/v1", "ReplicaSet") == []
    assert cluster.names("v1", "Pod") == []


def secret(cluster: Cluster, *, version: str) -> Program:
    def declare(options: Options) -> None:
        made = k8s.core.v1.Secret(
            "key",
            metadata={"name": f"key-{version}", "namespace": cluster.namespace},
            immutable=True,
            string_data={"key": pulumi.Output.secret(f"s3cret-{version}")},
            opts=options(retain_on_delete=True),
        )
        pulumi.export("data", made.data)

    return cluster.program(declare)


def test_a_retained_secret_stays_when_its_successor_comes_and_after_destroy(
    engine: EngineHarness, cluster: Cluster
) -> None:
    engine.up(secret(cluster, version="1"))
    engine.up(secret(cluster, version="2"))
    assert cluster.names("v1", "Secret") == ["key-1", "key-2"]
    engine.destroy()
    assert cluster.names("v1", "Secret") == ["key-1", "key-2"]


def test_secret_data_is_encrypted_in_the_state_and_a_secret_output(engine: EngineHarness, cluster: Cluster) -> None:
    run = engine.up(secret(cluster, version="1"))
    encoded = base64.b64encode(b"s3cret-1").decode()
    assert run.outputs["data"] == {"key": encoded}
    state = engine.stored_state()
    assert "key-1" in state
    assert encoded not in state
    assert "s3cret-1" not in state
    assert encoded not in run.text
    assert engine.up(secret(cluster, version="1")).steps == {}


def test_what_dies_with_another_resource_is_not_deleted_by_itself(engine: EngineHarness, cluster: Cluster) -> None:
    def declare(options: Options) -> None:
        home = k8s.core.v1.ConfigMap("home", metadata={"namespace": cluster.namespace}, data={}, opts=options())
        k8s.core.v1.ConfigMap(
            "guest",
            metadata={"name": "guest", "namespace": cluster.namespace},
            data={"a": "1"},
            opts=options(deleted_with=home),
        )

    engine.up(cluster.program(declare))
    engine.destroy()
    assert engine.state() == []
    # Here nothing takes it along, so that it is seen to have been left alone.
    assert "guest" in cluster.names("v1", "ConfigMap")


def test_a_custom_resource_follows_its_definition_in_one_run(engine: EngineHarness, cluster: Cluster) -> None:
    group = f"{cluster.namespace}.example.org"

    def declare(options: Options) -> None:
        definition = k8s.apiextensions.v1.CustomResourceDefinition(
            "crontabs",
            metadata={"name": f"crontabs.{group}"},
            spec={
                "group": group,
                "scope": "Namespaced",
                "names": {"plural": "crontabs", "kind": "CronTab"},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {
                            "open_apiv3_schema": {
                                "type": "object",
                                "properties": {
                                    "spec": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
                                },
                            }
                        },
                    }
                ],
            },
            opts=options(),
        )
        k8s.apiextensions.CustomResource(
            "nightly",
            api_version=f"{group}/v1",
            kind="CronTab",
            metadata={"name": "nightly", "namespace": cluster.namespace},
            spec={"at": "0 3 * * *", "times": 0},
            opts=options(depends_on=[definition]),
        )

    program = cluster.program(declare)
    engine.preview(program)
    assert engine.up(program).steps == {"crontabs": CREATED, "nightly": CREATED}
    assert cluster.get(f"{group}/v1", "CronTab", "nightly")["spec"] == {"at": "0 3 * * *", "times": 0}
    assert engine.up(program).steps == {}
    assert engine.refresh().steps == {}
    engine.destroy()


def test_manifests_in_yaml_are_read(engine: EngineHarness, cluster: Cluster) -> None:
    manifest = textwrap.dedent("""
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: one, namespace: NAMESPACE}
    ---
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: two, namespace: NAMESPACE}
    """).replace("NAMESPACE", cluster.namespace)

    def declare(options: Options) -> None:
        k8s.yaml.ConfigGroup("group", yaml=[manifest], opts=pulumi.ResourceOptions(providers=[options().provider]))

    engine.up(cluster.program(declare))
    assert "one" in cluster.names("v1", "ConfigMap")
    assert "two" in cluster.names("v1", "ServiceAccount")


def test_an_object_can_be_looked_up(engine: EngineHarness, cluster: Cluster) -> None:
    def declare(options: Options) -> None:
        found = k8s.core.v1.ServiceAccount.get("robot", f"{cluster.namespace}/default", opts=options())
        pulumi.export("uid", found.metadata["uid"])

    eventually(lambda: cluster.api.get("v1", "ServiceAccount", "default", cluster.namespace) is not None, "an account")
    uid = cluster.get("v1", "ServiceAccount", "default")["metadata"]["uid"]
    assert engine.up(cluster.program(declare)).outputs["uid"] == uid
