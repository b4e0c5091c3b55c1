"""Permissions of previews, on a real API server with everything that the program creates: dry runs, and no change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from components.delivery.preview_role.rbac import PREVIEWERS
from kube.client import KubernetesApi, KubernetesObject
from rehearsal import control_plane as kubernetes
from rehearsal.layout import Layout
from rehearsal.toolchain import Toolchain
from tests.rehearsal.conftest import eventually
from tests.release import identities
from tests.release.identities import refusal
from tests.unit.components.delivery.previews import with_previews
from tests.unit.manifests import manifests

MANAGER = "pulumi-kubernetes"
NOT_TRIED = {
    "ClusterRole",
    "ClusterRoleBinding",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "Role",
    "RoleBinding",
    "Secret",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}
"""The Kubernetes provider previews these without the API server, once it is refused."""


@dataclass(frozen=True)
class Cluster:
    """A control plane with the program's objects.

    Attributes:
        api: With all rights.
        previewer: With the rights of who previews.
    """

    api: KubernetesApi
    previewer: KubernetesApi


@pytest.fixture(scope="module")
def cluster(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    layout = Layout(tmp_path_factory.mktemp("previews"))
    kubernetes.start(layout, tools, print)
    try:
        api, previewer = KubernetesApi(layout.kubeconfig), KubernetesApi(layout.kubeconfig)
        identities.apply_the_program(api, with_previews())
        for header, value in (("Impersonate-User", "a-job"), ("Impersonate-Group", PREVIEWERS)):
            previewer._rest.set_default_header(header, value)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        quota = found(api, "v1", "ResourceQuota", "environment", "dev")
        # A policy holds a moment after the API server has it.
        eventually(lambda: "dry runs only" in (refusal(lambda: apply(previewer, quota)) or ""), "the policy holds")
        yield Cluster(api, previewer)
    finally:
        kubernetes.stop(layout)


def found(api: KubernetesApi, version: str, kind: str, name: str, namespace: str | None = None) -> KubernetesObject:
    one = api.get(version, kind, name, namespace)
    assert one is not None
    metadata = {key: one["metadata"][key] for key in ("name", "namespace") if key in one["metadata"]}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": one.get("spec", {})}


def apply(api: KubernetesApi, one: KubernetesObject, *, dry_run: bool = False) -> object:
    return api.apply(one, field_manager=MANAGER, force=True, dry_run=dry_run)


def another(one: KubernetesObject) -> KubernetesObject:
    """The same under a name that is not there yet, as a program would make it."""
    return {**one, "metadata": {**one["metadata"], "name": f"{one['metadata']['name']}-2"}}


def test_everything_that_the_program_makes_is_tried_as_a_dry_run_and_changed_by_nothing_else(cluster: Cluster) -> None:
    tried = [one for one in manifests(with_previews()) if one["kind"] not in NOT_TRIED]
    assert len({one["kind"] for one in tried}) > 10
    for one in tried:
        what = f"{one['kind']} {one['metadata']['name']}"
        assert refusal(lambda one=one: apply(cluster.previewer, one, dry_run=True)) is None, what
        assert "dry runs only" in (refusal(lambda one=one: apply(cluster.previewer, one)) or "allowed"), what


def test_what_is_new_is_tried_too(cluster: Cluster) -> None:
    for kind in ("ConfigMap", "NetworkPolicy", "Namespace", "Service"):
        one = another(next(one for one in manifests(with_previews()) if one["kind"] == kind))
        if kind == "Service":
            one["spec"] = {key: value for key, value in one["spec"].items() if key != "clusterIP"}
        assert refusal(lambda one=one: apply(cluster.previewer, one, dry_run=True)) is None, kind
        assert "dry runs only" in (refusal(lambda one=one: apply(cluster.previewer, one)) or "allowed"), kind
        metadata = one["metadata"]
        assert cluster.api.get(one["apiVersion"], kind, metadata["name"], metadata.get("namespace")) is None


def test_what_the_policy_cannot_guard_is_not_even_tried(cluster: Cluster) -> None:
    kinds = set[str]()
    for one in manifests(with_previews()):
        if one["kind"] in NOT_TRIED:
            kinds.add(one["kind"])
            for dry_run in (True, False):
                told = refusal(lambda one=one, dry_run=dry_run: apply(cluster.previewer, one, dry_run=dry_run))
                assert "cannot patch resource" in (told or "allowed"), one["kind"]
    assert kinds == NOT_TRIED


def test_who_previews_sees_all_that_the_program_makes_but_secrets(cluster: Cluster) -> None:
    """A refresh reads each of them; drift leaves Secrets out."""
    for one in manifests(with_previews()):
        metadata = one["metadata"]
        told = refusal(
            lambda one=one, metadata=metadata: cluster.previewer.get(
                one["apiVersion"], one["kind"], metadata["name"], metadata.get("namespace")
            )
        )
        assert (told is not None) == (one["kind"] == "Secret"), one["kind"]


def refused(api: KubernetesApi) -> dict[str, Callable[[], object]]:
    """What a preview has no business with."""
    call = api._call  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    pod: KubernetesObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "mine", "namespace": "dev"},
        "spec": {"containers": [{"name": "mine", "image": "mine"}]},
    }
    return {
        "secrets of prod": lambda: api.list("v1", "Secret", namespace="prod"),
        "all secrets": lambda: api.list("v1", "Secret"),
        "nodes": lambda: api.list("v1", "Node"),
        "a pod": lambda: api.create(pod),
        "a deletion": lambda: call("delete", "v1", "Service", name="api", namespace="prod"),
        "a deletion as a dry run": lambda: call(
            "delete", "v1", "Service", name="api", namespace="prod", query_params=[("dryRun", "All")]
        ),
    }


def test_who_previews_reads_no_secret_makes_no_pod_and_deletes_nothing(cluster: Cluster) -> None:
    for what, request in refused(cluster.previewer).items():
        assert "forbidden" in (refusal(request) or "allowed"), what


def test_the_policy_is_about_nobody_else(cluster: Cluster) -> None:
    quota = found(cluster.api, "v1", "ResourceQuota", "environment", "dev")
    assert refusal(lambda: apply(cluster.api, quota)) is None
