"""Permissions of Jenkins' agents and buildkitd, on a real API server with everything that the program creates."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.delivery.jenkins.names import BUILD
from contract.identities import PREVIEW, RELEASE, VERIFY, username
from contract.namespaces import DELIVERY
from kube.client import KubernetesApi, KubernetesObject
from rehearsal import control_plane as kubernetes
from rehearsal.layout import Layout
from rehearsal.toolchain import Toolchain
from tests.rehearsal.conftest import eventually
from tests.release import identities
from tests.release.identities import refusal
from tests.unit.components.delivery.previews import with_previews
from tests.unit.components.delivery.test_jenkins import templates
from tests.unit.manifests import manifests

POLICY = "ValidatingAdmissionPolicy 'hello-buildkit'"


@dataclass(frozen=True)
class Cluster:
    """A control plane with the program's objects.

    Attributes:
        kubeconfig: The administrator's.
        api: With all rights; admission holds for it, too.
    """

    kubeconfig: Path
    api: KubernetesApi

    def acting_as(self, account: str) -> KubernetesApi:
        """With the rights of a service account of the delivery namespace."""
        api = KubernetesApi(self.kubeconfig)
        api._rest.set_default_header("Impersonate-User", username(account))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return api


@pytest.fixture(scope="module")
def cluster(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    layout = Layout(tmp_path_factory.mktemp("agents"))
    kubernetes.start(layout, tools, print)
    try:
        api = KubernetesApi(layout.kubeconfig)
        identities.apply_the_program(api, with_previews())
        found = Cluster(layout.kubeconfig, api)
        # A policy holds a moment after the API server has it.
        privileged = changed(buildkitd(), ["containers", 0, "securityContext", "privileged"], value=True)
        eventually(lambda: refusal(lambda: try_out(api, privileged)) is not None, "the policy holds")
        yield found
    finally:
        kubernetes.stop(layout)


def try_out(api: KubernetesApi, pod: KubernetesObject) -> None:
    """A dry run."""
    api.apply(pod, field_manager="test", dry_run=True)


def buildkitd() -> KubernetesObject:
    """A pod as the program's Deployment makes it."""
    deployments = [one for one in manifests(with_previews()) if one["kind"] == "Deployment"]
    (deployment,) = (one for one in deployments if one["metadata"]["name"] == "buildkitd")
    template = copy.deepcopy(deployment["spec"]["template"])
    metadata = {**template["metadata"], "name": "tried", "namespace": "buildkit"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def changed(pod: KubernetesObject, path: list[str | int], *, value: Any) -> KubernetesObject:
    """The pod with one thing of its `spec` changed, or added at a list's end."""
    result = copy.deepcopy(pod)
    here: Any = result["spec"]
    for part in path[:-1]:
        here = here.setdefault(part, {}) if isinstance(part, str) else here[part]
    if path[-1] == "+":
        here.append(value)
    else:
        here[path[-1]] = value
    return result


def test_buildkitd_is_admitted_as_the_program_makes_it(cluster: Cluster) -> None:
    assert refusal(lambda: try_out(cluster.api, buildkitd())) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["containers", 0, "securityContext", "privileged"], True),
        (["containers", 0, "securityContext", "capabilities", "add"], ["SYS_ADMIN"]),
        (["containers", 0, "securityContext", "capabilities"], {}),
        (["containers", 0, "securityContext", "runAsUser"], 0),
        (["securityContext", "runAsNonRoot"], False),
        (["hostNetwork"], True),
        (["hostPID"], True),
        (["hostIPC"], True),
        (["containers", 0, "ports", 0, "hostPort"], 1234),
        (["volumes", "+"], {"name": "node", "hostPath": {"path": "/"}}),
        (["volumes", "+"], {"name": "claim", "persistentVolumeClaim": {"claimName": "jenkins"}}),
        (
            ["initContainers"],
            [{"name": "first", "image": "first", "securityContext": {"privileged": True}}],
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_beside_buildkitd_nothing_with_more_rights_is_admitted(
    cluster: Cluster, path: list[str | int], value: Any
) -> None:
    assert POLICY in (refusal(lambda: try_out(cluster.api, changed(buildkitd(), path, value=value))) or "admitted")


@pytest.mark.parametrize("kind", ["build", "release", "verify", "preview"])
def test_each_agent_is_admitted_under_restricted_and_within_the_quota(cluster: Cluster, kind: str) -> None:
    agent = templates(with_previews())[kind]
    agent["metadata"]["name"] = "tried"
    assert refusal(lambda: try_out(cluster.api, agent)) is None
    escalating = changed(agent, ["containers", 0, "securityContext", "allowPrivilegeEscalation"], value=True)
    assert "PodSecurity" in (refusal(lambda: try_out(cluster.api, escalating)) or "admitted")
    much = {"cpu": "64", "memory": "1Gi"}
    huge = changed(agent, ["containers", 0, "resources"], value={"requests": much, "limits": much})
    assert "exceeded quota" in (refusal(lambda: try_out(cluster.api, huge)) or "admitted")


def requests_that_nobody_may(api: KubernetesApi) -> dict[str, Callable[[], object]]:
    """What no agent asks for, whatever its stage."""
    pod: KubernetesObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "mine", "namespace": "dev"},
        "spec": {"containers": [{"name": "mine", "image": "mine"}]},
    }
    role: KubernetesObject = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "mine", "namespace": "dev"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
    }
    return {
        "secrets of prod": lambda: api.list("v1", "Secret", namespace="prod"),
        "secrets of dev": lambda: api.list("v1", "Secret", namespace="dev"),
        "its own namespace's secrets": lambda: api.list("v1", "Secret", namespace=DELIVERY),
        "jenkins' secrets": lambda: api.get("v1", "Secret", "jenkins-admin", "jenkins"),
        "buildkitd's secrets": lambda: api.get("v1", "Secret", "buildkitd-server", "buildkit"),
        "pods of kube-system": lambda: api.list("v1", "Pod", namespace="kube-system"),
        "nodes": lambda: api.list("v1", "Node"),
        "a pod": lambda: api.create(pod),
        "a role": lambda: api.create(role),
        "roles": lambda: api.list("rbac.authorization.k8s.io/v1", "Role", namespace="dev"),
        "policies": lambda: api.list("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
        "a namespace": lambda: api.get("v1", "Namespace", "prod"),
    }


@pytest.mark.parametrize("account", [BUILD, RELEASE, VERIFY, PREVIEW])
def test_no_agent_reads_secrets_makes_pods_gives_rights_or_looks_elsewhere(cluster: Cluster, account: str) -> None:
    for what, request in requests_that_nobody_may(cluster.acting_as(account)).items():
        assert "forbidden" in (refusal(request) or "allowed"), what


@pytest.mark.parametrize("account", [BUILD, PREVIEW])
def test_who_builds_or_previews_may_nothing_at_all_by_its_service_account(cluster: Cluster, account: str) -> None:
    api = cluster.acting_as(account)
    for environment in ("dev", "prod"):
        for kind in ("Service", "Pod", "ConfigMap", "Secret", "PodTemplate"):
            assert "forbidden" in (
                refusal(lambda kind=kind, at=environment: api.list("v1", kind, namespace=at)) or kind
            )


def test_who_releases_sees_and_who_verifies_sees_what_they_need(cluster: Cluster) -> None:
    for account in (RELEASE, VERIFY):
        assert cluster.acting_as(account).list("v1", "Service", namespace="dev")
