"""A small in-memory Kubernetes with its own clock: the API that the release tool uses, and its controllers."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, cast

from contract import labels
from contract.blue_green import PORT_NAME, SENTINEL_DIGEST, SERVICE_PORT
from kube.client import NOT_FOUND, KubernetesApiError, KubernetesObject
from rehearsal import demo_images
from rehearsal.demo_images import Fault
from release.http import Answer, Target
from release.objects import CONFLICT, UNPROCESSABLE

READY_SECONDS = 3

HOOK_SECONDS = 4
"""How long the pod of a Job runs."""

_fault = cache(demo_images.fault)

NO_NODE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes are available"}

LATEST = datetime.max.replace(tzinfo=UTC)

Key = tuple[str, str, str]
"""Kind, namespace, name."""


class FakeClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self.skew = timedelta()
        """How far the clock of the machine is ahead."""
        self.listeners: list[Callable[[float], None]] = []
        """Get the seconds of each wait when it is over."""

    def now(self) -> datetime:
        return self._now + self.skew

    def monotonic(self) -> float:
        return self._now.timestamp()

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        for listener in self.listeners:
            listener(seconds)


class FakeCluster:
    """Objects, and controllers that act whenever somebody asks."""

    is_concurrent = False

    def __init__(self, clock: FakeClock, objects: list[KubernetesObject]) -> None:
        self.clock = clock
        self._objects: dict[Key, KubernetesObject] = {}
        self._seeds: dict[Key, Any] = {}
        self._kept: dict[Key, Any] = {}
        """The template of each Deployment of which there is a ReplicaSet."""
        self._pickled: dict[Key, tuple[str, bytes]] = {}
        """What was read, as of a version: it is read again and again."""
        self._version = 0
        self._placed: dict[Key, datetime] = {}
        self._ready_since: dict[Key, datetime] = {}
        self.node_seconds = 0
        """A pod that is made from now on fits on no node for so long."""
        self.stagger_seconds = 0.0
        """The pods of a slot get ready one after the other, so far apart."""
        self.fading = ""
        """The pods of this image are not ready any more once the active Service selects them."""
        self.dark: set[str] = set()
        """The pods of these images are not ready any more."""
        self.failing_hooks: set[str] = set()
        """The Jobs of these hooks fail, by the label."""
        self.hook_runs: list[str] = []
        """The Jobs that were started, in their order."""
        self.stopped: dict[Key, datetime] = {}
        """When a container of a pod stopped last."""
        self.served: set[str] = set()
        """The images that users were served by."""
        self.outage = self.longest_outage = 0.0
        """Seconds that users wait now, and have waited at most, while pods of an image that served were ready."""
        self.cluster = "hello-test, context test"
        """Which cluster it is, for a person."""
        self.selected: list[str] = []
        """The slots that the active Service came to select, in their order."""
        self._controlled: object = None
        """What everything depended on, besides time, when the controllers acted last."""
        self._due = LATEST
        """When time alone gives the controllers something to do."""
        self._counted = 0
        self._waits: list[bool] = []
        """Of each Service whether its users wait, as of the version `_counted`."""
        for one in objects:
            self._store(one)
        self._control()
        clock.listeners.append(self._count_outage)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> KubernetesObject | None:
        self._control()
        key = (kind, str(namespace), name)
        return self._read(key) if key in self._objects else None

    def list(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        **_: Any,
    ) -> list[KubernetesObject]:
        self._control()
        selects = _selects(label_selector)
        return [
            self._read(key)
            for key, one in self._objects.items()
            if key[0] == kind and key[1] == namespace and selects(one["metadata"]["labels"])
        ]

    def create(self, body: KubernetesObject) -> KubernetesObject:
        key = _key(body)
        if key in self._objects:
            raise KubernetesApiError(f"{key} is there", status=CONFLICT, reason="AlreadyExists")
        return _copy(self._store(body))

    def apply(self, body: KubernetesObject, *, dry_run: bool = False, **_: Any) -> KubernetesObject:
        """Fields of the object's creator stay, though they are not applied: they are another manager's.

        https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
        """
        found = self._objects[_key(body)]
        wanted = body["metadata"].get("resourceVersion")
        if wanted not in (None, found["metadata"]["resourceVersion"]):
            raise KubernetesApiError("not as it was", status=CONFLICT, reason="Conflict")
        changed = {**found, "spec": _applied(found["spec"], self._seeds[_key(body)], body["spec"])}
        _validate(changed)
        return _copy(found if dry_run else self._store(changed))

    def json_patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        patch: list[dict[str, Any]],
        *,
        namespace: str | None = None,
        dry_run: bool = False,
        **_: Any,
    ) -> KubernetesObject:
        self._control()
        found = self._objects.get((kind, str(namespace), name))
        if found is None:
            raise KubernetesApiError("is not there", status=NOT_FOUND, reason="NotFound")
        changed = _copy(found)
        for operation in patch:
            *path, last = [part.replace("~1", "/") for part in operation["path"].removeprefix("/").split("/")]
            at: Any = changed
            for part in path:
                at = at[part]
            if operation["op"] == "test":
                if at.get(last) != operation["value"]:
                    raise KubernetesApiError("the test does not hold", status=UNPROCESSABLE, reason="Invalid")
            elif operation["op"] == "remove":
                del at[last]
            else:
                at[last] = operation["value"]
        _validate(changed)
        if dry_run:
            return changed
        if kind == "Service" and not name.endswith("-preview"):
            selector: dict[str, str] = changed["spec"]["selector"] or {}
            self.selected.append(selector.get(labels.SLOT, ""))
        return _copy(self._store(changed))

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        self._version += 1
        self._objects.pop((kind, str(namespace), name), None)
        if kind == "Deployment":  # its pods go with it
            for key in [key for key in self._objects if key[0] == "Pod" and key[2].startswith(f"{name}-")]:
                del self._objects[key]

    def watch(
        self, api_version: str, kind: str, *, namespace: str | None = None, timeout: int, **options: Any
    ) -> Iterator[tuple[str, KubernetesObject]]:
        told: set[str] = set()
        for _ in range(timeout * 4):
            for one in self.list(api_version, kind, namespace=namespace, **options):
                version = one["metadata"]["resourceVersion"]
                if version not in told:
                    told.add(version)
                    yield "MODIFIED", one
            self.clock.sleep(0.25)

    def _read(self, key: Key) -> KubernetesObject:
        """A copy: who reads may change it."""
        body = self._objects[key]
        version, pickled = self._pickled.get(key, ("", b""))
        if version != body["metadata"]["resourceVersion"]:
            pickled = pickle.dumps(body)
            self._pickled[key] = body["metadata"]["resourceVersion"], pickled
        return pickle.loads(pickled)  # noqa: S301 - our own

    def _store(self, body: KubernetesObject) -> KubernetesObject:
        self._version += 1
        metadata: dict[str, Any] = {
            "generation": 1,
            "labels": {},
            "uid": "-".join(_key(body)),
            **body["metadata"],
            "resourceVersion": str(self._version),
        }
        self._seeds.setdefault(_key(body), _copy(body.get("spec") or {}))
        self._objects[_key(body)] = {**_copy(body), "metadata": metadata}
        return self._objects[_key(body)]

    def _control(self) -> None:
        """Pods as Deployments want them, their status, and the endpoints that Services select."""
        settings = (self.node_seconds, self.stagger_seconds, self.fading, len(self.dark), dict(self.stopped))
        if (self._version, settings) == self._controlled and self.clock.now() < self._due:
            return
        self._controlled, self._due = (self._version, settings), LATEST
        for (kind, namespace, name), one in list(self._objects.items()):
            if kind == "Deployment":
                self._pods(namespace, name, one)
        for (kind, _, _), one in list(self._objects.items()):
            if kind == "Job":
                self._job(one)
        for (kind, namespace, name), one in list(self._objects.items()):
            if kind == "Service":
                self._endpoints(namespace, name, one["spec"]["selector"] or {})

    def _pods(self, namespace: str, name: str, deployment: KubernetesObject) -> None:
        spec = deployment["spec"]
        self._replica_set(namespace, name, deployment)
        image = spec["template"]["spec"]["containers"][0]["image"]
        wanted = {("Pod", namespace, f"{name}-{image[-4:]}-{number}") for number in range(spec["replicas"])}
        mine = {key for key in self._objects if key[0] == "Pod" and key[2].startswith(f"{name}-")}
        for key in mine - wanted:
            del self._objects[key]
            self._ready_since.pop(key, None)
        for key in wanted - mine:
            self._placed[key] = self.clock.now() + timedelta(seconds=self.node_seconds)
            metadata: dict[str, Any] = {
                "namespace": namespace,
                "name": key[2],
                "creationTimestamp": self.clock.now().isoformat(),
                "labels": spec["template"]["metadata"]["labels"],
            }
            self._store(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": metadata,
                    "spec": spec["template"]["spec"],
                    "status": {},
                }
            )
        for key in wanted:
            fits = self._has_come(self._placed[key])
            pod_status: dict[str, Any] = {"phase": "Running"} if fits else {"phase": "Pending", "conditions": [NO_NODE]}
            if fits and self._is_ready(key, image):
                since = self._ready_since.setdefault(key, self.clock.now())
                ready = {"type": "Ready", "status": "True", "lastTransitionTime": since.isoformat()}
                pod_status["conditions"] = [ready]
            else:
                self._ready_since.pop(key, None)
            if key in self.stopped:
                ended = {"finishedAt": self.stopped[key].isoformat()}
                pod_status["containerStatuses"] = [{"lastState": {"terminated": ended}}]
            if self._objects[key]["status"] != pod_status:
                self._store({**self._objects[key], "status": pod_status})
        ready = [self._ready_since[key] for key in wanted if key in self._ready_since]
        least = timedelta(seconds=spec.get("minReadySeconds", 0))
        status = {
            "observedGeneration": 1,
            "replicas": len(wanted),
            "updatedReplicas": len(wanted),
            "readyReplicas": len(ready),
            # https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/api/v1/pod/util.go (`IsPodAvailable`)
            "availableReplicas": sum([self._has_come(since + least) for since in ready]),
        }
        if deployment.get("status") != status:
            self._store({**deployment, "status": status})

    def _replica_set(self, namespace: str, name: str, deployment: KubernetesObject) -> None:
        """Each template that a Deployment has had is kept in a ReplicaSet."""
        if deployment["spec"]["template"] == self._kept.get(_key(deployment)):
            return
        template = _copy(deployment["spec"]["template"])
        self._kept[_key(deployment)] = deployment["spec"]["template"]
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        if ("ReplicaSet", namespace, f"{name}-{digest}") in self._objects:
            return
        template["metadata"]["labels"]["pod-template-hash"] = digest
        metadata = {"name": f"{name}-{digest}", "namespace": namespace, "labels": template["metadata"]["labels"]}
        kind = {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
        self._store({**kind, "metadata": metadata, "spec": {"template": template}})

    def _job(self, job: KubernetesObject) -> None:
        """The pod of a Job, which ends after `HOOK_SECONDS`."""
        metadata, template = job["metadata"], job["spec"]["template"]
        key: Key = ("Pod", metadata["namespace"], f"{metadata['name']}-pod")
        if key not in self._objects:
            self.hook_runs.append(metadata["name"])
            self._placed[key] = self.clock.now()
            own = {**template["metadata"]["labels"], "batch.kubernetes.io/job-name": metadata["name"]}
            made = {
                "namespace": key[1],
                "name": key[2],
                "labels": own,
                "creationTimestamp": self.clock.now().isoformat(),
            }
            self._store({"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template["spec"], "status": {}})
        if job.get("status") or not self._has_come(self._placed[key] + timedelta(seconds=HOOK_SECONDS)):
            return
        fails = metadata["labels"]["hello-platform/hook"] in self.failing_hooks
        ended = {"state": {"terminated": {"exitCode": int(fails)}}}
        status = {"phase": "Failed" if fails else "Succeeded", "containerStatuses": [ended]}
        self._store({**self._objects[key], "status": status})
        condition = {"type": "Failed" if fails else "Complete", "status": "True", "reason": "BackoffLimitExceeded"}
        self._store({**job, "status": {"conditions": [condition]}})

    def pod_log(self, name: str, namespace: str, *, lines: int) -> str:
        """What the container of a Job wrote."""
        del lines
        return "migrated\n" if ("Pod", namespace, name) in self._objects else ""

    def _count_outage(self, seconds: float) -> None:
        self._control()
        if self._version != self._counted:
            self._counted, self._waits = self._version, list(self._who_waits())
        for waits in self._waits:
            self.outage = self.outage + seconds if waits else 0
            self.longest_outage = max(self.longest_outage, self.outage)

    def _who_waits(self) -> Iterator[bool]:
        for (kind, namespace, name), service in self._objects.items():
            if kind != "Service" or name.endswith("-preview"):
                continue
            ready: dict[str, str] = {}
            for (of, where, deployment), body in self._objects.items():
                if of == "Deployment" and where == namespace and body["status"]["readyReplicas"]:
                    ready[deployment] = body["spec"]["template"]["spec"]["containers"][0]["image"]
            selector: dict[str, str] = service["spec"].get("selector") or {}
            live = ready.get(f"{name}-{selector.get(labels.SLOT)}")
            yield live is None and any(image in self.served for image in ready.values())
            self.served |= {live} if live else set()

    def _is_selected(self, pod: Key) -> bool:
        """Whether users reach a pod."""
        slot, _, _ = pod[2].rpartition("-")[0].rpartition("-")
        service, _, color = slot.rpartition("-")
        active = self._objects.get(("Service", pod[1], service), {"spec": {}})
        selector: dict[str, str] = active["spec"].get("selector") or {}
        return selector.get(labels.SLOT) == color

    def _is_ready(self, pod: Key, image: str) -> bool:
        if image == self.fading and self._is_selected(pod):
            return False
        if image in self.dark:
            return False
        if image.endswith(SENTINEL_DIGEST) or _fault(image) is Fault.NEVER_READY:
            return False
        number = int(pod[2].rpartition("-")[2])
        start = READY_SECONDS + number * self.stagger_seconds
        return self._has_come(self._placed[pod] + timedelta(seconds=start))

    def _has_come(self, time: datetime) -> bool:
        """Whether a time is over; if not, the controllers act when it is."""
        if self.clock.now() >= time:
            return True
        self._due = min(self._due, time)
        return False

    def _endpoints(self, namespace: str, service: str, selector: dict[str, str]) -> None:
        pods = [
            one
            for (kind, _, _), one in self._objects.items()
            if kind == "Pod" and selector and selector.items() <= one["metadata"]["labels"].items()
        ]
        endpoints = [
            {
                "conditions": {"ready": self._is_ready(_key(pod), pod["spec"]["containers"][0]["image"])},
                "targetRef": {"name": pod["metadata"]["name"]},
            }
            for pod in pods
        ]
        found = self._objects.get(("EndpointSlice", namespace, service), {})
        if found.get("endpoints") != endpoints:
            # As the EndpointSlice controller does: with the Service's own labels.
            own: dict[str, str] = self._objects["Service", namespace, service]["metadata"].get("labels") or {}
            slice_labels = {**own, "kubernetes.io/service-name": service}
            metadata = {"name": service, "namespace": namespace, "labels": slice_labels}
            kinds = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"}
            self._store({**kinds, "metadata": metadata, "endpoints": endpoints})


class FakeCaller:
    """Answers as it is told, on the Services' port and no other; well by default."""

    def __init__(self, answer: Callable[[str], Answer] = lambda _: Answer(200, "ok")) -> None:
        self._answer = answer

    def get(self, target: Target, path: str, *, timeout: float) -> Answer:
        if (target.port, target.port_name) != (SERVICE_PORT, PORT_NAME):
            return Answer(None, f"nothing listens on {target.port}, {target.port_name}")
        return self._answer(target.service)


def _copy(value: Any) -> Any:
    """A deep copy: ten times as quick as `copy.deepcopy`, and every call makes some."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own


_MERGE_KEYS = {"containers": "name", "ports": "containerPort", "volumes": "name"}
"""https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#podspec-v1-core, `patchMergeKey`."""


def _applied(found: Any, seed: Any, new: Any, merge_key: str | None = None) -> Any:
    """What a server-side apply leaves of a field that somebody else made as `seed`, and may own still."""
    if merge_key and isinstance(found, list) and isinstance(seed, list):
        parts = cast("list[list[Any]]", [found, seed, new])
        by_key = [{one[merge_key]: one for one in part} for part in parts]
        return list(_applied(by_key[0], by_key[1], by_key[2]).values())
    if isinstance(found, dict) and isinstance(seed, dict) and isinstance(new, dict):
        fields, own, applied = cast("list[dict[str, Any]]", [found, seed, new])
        kept = {key: value for key, value in fields.items() if key in own and key not in applied}
        return kept | {
            key: _applied(fields.get(key), own.get(key), value, _MERGE_KEYS.get(key)) for key, value in applied.items()
        }
    return new


def _validate(body: KubernetesObject) -> None:
    if body["kind"] == "Deployment":
        for container in body["spec"]["template"]["spec"]["containers"]:
            names = [port["name"] for port in container.get("ports", [])]
            if len(names) != len(set(names)):
                raise KubernetesApiError("ports: Duplicate value", status=UNPROCESSABLE, reason="Invalid")


def _key(body: KubernetesObject) -> Key:
    return body["kind"], str(body["metadata"].get("namespace")), body["metadata"]["name"]


@cache
def _selects(selector: str | None) -> Callable[[dict[str, str]], bool]:
    """Whether a label selector selects an object with some labels."""
    if selector is None:
        return lambda _: True
    first, *rest = re.split(r",(?![^(]*\))", selector, maxsplit=1)
    if rest:
        one, others = _selects(first), _selects(rest[0])
        return lambda found: one(found) and others(found)
    if one_of := re.fullmatch(r"(\S+) (not)?in \((.*)\)", selector):
        wanted, is_in = one_of[3].split(","), not one_of[2]
        return lambda found: (found.get(one_of[1]) in wanted) == is_in
    key, equals, value = selector.partition("=")
    return lambda found: found.get(key) == value if equals else key in found
