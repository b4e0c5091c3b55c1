"""Which images were tried on dev: records that the verifying identity writes, and the release identity only reads.

The records of a service are one ConfigMap in the namespace that they are for. Admission there has it as its policy's
parameters: what the tool refuses, the API server refuses too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contract import blue_green, labels
from kube.client import KubernetesObject
from release import objects
from release.objects import ObjectApi

TRIED_IN = "dev"
"""Where an image is tried before."""

NEEDED_IN = blue_green.VERIFIED_ENVIRONMENT
"""The environment that takes only what was tried."""

LIMIT = 50
"""Records that are kept, besides those of digests that still have a use."""


@dataclass(frozen=True)
class Record:
    """That an image was tried.

    Attributes:
        digest: `sha256:…`.
        by: Who says so, as the API server names them.
        at: When.
    """

    digest: str
    by: str
    at: datetime


name = blue_green.records
"""The ConfigMap's name in the namespace that needs it, by the service's."""


def verified(api: ObjectApi, environment: str, service: str) -> frozenset[str] | None:
    """The digests that an environment takes; None where it takes any."""
    if environment != NEEDED_IN:
        return None
    return frozenset(record.digest for record in parse(api.get("v1", "ConfigMap", name(service), environment)))


def parse(config_map: KubernetesObject | None) -> list[Record]:
    """The records in a service's ConfigMap, oldest first. A key is a digest's hexadecimal digits."""
    data: Mapping[str, str] = (config_map or {}).get("data") or {}
    records = [_record(digits, json.loads(text)) for digits, text in data.items()]
    return sorted(records, key=lambda record: record.at)


def kept(records: Collection[Record], in_use: Collection[str]) -> list[Record]:
    """The newest records, and those of digests in use, so that a pod's scaling is never refused for its age."""
    newest = sorted(records, key=lambda record: record.at)[-LIMIT:]
    return [record for record in records if record in newest or record.digest in in_use]


def write(api: ObjectApi, service: str, record: Record, *, in_use: Collection[str]) -> None:
    """Adds a record for the environment that needs it; of a digest that has one, the newer stays.

    Raises:
        LostRaceError: Somebody else wrote at the same time: look again, and write again.
        KubernetesApiError: The API server refused, e.g. because this identity may not verify.
    """
    found = api.get("v1", "ConfigMap", name(service), NEEDED_IN)
    others = [one for one in parse(found) if one.digest != record.digest]
    data = {
        _digits(one.digest): json.dumps({"by": one.by, "at": one.at.isoformat()})
        for one in kept([*others, record], in_use)
    }
    if found is None:
        metadata = {"name": name(service), "namespace": NEEDED_IN, "labels": {labels.SERVICE: service}}
        objects.create(api, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    else:
        objects.patch(api, found, [{"op": "add", "path": "/data", "value": data}])


def _record(digits: str, value: Mapping[str, Any]) -> Record:
    return Record(f"sha256:{digits}", str(value["by"]), datetime.fromisoformat(value["at"]))


def _digits(digest: str) -> str:
    return digest.removeprefix("sha256:")
