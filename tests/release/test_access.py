"""Permissions of the release identities: the program's own Roles and policies, on a real API server."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from components.workload.admission import fields
from contract.blue_green import OVERRIDE, SERVICE_PORT, VERIFIED_ENVIRONMENT, verified_images_name
from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject, has_condition
from rehearsal import control_plane as kubernetes
from rehearsal.layout import Layout
from rehearsal.toolchain import Toolchain
from release import prune, slots
from release.commands import releases, reports
from release.commands.verify import verify as record_verified
from release.errors import ExitCode
from release.history import Revision
from release.hooks import jobs
from release.hooks.values import Hook, HookSettings
from release.session import Options, Session
from release.state import Slot
from tests.rehearsal.conftest import eventually
from tests.release import identities
from tests.release.identities import refusal
from tests.release.platform import QUICK, configure
from tests.release.web import Web
from tests.unit.release.model import service_state

SERVICE = "api"
POLICY = "ValidatingAdmissionPolicy"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Guarded:
    """A control plane with everything that the program makes.

    Attributes:
        kubeconfig: The administrator's.
        api: With all rights; admission holds for it, too.
        web: What answers for the services.
    """

    kubeconfig: Path
    api: KubernetesApi
    web: Web

    def acting_as(self, identity: str) -> KubernetesApi:
        """With the rights of one of those who release."""
        return identities.acting_as(self.kubeconfig, identity)

    def session(self, identity: str, monkeypatch: pytest.MonkeyPatch) -> Session:
        """A session of the tool with one of these identities."""

        def acting(*_: object, **__: object) -> KubernetesApi:
            return self.acting_as(identity)

        def caller(_: KubernetesApi) -> Web:
            return self.web

        monkeypatch.setattr("release.session.KubernetesApi", acting)
        monkeypatch.setattr("release.session.ThroughApiServer", caller)
        return Session(Options(as_json=True, image_tags=False, limits=QUICK))

    def slot(self, image: str, *, slot: str = "green", replicas: int = 0, **options: Any) -> KubernetesObject:
        """A slot of prod with an image, which may be one that the tool would not render."""
        template = self.api.get("v1", "PodTemplate", SERVICE, VERIFIED_ENVIRONMENT)
        assert template is not None
        rendered = slots.render(template, slot=slot, image=new_image(), replicas=replicas, **options)
        rendered["spec"]["template"]["spec"]["containers"][0]["image"] = image
        return rendered


def new_image(service: str = SERVICE) -> str:
    return f"{identities.repository(service)}@sha256:{next(_numbers):064x}"


def digits(image: str) -> str:
    return image.rpartition("@sha256:")[2]


@pytest.fixture(scope="module")
def guarded(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    layout = Layout(tmp_path_factory.mktemp("guarded"))
    kubernetes.start(layout, tools, print)
    try:
        api = KubernetesApi(layout.kubeconfig)
        identities.add_nodes(api)
        identities.apply_the_program(api)
        with Web(SERVICE_PORT) as web:
            found = Guarded(layout.kubeconfig, api, web)
            # A policy holds a moment after the API server has it.
            eventually(
                lambda: refusal(lambda: apply_template(api, found.slot(new_image()))) is not None, "policies hold"
            )
            yield found
    finally:
        kubernetes.stop(layout)


@pytest.fixture(scope="module")
def releaser(guarded: Guarded) -> KubernetesApi:
    """The API server as the releasing service account reaches it."""
    return guarded.acting_as("release")


def apply_template(api: KubernetesApi, slot: KubernetesObject) -> KubernetesObject:
    """A dry run."""
    return api.apply(slot, field_manager="hello-release", force=True, dry_run=True)


def is_refused_by_policy(request: Callable[[], object], name: str) -> None:
    assert f"{POLICY} '{name}'" in (refusal(request) or "nothing")


# Fields

FIELDS = "fields"
"""A namespace that is an environment's by its label, and in which RBAC allows everything."""


def replaced(path: str, value: object) -> list[dict[str, Any]]:
    return [{"op": "add", "path": path, "value": value}]


CHANGES: dict[str, dict[str, list[dict[str, Any]] | None]] = {
    "Service": {
        "allocateLoadBalancerNodePorts": replaced("/spec/allocateLoadBalancerNodePorts", False),
        "clusterIP": None,
        "clusterIPs": None,
        "externalIPs": replaced("/spec/externalIPs", ["192.0.2.1"]),
        "externalName": replaced("/spec/externalName", "example.com"),
        "externalTrafficPolicy": None,
        "healthCheckNodePort": None,
        "internalTrafficPolicy": replaced("/spec/internalTrafficPolicy", "Local"),
        "ipFamilies": None,
        "ipFamilyPolicy": replaced("/spec/ipFamilyPolicy", "PreferDualStack"),
        "loadBalancerClass": None,
        "loadBalancerIP": replaced("/spec/loadBalancerIP", "192.0.2.2"),
        "loadBalancerSourceRanges": replaced("/spec/loadBalancerSourceRanges", ["192.0.2.0/24"]),
        "ports": replaced("/spec/ports/0/targetPort", 81),
        "publishNotReadyAddresses": replaced("/spec/publishNotReadyAddresses", True),
        "selector": replaced("/spec/selector/slot", "red"),
        "sessionAffinity": [
            {"op": "replace", "path": "/spec/sessionAffinity", "value": "None"},
            {"op": "remove", "path": "/spec/sessionAffinityConfig"},
        ],
        "sessionAffinityConfig": replaced("/spec/sessionAffinityConfig/clientIP/timeoutSeconds", 1),
        "trafficDistribution": replaced("/spec/trafficDistribution", "PreferClose"),
        "type": [],
    },
    "HorizontalPodAutoscaler": {
        "behavior": replaced("/spec/behavior", {"scaleDown": {"stabilizationWindowSeconds": 1}}),
        "maxReplicas": replaced("/spec/maxReplicas", 9),
        "metrics": replaced("/spec/metrics/0/resource/target/averageUtilization", 1),
        "minReplicas": replaced("/spec/minReplicas", 1),
        "scaleTargetRef": replaced("/spec/scaleTargetRef/name", "other-blue"),
    },
    "Deployment": {
        "minReadySeconds": [],
        "paused": replaced("/spec/paused", True),
        "progressDeadlineSeconds": replaced("/spec/progressDeadlineSeconds", 999),
        "replicas": [],
        "revisionHistoryLimit": [],
        "selector": None,
        "strategy": replaced("/spec/strategy", {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}}),
        "template": [],
    },
}
"""A change of each field of a spec that the API server takes; None where it takes none, [] where it is tried apart."""

MORE = [
    ("plain", replaced("/spec/type", "NodePort")),
    ("Service", replaced("/spec/selector/more", "yes")),
    ("Service", [{"op": "remove", "path": "/spec/selector/app.kubernetes.io~1name"}]),
    ("Service", replaced("/spec/selector/app.kubernetes.io~1name", "other")),
    ("Service", [{"op": "remove", "path": "/spec/selector/slot"}]),
    ("Service", [{"op": "remove", "path": "/spec/selector"}]),
    ("Service", replaced("/spec/ports/-", {"name": "more", "port": 99})),
    ("Service", [{"op": "remove", "path": "/spec/loadBalancerSourceRanges"}]),
    ("HorizontalPodAutoscaler", replaced("/spec/scaleTargetRef/kind", "ReplicaSet")),
    ("HorizontalPodAutoscaler", replaced("/spec/scaleTargetRef/apiVersion", "apps/v2")),
    ("HorizontalPodAutoscaler", [{"op": "remove", "path": "/spec/minReplicas"}]),
]
"""What is not a field of a spec: keys, list items, parts, and a field that goes."""

METADATA = {
    "annotations": replaced("/metadata/annotations/note", "new"),
    "finalizers": replaced("/metadata/finalizers", ["example.com/mine"]),
    "generateName": replaced("/metadata/generateName", "x"),
    "labels": replaced("/metadata/labels/note", "new"),
    "ownerReferences": replaced(
        "/metadata/ownerReferences",
        [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "8d0a1b3e-0000-4000-8000-000000000000"}],
    ),
    "selfLink": replaced("/metadata/selfLink", "/x"),
}
KEPT_BY_THE_SERVER: dict[str, object] = {
    "creationTimestamp": "2020-01-01T00:00:00Z",
    "deletionGracePeriodSeconds": 1,
    "deletionTimestamp": "2020-01-01T00:00:00Z",
    "generation": 77,
    "managedFields": [],
    "name": "x",
    "namespace": "x",
    "resourceVersion": "1",
    "uid": "8d0a1b3e-0000-4000-8000-000000000000",
}

FOREIGN = [
    *((kind, change) for kind, changes in CHANGES.items() for change in changes.values() if change),
    *((kind, change) for kind in CHANGES for change in METADATA.values()),
    *MORE,
]
"""Every change that is not a release's."""

OWN = {
    "Service": replaced("/spec/selector/slot", "green"),
    "HorizontalPodAutoscaler": replaced("/spec/scaleTargetRef/name", "whole-green"),
    "Deployment": replaced("/spec/replicas", 3),
}
"""What a release changes."""

SCHEMAS = {
    "Service": ("api/v1", "io.k8s.api.core.v1.ServiceSpec"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec"),
    "Deployment": ("apis/apps/v1", "io.k8s.api.apps.v1.DeploymentSpec"),
}

BARE = {"labels": {"note": "old"}, "annotations": {"note": "old"}, "namespace": FIELDS}
SELECTOR = {"app.kubernetes.io/name": "whole", "slot": "blue"}
WHOLE: list[KubernetesObject] = [
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**BARE, "name": "whole"},
        "spec": {
            "type": "LoadBalancer",
            "allocateLoadBalancerNodePorts": True,
            "loadBalancerClass": "example.com/none",
            "loadBalancerSourceRanges": ["198.51.100.0/24"],
            "selector": SELECTOR,
            "ports": [{"name": "http", "port": 80}],
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 99}},
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**BARE, "name": "plain"},
        "spec": {"selector": SELECTOR, "ports": [{"name": "http", "port": 80}]},
    },
    {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {**BARE, "name": "whole"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "whole-blue"},
            "minReplicas": 2,
            "maxReplicas": 3,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
                }
            ],
        },
    },
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**BARE, "name": "whole-blue"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": SELECTOR},
            "template": {
                "metadata": {"labels": SELECTOR},
                "spec": {"containers": [{"name": "c", "image": "registry.example.com/one"}]},
            },
        },
    },
]


@pytest.fixture(scope="module")
def whole(guarded: Guarded) -> dict[str, KubernetesObject]:
    """A Service, an autoscaler and a Deployment with every field that can be had, where only admission says no."""
    metadata = {"name": FIELDS, "labels": {"environment": "dev"}}
    guarded.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    everything = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    people = [
        {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user} for user in identities.USERS.values()
    ]
    guarded.api.create(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "everything", "namespace": FIELDS},
            "roleRef": everything,
            "subjects": people,
        }
    )
    made = [guarded.api.create(one) for one in WHOLE]
    return {one["metadata"]["name"] if one["metadata"]["name"] == "plain" else one["kind"]: one for one in made}


@pytest.mark.parametrize("kind", CHANGES)
def test_every_field_that_the_api_server_knows_is_tried(guarded: Guarded, kind: str) -> None:
    path, schema = SCHEMAS[kind]
    api: Any = guarded.api._rest  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    answer = api.call_api(f"/openapi/v3/{path}", "GET", response_types_map={200: "object"}, _return_http_data_only=True)
    known = answer["components"]["schemas"]
    assert set(known[schema]["properties"]) == set(CHANGES[kind])
    metadata = known["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]["properties"]
    assert set(metadata) == set(METADATA) | set(KEPT_BY_THE_SERVER)
    assert set(METADATA) == set(fields.METADATA)


@pytest.mark.parametrize("identity", ["release", "person"])
def test_who_releases_changes_no_field_but_the_one(
    guarded: Guarded, whole: dict[str, KubernetesObject], identity: str
) -> None:
    api = guarded.acting_as(identity)
    for kind, change in FOREIGN:
        assert refusal(lambda: identities.patch(guarded.api, whole[kind], change)) is None, change  # noqa: B023
        policy = f"hello-release-{whole[kind]['kind'].lower()}s"
        is_refused_by_policy(lambda: identities.patch(api, whole[kind], change), policy)  # noqa: B023


def with_foreign_changes(kind: str) -> st.SearchStrategy[tuple[str, list[dict[str, Any]]]]:
    """A release's own change, and others along with it."""
    foreign = [change for one, change in FOREIGN if one == kind]
    return st.lists(st.sampled_from(foreign), min_size=1, max_size=3).map(
        lambda drawn: (kind, [*OWN[kind], *itertools.chain.from_iterable(drawn)])
    )


@given(st.sampled_from(list(OWN)).flatmap(with_foreign_changes))
@settings(max_examples=60, deadline=None)
def test_a_change_that_a_release_may_make_carries_no_other_along(
    guarded: Guarded,
    whole: dict[str, KubernetesObject],
    releaser: KubernetesApi,
    drawn: tuple[str, list[dict[str, Any]]],
) -> None:
    kind, change = drawn
    assume(refusal(lambda: identities.patch(guarded.api, whole[kind], change)) is None)
    is_refused_by_policy(
        lambda: identities.patch(releaser, whole[kind], change), f"hello-release-{whole[kind]['kind'].lower()}s"
    )


def test_what_nobody_can_change_who_releases_cannot(guarded: Guarded, whole: dict[str, KubernetesObject]) -> None:
    api = guarded.acting_as("release")
    server_side = {"managedFields", "resourceVersion"}
    for one in whole.values():
        for field in (field for field, change in CHANGES[one["kind"]].items() if change is None):
            assert refusal(lambda: identities.patch(api, one, replaced(f"/spec/{field}", OTHER[field]))), field  # noqa: B023
        for field, value in KEPT_BY_THE_SERVER.items():
            try:
                after = identities.patch(api, one, replaced(f"/metadata/{field}", value))
            except KubernetesApiError:
                continue
            now, before = after["metadata"], identities.patch(guarded.api, one, [])["metadata"]
            assert {key: now[key] for key in now if key not in server_side} == {
                key: before[key] for key in before if key not in server_side
            }, field


OTHER: dict[str, object] = {
    "clusterIP": "10.0.0.99",
    "clusterIPs": ["10.0.0.99"],
    "externalTrafficPolicy": "Local",
    "healthCheckNodePort": 32000,
    "ipFamilies": ["IPv6"],
    "loadBalancerClass": "example.com/other",
    "selector": {"matchLabels": {"slot": "green"}},
}


@pytest.mark.parametrize("identity", ["release", "person"])
def test_who_releases_changes_the_slot_the_target_the_pods_and_their_number(
    guarded: Guarded, whole: dict[str, KubernetesObject], identity: str
) -> None:
    api = guarded.acting_as(identity)
    for kind, change in OWN.items():
        identities.patch(api, whole[kind], change)
    image = replaced("/spec/template/spec/containers/0/image", "registry.example.com/two")
    identities.patch(api, whole["Deployment"], image)


def test_who_releases_creates_histories_and_locks_and_deletes_configuration_only(
    guarded: Guarded, whole: dict[str, KubernetesObject]
) -> None:
    assert whole
    api = guarded.acting_as("release")

    def one(kind: str, name: str) -> KubernetesObject:
        version = {"ConfigMap": "v1", "Lease": "coordination.k8s.io/v1"}[kind]
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": FIELDS}}

    api.create(one("ConfigMap", f"{SERVICE}-releases"))
    api.create(one("Lease", f"{SERVICE}-release"))
    for kind, name in [
        ("ConfigMap", verified_images_name(SERVICE)),
        ("ConfigMap", f"{SERVICE}-0123456789"),
        ("ConfigMap", "other-releases"),
        ("Lease", "other"),
    ]:
        is_refused_by_policy(lambda: api.create(one(kind, name)), "hello-release-names")  # noqa: B023
    for name, may in [
        (f"{SERVICE}-0123456789", True),
        (f"{SERVICE}-more-0123456789", False),
        (verified_images_name(SERVICE), False),
    ]:
        guarded.api.create(one("ConfigMap", name))
        told = refusal(lambda: api.delete("v1", "ConfigMap", name, FIELDS))  # noqa: B023
        assert (told is None) == may, name
    is_refused_by_policy(lambda: api.delete("v1", "ConfigMap", f"{SERVICE}-releases", FIELDS), "hello-release-names")
    for name, may in [(f"{SERVICE}.8080", True), (SERVICE, False), ("default-deny", False), ("other.8080", False)]:
        policy = ("networking.k8s.io/v1", "NetworkPolicy")
        body = {"apiVersion": policy[0], "kind": policy[1], "metadata": {"name": name, "namespace": FIELDS}}
        guarded.api.create({**body, "spec": {"podSelector": {}}})
        told = refusal(lambda: api.delete(*policy, name, FIELDS))  # noqa: B023
        assert (told is None) == may, name


# Images


def test_prod_takes_no_image_that_was_not_verified_and_each_that_was(guarded: Guarded) -> None:
    image = new_image()
    for api in (guarded.acting_as("release"), guarded.acting_as("person"), guarded.api):
        is_refused_by_policy(lambda: apply_template(api, guarded.slot(image)), "hello-verified-images")  # noqa: B023
    verify(guarded, image)
    for identity in ("release", "person"):
        apply_template(guarded.acting_as(identity), guarded.slot(image))
    sidecar = guarded.slot(image)
    containers = sidecar["spec"]["template"]["spec"]["containers"]
    containers.append({**containers[0], "name": "more", "image": new_image(), "ports": []})
    is_refused_by_policy(lambda: apply_template(guarded.acting_as("release"), sidecar), "hello-verified-images")
    first = guarded.slot(image)
    (container,) = first["spec"]["template"]["spec"]["containers"]
    first["spec"]["template"]["spec"]["initContainers"] = [
        {"name": "first", "image": new_image(), "securityContext": container["securityContext"]}
    ]
    is_refused_by_policy(lambda: apply_template(guarded.acting_as("release"), first), "hello-verified-images")


def verify(guarded: Guarded, image: str) -> None:
    """Records an image as the verifying identity, and waits until admission knows."""
    name = verified_images_name(SERVICE)
    found = guarded.api.get("v1", "ConfigMap", name, VERIFIED_ENVIRONMENT)
    assert found is not None
    value = '{"by": "me", "at": "2026-01-01T00:00:00+00:00"}'
    known: dict[str, str] = found.get("data") or {}
    data = {**known, digits(image): value}
    guarded.acting_as("verify").json_patch(
        "v1", "ConfigMap", name, replaced("/data", data), namespace=VERIFIED_ENVIRONMENT
    )
    eventually(lambda: refusal(lambda: apply_template(guarded.api, guarded.slot(image))) is None, "the record holds")


@pytest.mark.parametrize(
    "image",
    [
        f"registry.example.com/hello-prod/api@sha256:{'a' * 64}",
        "{ours}:latest",
        "{ours}",
        f"{{ours}}@sha256:{'a' * 63}",
        f"{{ours}}:tag@sha256:{'a' * 64}",
        f"{{ours}}-other@sha256:{'a' * 64}",
        f"{{other}}@sha256:{'a' * 64}",
    ],
)
def test_prod_takes_images_of_the_services_own_repository_by_digest_only(guarded: Guarded, image: str) -> None:
    """Whoever brings them in, and whatever the records say."""
    name = image.format(ours=identities.repository(SERVICE), other=identities.repository("ai"))
    for api in (guarded.acting_as("person"), guarded.api):
        slot = guarded.slot(name, override="it is urgent")
        is_refused_by_policy(lambda: apply_template(api, slot), "hello-own-images")  # noqa: B023


def test_in_prod_a_deployment_begins_with_the_sentinel_and_no_pods(guarded: Guarded) -> None:
    name = {"name": "crawling-green", "namespace": VERIFIED_ENVIRONMENT}
    (seed,) = (
        one
        for one in identities.manifests(identities.platform(identities.STACK, preview=False))
        if one["kind"] == "Deployment" and name.items() <= one["metadata"].items()
    )
    guarded.api.delete("apps/v1", "Deployment", name["name"], VERIFIED_ENVIRONMENT)
    made = {**guarded.slot(new_image("crawling")), "metadata": name}
    is_refused_by_policy(lambda: apply_template(guarded.api, made), "hello-own-images")
    scaled = {**seed, "spec": {**seed["spec"], "replicas": 1}}
    is_refused_by_policy(lambda: apply_template(guarded.api, scaled), "hello-own-images")
    guarded.api.apply(seed, field_manager="pulumi")
    for foreign in ("other-blue", "api-red", "api"):
        other = {**seed, "metadata": {**name, "name": foreign}}
        is_refused_by_policy(lambda: apply_template(guarded.api, other), "hello-own-images")  # noqa: B023


def test_dev_takes_what_was_never_verified(guarded: Guarded) -> None:
    slot = guarded.slot(new_image())
    slot["metadata"]["namespace"] = "dev"
    apply_template(guarded.acting_as("release"), slot)


def test_an_override_is_a_persons(guarded: Guarded) -> None:
    slot = guarded.slot(new_image(), override="users cannot log in")
    assert slot["spec"]["template"]["metadata"]["annotations"][OVERRIDE] == "users cannot log in"
    is_refused_by_policy(lambda: apply_template(guarded.acting_as("release"), slot), "hello-verified-images")
    apply_template(guarded.acting_as("person"), slot)
    slot["spec"]["template"]["metadata"]["annotations"][OVERRIDE] = ""
    is_refused_by_policy(lambda: apply_template(guarded.acting_as("person"), slot), "hello-verified-images")


def test_what_is_live_restarts_and_scales_without_its_record(guarded: Guarded) -> None:
    image = new_image()
    verify(guarded, image)
    release = guarded.acting_as("release")
    release.apply(guarded.slot(image, slot="blue", replicas=1), field_manager="hello-release", force=True)
    name, deployment = verified_images_name(SERVICE), f"{SERVICE}-blue"

    def pods() -> list[str]:
        found = guarded.api.list(
            "v1", "Pod", namespace=VERIFIED_ENVIRONMENT, label_selector="app.kubernetes.io/name=api,slot=blue"
        )
        return [one["metadata"]["uid"] for one in found if one.get("status", {}).get("phase") == "Running"]

    eventually(lambda: len(pods()) == 1, "a pod runs")
    record = guarded.api.get("v1", "ConfigMap", name, VERIFIED_ENVIRONMENT)
    guarded.api.json_patch("v1", "ConfigMap", name, replaced("/data", {}), namespace=VERIFIED_ENVIRONMENT)
    eventually(lambda: refusal(lambda: apply_template(release, guarded.slot(image))) is not None, "the record is gone")
    before = pods()
    found = guarded.api.list(
        "v1", "Pod", namespace=VERIFIED_ENVIRONMENT, label_selector="app.kubernetes.io/name=api,slot=blue"
    )
    for one in found:
        guarded.api.delete("v1", "Pod", one["metadata"]["name"], VERIFIED_ENVIRONMENT, grace_seconds=0)
    eventually(lambda: len(pods()) == 1 and pods() != before, "another pod runs")
    release.json_patch(
        "apps/v1", "Deployment", deployment, replaced("/spec/replicas", 2), namespace=VERIFIED_ENVIRONMENT
    )
    eventually(lambda: len(pods()) == 2, "a second pod runs")
    release.json_patch(
        "apps/v1", "Deployment", deployment, replaced("/spec/replicas", 0), namespace=VERIFIED_ENVIRONMENT
    )
    assert record is not None


# Jobs of hooks

HOOK_OF_API = HookSettings(Hook.BEFORE_SWITCH, ("./migrate",))


def hook_job(guarded: Guarded, image: str, environment: str) -> KubernetesObject:
    """The Job of a hook as the tool makes it, from a slot with an image."""
    slot = guarded.slot(image)
    slot["metadata"]["namespace"] = environment
    state = service_state(Slot("blue"), Slot("green", Revision(image, None)), environment=environment)
    name = f"{SERVICE}-beforeswitch-{next(_numbers):08x}"
    return jobs.manifest(slot, state, HOOK_OF_API, slot="green", name=name)


def test_prod_takes_a_hook_of_a_verified_image_only_whoever_creates_it(guarded: Guarded) -> None:
    image = new_image()
    for identity in ("release", "person"):
        job = hook_job(guarded, image, VERIFIED_ENVIRONMENT)
        is_refused_by_policy(lambda: guarded.acting_as(identity).create(job), "hello-verified-images")  # noqa: B023
    is_refused_by_policy(lambda: guarded.api.create(hook_job(guarded, image, "prod")), "hello-verified-images")
    unlabelled = hook_job(guarded, image, VERIFIED_ENVIRONMENT)
    unlabelled["metadata"]["labels"] = {"app": "other"}  # without any, it would get those of its pod
    is_refused_by_policy(lambda: guarded.api.create(unlabelled), "hello-own-images")
    foreign = hook_job(guarded, image, VERIFIED_ENVIRONMENT)
    foreign["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/other:latest"
    foreign["spec"]["template"]["metadata"]["annotations"][OVERRIDE] = "it is urgent"
    person = guarded.acting_as("person")
    is_refused_by_policy(lambda: person.create(foreign), "hello-own-images")
    urgent = hook_job(guarded, new_image(), VERIFIED_ENVIRONMENT)
    urgent["spec"]["template"]["metadata"]["annotations"][OVERRIDE] = "it is urgent"
    person.create(urgent)
    verify(guarded, image)
    release, job = guarded.acting_as("release"), hook_job(guarded, image, VERIFIED_ENVIRONMENT)
    release.create(job)
    name = job["metadata"]["name"]

    def ended() -> bool:
        found = release.list("batch/v1", "Job", namespace="prod", label_selector="app.kubernetes.io/name=api")
        return any(has_condition(one, "Complete") for one in found if one["metadata"]["name"] == name)

    eventually(ended, "the Job is complete: its pod passes Pod Security, the quota and the scheduler")
    assert refusal(lambda: release.delete("batch/v1", "Job", name, "prod")) is not None
    # Its pod is KWOK's, which writes nothing: that the log may be asked for is what counts.
    assert not any("forbidden" in line for line in jobs.logs(release, VERIFIED_ENVIRONMENT, name))


@pytest.mark.parametrize("spoil", ["name", "service", "slot", "account", "hook"])
def test_a_releaser_creates_no_other_job(guarded: Guarded, spoil: str) -> None:
    job = hook_job(guarded, new_image(), "dev")
    template = job["spec"]["template"]
    match spoil:
        case "name":
            job["metadata"]["name"] = "miner"
        case "service":
            template["metadata"]["labels"]["app.kubernetes.io/name"] = "gateway"
        case "slot":
            template["metadata"]["labels"]["slot"] = "blue"
        case "account":
            template["spec"]["serviceAccountName"] = "gateway"
        case _:
            job["metadata"]["labels"]["hello-platform/hook"] = "other"
    for identity in ("release", "person"):
        is_refused_by_policy(lambda: guarded.acting_as(identity).create(job), "hello-release-jobs")  # noqa: B023
    guarded.acting_as("release").create(hook_job(guarded, new_image(), "dev"))


# Commands and rights


def test_each_command_runs_as_who_may_run_it(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no right but those of the program's Roles; ECR is not part of it."""
    release, verifier, person = (guarded.session(name, monkeypatch) for name in ("release", "verify", "person"))
    first, second = new_image("gateway"), new_image("gateway")

    assert releases.deploy(release, "dev", {"gateway": first}, override=None) is ExitCode.DONE
    assert record_verified(verifier, "dev", "gateway") is ExitCode.DONE
    eventually(lambda: releases.promote(release, ["gateway"]) is ExitCode.DONE, "what was verified is promoted")
    assert releases.deploy(person, "prod", {"gateway": second}, override="users cannot log in") is ExitCode.DONE
    for session in (release, person):
        assert releases.rollback(session, "prod", ["gateway"], keep_failed=True) is ExitCode.DONE
        assert releases.switch(session, "prod", "gateway", None) is ExitCode.DONE
        assert releases.retire(session, "prod", ["gateway"], now=True) is ExitCode.DONE
        assert releases.rollback(session, "prod", ["gateway"], keep_failed=True) is ExitCode.DONE, (
            "a slot is warmed without its record"
        )
        assert releases.switch(session, "prod", "gateway", None) is ExitCode.DONE
    assert releases.deploy(person, "prod", {"gateway": first}, override=None) is ExitCode.DONE
    for session in (release, verifier, person):
        assert session.services("dev")
        assert reports.history(session, "prod", "gateway") is ExitCode.DONE
    for session in (release, person):
        assert reports.status(session, ["prod"], ["gateway"], watch=False) is ExitCode.DONE


def test_retire_takes_a_secret_along_that_it_may_not_read_or_delete(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves alone what the program named last, though no slot runs yet."""

    def secrets() -> set[str]:
        found = guarded.api.list("v1", "Secret", namespace="prod", label_selector="app.kubernetes.io/name=ai")
        return {one["metadata"]["name"] for one in found}

    named = secrets()
    configure(guarded.api, "prod", "ai", "ai-00000000ff")
    assert len(secrets()) == len(named) + 1
    monkeypatch.setattr(prune, "MIN_AGE", timedelta(seconds=-60))
    assert releases.retire(guarded.session("release", monkeypatch), "prod", ["ai"], now=True) is ExitCode.DONE
    eventually(lambda: secrets() == named, "the Secret is gone with the ConfigMap that owns it")


def test_an_override_without_the_right_changes_nothing(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    release = guarded.session("release", monkeypatch)
    assert releases.deploy(release, "prod", {"ai": new_image("ai")}, override="I say so") is ExitCode.REFUSED
    assert guarded.api.get("v1", "ConfigMap", "ai-releases", "prod") is None


RIGHTS: list[tuple[str, str, str, str | None]] = [
    # namespace, verb, resource, name
    ("prod", "get", "secrets", None),
    ("prod", "list", "secrets", None),
    ("prod", "watch", "secrets", None),
    ("prod", "delete", "secrets", None),
    ("prod", "deletecollection", "secrets", None),
    ("prod", "create", "pods", None),
    ("prod", "create", "pods/exec", None),
    ("prod", "create", "pods/portforward", None),
    ("prod", "create", "pods/eviction", None),
    ("prod", "delete", "pods", None),
    ("prod", "create", "deployments.apps", None),
    ("prod", "delete", "deployments.apps", "api-blue"),
    ("prod", "patch", "deployments.apps", "other-blue"),
    ("prod", "update", "deployments.apps/scale", "api-blue"),
    ("prod", "create", "services", None),
    ("prod", "delete", "services", "api"),
    ("prod", "patch", "services", "other"),
    ("prod", "patch", "services/status", "api"),
    ("prod", "patch", "podtemplates", "api"),
    ("prod", "patch", "horizontalpodautoscalers.autoscaling", "other"),
    ("prod", "patch", "networkpolicies.networking.k8s.io", None),
    ("prod", "deletecollection", "networkpolicies.networking.k8s.io", None),
    ("prod", "patch", "resourcequotas", None),
    ("prod", "create", "serviceaccounts/token", None),
    ("prod", "get", "configmaps", "other"),
    ("prod", "deletecollection", "configmaps", None),
    ("prod", "create", "roles.rbac.authorization.k8s.io", None),
    ("prod", "create", "rolebindings.rbac.authorization.k8s.io", None),
    ("prod", "bind", "roles.rbac.authorization.k8s.io", None),
    ("prod", "escalate", "roles.rbac.authorization.k8s.io", None),
    ("delivery", "get", "pods", None),
    ("delivery", "create", "serviceaccounts/token", None),
    ("kube-system", "list", "configmaps", None),
    ("logging", "list", "pods", None),
    ("default", "create", "configmaps", None),
    ("", "list", "namespaces", None),
    ("", "patch", "namespaces", "prod"),
    ("", "list", "nodes", None),
    ("", "impersonate", "users", None),
    ("", "patch", "validatingadmissionpolicies.admissionregistration.k8s.io", None),
    ("", "delete", "validatingadmissionpolicybindings.admissionregistration.k8s.io", None),
]
"""What none of them may."""


def test_service_accounts_come_with_tokens_of_their_own(guarded: Guarded) -> None:
    """And not as whom an administrator makes himself: a policy asks for the name that is in the token."""
    for identity in identities.ACCOUNTS:
        review: KubernetesObject = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "SelfSubjectReview",
            "metadata": {},
        }
        told = guarded.acting_as(identity).create(review)["status"]["userInfo"]
        assert told["username"] == identities.USERS[identity]
        assert "system:serviceaccounts:delivery" in told["groups"]
        assert told["extra"]["authentication.kubernetes.io/credential-id"], "impersonation has none"


VERIFIES = ("prod", "patch", "configmaps", verified_images_name(SERVICE))
OVERRIDES = ("prod", "override", "configmaps", verified_images_name(SERVICE))
ASKS = ("prod", "get", "services/proxy", "api:http")
SWITCHES = ("prod", "patch", "services", "api")


def may(api: KubernetesApi, namespace: str, verb: str, resource: str, name: str | None) -> bool:
    kind, _, subresource = resource.partition("/")
    plural, _, group = kind.partition(".")
    attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": plural}
    attributes |= {"subresource": subresource, "name": name or ""}
    review: KubernetesObject = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
    }
    return bool(api.create({**review, "spec": {"resourceAttributes": attributes}})["status"]["allowed"])


@pytest.mark.parametrize(
    ("identity", "rights"),
    [("release", {SWITCHES}), ("verify", {VERIFIES}), ("person", {SWITCHES, OVERRIDES, ASKS})],
)
def test_who_delivers_may_do_nothing_else(
    guarded: Guarded, identity: str, rights: set[tuple[str, str, str, str]]
) -> None:
    api = guarded.acting_as(identity)
    assert [one for one in RIGHTS if may(api, *one)] == []
    assert {one for one in (VERIFIES, OVERRIDES, ASKS, SWITCHES) if may(api, *one)} == rights


def test_who_verifies_changes_records_and_nothing_else(guarded: Guarded) -> None:
    """Every kind of object that the API server has: no verb that changes one, in any environment."""
    api = guarded.acting_as("verify")
    for namespace in ("dev", "prod", "delivery"):
        for resource in ("deployments.apps", "services", "horizontalpodautoscalers.autoscaling", "pods", "events"):
            for verb in ("create", "update", "patch", "delete", "deletecollection"):
                assert not may(api, namespace, verb, resource, None), (namespace, verb, resource)
        for verb in ("create", "update", "delete"):
            assert not may(api, namespace, verb, "configmaps", verified_images_name(SERVICE))
    assert not may(api, "dev", "patch", "configmaps", verified_images_name(SERVICE))
