"""The kubernetes provider: create, update, replace, delete."""

from __future__ import annotations

import base64
from typing import Any

import pulumi
import pytest

from tests.rehearsal.conftest import eventually
from tests.rehearsal.engine_harness import EngineFailedError, EngineHarness, Program
from tests.rehearsal.kubernetes_provider.conftest import SKIP_AWAIT, Cluster, Options, k8s, pod_template

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


def config_map(cluster: Cluster, data: dict[str, Any], *, name: str, **provider_arguments: Any) -> Program:
    def declare(options: Options) -> None:
        metadata = {"namespace": cluster.namespace, "name": name}
        made = k8s.core.v1.ConfigMap("settings", metadata=metadata, data=data, opts=options())
        pulumi.export("uid", made.metadata.uid)

    return cluster.program(declare, **provider_arguments)


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


REFUSES_SINCE = (4, 29)
"""The first version that refuses to create what exists already, unless it is told to take it over.

https://github.com/pulumi/pulumi-kubernetes/releases/tag/v4.29.0
"""


@pytest.mark.parametrize("told_to", [False, True], ids=["by itself", "told to"])
def test_whether_an_object_that_exists_already_is_taken_over_depends_on_the_providers_version(
    engine: EngineHarness, cluster: Cluster, provider_version: tuple[int, int], told_to: bool
) -> None:
    found = cluster.api.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": cluster.namespace},
            "data": {"a": "1"},
        }
    )
    program = config_map(cluster, {"a": "1"}, name="settings", upsert_existing_objects=told_to)
    if told_to or provider_version < REFUSES_SINCE:
        engine.up(program)
        assert engine.outputs()["uid"] == found["metadata"]["uid"]
        assert engine.up(program).steps == {}
    else:
        with pytest.raises(EngineFailedError, match="already exists"):
            engine.up(program)
        assert engine.state() == []


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
    assert engine.outputs()["data"] == {"key": encoded}
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
