"""Elasticsearch's object on a real API server: who owns its fields, and which updates are refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from components.logging.update_policy import ANYWAY, NAME
from kube.client import KubernetesApi, KubernetesApiError
from tests.rehearsal.conftest import RunningControlPlane, eventually
from tests.unit.program import platform as program

API_VERSION, KIND, NAMESPACE = "elasticsearch.k8s.elastic.co/v1", "Elasticsearch", "logging"
KIBANA = "kibana.k8s.elastic.co/v1"
PROVIDER, OPERATOR = "pulumi-kubernetes", "eck"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
SCHEMA = {"type": "object", "properties": {"spec": ANYTHING, "status": ANYTHING}}


@pytest.fixture(scope="module")
def api(control_plane: RunningControlPlane) -> KubernetesApi:
    """An API server with the kind Elasticsearch and the program's policy on it."""
    client = control_plane.api
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for api_version, kind, plural in ((API_VERSION, KIND, "elasticsearches"), (KIBANA, "Kibana", "kibanas")):
        group, version = api_version.split("/")
        client.create(
            {
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": f"{plural}.{group}"},
                "spec": {
                    "group": group,
                    "scope": "Namespaced",
                    "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                    "versions": [
                        {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}
                    ],
                },
            }
        )
    graph = program("dev", preview=False)
    for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        (one,) = (one for one in graph.of_kind(kind) if one.name == NAME)
        client.create(
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": kind,
                "metadata": {"name": NAME},
                "spec": one.spec,
            }
        )
    return client


def elasticsearch(name: str, storage: str, *, nodes: int = 1, version: str = "9.5.6") -> dict[str, Any]:
    """The program's own object, with another name and size."""
    (one,) = program("dev", preview=False).of_kind(KIND)
    spec = copy.deepcopy(dict(one.spec))
    spec |= {"auth": {}, "version": version}
    (node_set,) = spec["nodeSets"]
    node_set["podTemplate"] = {"spec": {"containers": [{"name": "elasticsearch"}]}}
    node_set["count"] = nodes
    node_set["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = storage
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def in_force(api: KubernetesApi) -> None:
    """Waits until the policy is in force, which takes the API server a moment."""
    api.apply(elasticsearch("probe", "20Gi"), field_manager=PROVIDER)

    def refused() -> bool:
        try:
            api.apply(elasticsearch("probe", "10Gi"), field_manager=PROVIDER, dry_run=True)
        except KubernetesApiError as error:
            return "cannot shrink" in str(error)
        return False

    eventually(refused, "the policy is in force")


def test_a_smaller_volume_is_refused_in_a_preview_too_and_everything_else_is_not(api: KubernetesApi) -> None:
    in_force(api)
    api.apply(elasticsearch("sizes", "30Gi"), field_manager=PROVIDER)
    for storage, nodes in (("30Gi", 3), ("40Gi", 1), ("40Gi", 2), ("0.5Ti", 1)):
        api.apply(elasticsearch("sizes", storage, nodes=nodes), field_manager=PROVIDER)
    for storage in ("10Gi", "511Gi", "1Mi"):
        for dry_run in (True, False):
            with pytest.raises(KubernetesApiError, match=r"volumes cannot shrink: set logs\.storageGib"):
                api.apply(elasticsearch("sizes", storage), field_manager=PROVIDER, dry_run=dry_run)


def test_an_earlier_version_is_refused_in_a_preview_too_and_a_later_one_is_not(api: KubernetesApi) -> None:
    in_force(api)
    for version in ("9.5.6", "9.5.10", "9.6.0", "9.10.0"):
        api.apply(elasticsearch("versions", "30Gi", version=version), field_manager=PROVIDER)
    for version in ("9.9.9", "8.19.0"):
        for dry_run in (True, False):
            with pytest.raises(KubernetesApiError, match="cannot go back to an earlier version"):
                api.apply(elasticsearch("versions", "30Gi", version=version), field_manager=PROVIDER, dry_run=dry_run)
    kibana = {"apiVersion": KIBANA, "kind": "Kibana", "metadata": {"name": "versions", "namespace": NAMESPACE}}
    api.apply({**kibana, "spec": {"version": "9.6.0", "count": 1}}, field_manager=PROVIDER)
    with pytest.raises(KubernetesApiError, match="cannot go back to an earlier version"):
        api.apply({**kibana, "spec": {"version": "9.5.6", "count": 1}}, field_manager=PROVIDER)
    api.apply({**kibana, "spec": {"version": "9.6.0", "count": 2}}, field_manager=PROVIDER)
    anyway = elasticsearch("versions", "30Gi", version="9.9.9")
    anyway["metadata"]["annotations"] = {ANYWAY: "true"}
    api.apply(anyway, field_manager=PROVIDER)


def test_a_change_goes_through_after_the_operator_wrote_the_object_back(api: KubernetesApi) -> None:
    """As ECK does: it updates the object for an annotation of its own, and writes `nodeSets` in its own form."""
    in_force(api)
    api.apply(elasticsearch("owners", "30Gi"), field_manager=PROVIDER)
    theirs = elasticsearch("owners", "30Gi")
    theirs["metadata"]["annotations"] = {"elasticsearch.k8s.elastic.co/cluster-uuid": "4711"}
    theirs["spec"]["nodeSets"][0]["podTemplate"]["spec"]["containers"][0]["resources"] = {}
    api.apply(theirs, field_manager=OPERATOR, force=True)
    for nodes in (2, 1):
        changed = elasticsearch("owners", "40Gi", nodes=nodes)
        if nodes == 2:
            with pytest.raises(KubernetesApiError, match=r"conflict with \"eck\".*nodeSets"):
                api.apply(changed, field_manager=PROVIDER)
        api.apply(changed, field_manager=PROVIDER, force=True)
    found = api.get(API_VERSION, KIND, "owners", NAMESPACE) or {}
    assert found["metadata"]["annotations"] == theirs["metadata"]["annotations"], "what is the operator's stays"
    assert found["spec"]["nodeSets"][0]["count"] == 1
