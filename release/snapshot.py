"""The objects of a whole environment, read with one request a kind, for the state of many services."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from contract import labels
from kube.client import KubernetesObject
from release.objects import ObjectReader
from release.threads import at_once

KINDS: Mapping[str, tuple[str, str | None]] = {
    "Pod": ("v1", labels.SERVICE),
    "EndpointSlice": ("discovery.k8s.io/v1", labels.SERVICE),
    "Deployment": ("apps/v1", labels.SERVICE),
    "PodTemplate": ("v1", labels.SERVICE),
    "Service": ("v1", labels.SERVICE),
    "HorizontalPodAutoscaler": ("autoscaling/v2", None),
    "ConfigMap": ("v1", labels.SERVICE),
    "Ingress": ("networking.k8s.io/v1", None),
    "Lease": ("coordination.k8s.io/v1", None),
}
"""API version of each kind that is read, and the label that its objects must have, if any; the largest first."""

RARE_KINDS: Mapping[str, tuple[str, str | None]] = {"Job": ("batch/v1", labels.SERVICE)}
"""The same of kinds that are read once somebody asks for them."""

INDEXED = (labels.SERVICE, "kubernetes.io/service-name")
"""Labels by which the objects of one service are looked up."""

_SELECTOR = re.compile(r"(?P<key>\S+?)(=(?P<value>\S*)| in \((?P<values>.*)\))")


class Snapshot:
    """All objects of an environment from which the state of its services is read, as they were at one time.

    Args:
        api: The API server, which is asked once for each of `KINDS`, all at the same time where that gains time.
        environment: The namespace.

    Raises:
        KubernetesApiError: The API server refused, or did not answer.
    """

    is_concurrent = False

    def __init__(self, api: ObjectReader, environment: str) -> None:
        def read(kind: str) -> list[KubernetesObject]:
            api_version, label = {**KINDS, **RARE_KINDS}[kind]
            return api.list(api_version, kind, namespace=environment, label_selector=label)

        self._read = read
        self._by_kind: dict[str, list[KubernetesObject]] = {}
        self._by_name: dict[tuple[str, str], KubernetesObject] = {}
        self._by_label: defaultdict[tuple[str, str, str], list[KubernetesObject]] = defaultdict(list)
        found = at_once(read, KINDS) if api.is_concurrent else map(read, KINDS)
        for kind, bodies in zip(KINDS, found, strict=True):
            self._add(kind, bodies)

    def _add(self, kind: str, bodies: list[KubernetesObject]) -> None:
        self._by_kind[kind] = bodies
        for body in bodies:
            self._by_name[kind, str(body["metadata"]["name"])] = body
            own: Mapping[str, str] = body["metadata"].get("labels") or {}
            for key in INDEXED:
                if key in own:
                    self._by_label[kind, key, own[key]].append(body)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> KubernetesObject | None:
        """The object, or None where there is none."""
        del api_version, namespace
        return self._by_name.get((kind, name))

    def list(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        metadata_only: bool = False,
    ) -> list[KubernetesObject]:
        """The objects of a kind with a label of `INDEXED`: `KEY=VALUE`, `KEY in (VALUES)`; else all that were read."""
        del api_version, namespace, metadata_only
        if kind not in self._by_kind:
            self._add(kind, self._read(kind))
        selector = _SELECTOR.fullmatch(label_selector or "")
        if selector is None:
            return self._by_kind[kind]
        values: Iterable[str] = [selector["value"]] if selector["values"] is None else selector["values"].split(",")
        return [body for value in values for body in self._by_label[kind, selector["key"], value]]
