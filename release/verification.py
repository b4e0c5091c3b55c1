"""The verification records of a service: the images that were tried on dev, which prod takes, and no others.

They are one ConfigMap in prod, written with the verifying identity and only read with the releasing one. It is also the
parameter of prod's admission policy: whatever the tool refuses, the API server refuses too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contract import blue_green, labels, signatures
from kube.client import KubernetesObject
from release import objects
from release.objects import ObjectApi, ObjectReader

TEST_ENVIRONMENT = blue_green.TEST_ENVIRONMENT
"""The environment in which images are tried."""

VERIFIED_ENVIRONMENT = blue_green.VERIFIED_ENVIRONMENT
"""The environment that takes only verified images."""

LIMIT = 50
"""Number of records that are kept, besides those of digests in use."""


@dataclass(frozen=True)
class Record:
    """The record that an image was tried.

    Attributes:
        digest: `sha256:…`.
        by: The verifying user, by the API server's name for them.
        at: Time of the verification.
        check: The command that tried it, besides the smoke test; None if there was none.
        signed_with: ARN of the alias of the KMS key whose signature it had; None if that was not checked.
    """

    digest: str
    by: str
    at: datetime
    check: str | None = None
    signed_with: str | None = None

    def to_json(self) -> dict[str, str]:
        """The record as JSON."""
        value = {"by": self.by, "at": self.at.isoformat()}
        optional = {"check": self.check, signatures.SIGNED_WITH: self.signed_with}
        return {**value, **{name: text for name, text in optional.items() if text}}


def records(api: ObjectReader, environment: str, service: str) -> dict[str, Record]:
    """The records of an environment's images, by digest; none where it takes any image."""
    if environment != VERIFIED_ENVIRONMENT:
        return {}
    found = parse(api.get("v1", "ConfigMap", blue_green.verified_images_name(service), environment))
    return {record.digest: record for record in found}


def verified(api: ObjectReader, environment: str, service: str) -> frozenset[str] | None:
    """The digests that an environment takes; None if it takes any."""
    if environment != VERIFIED_ENVIRONMENT:
        return None
    config_map = api.get("v1", "ConfigMap", blue_green.verified_images_name(service), environment)
    return frozenset(record.digest for record in admitted(config_map))


def signing_key(api: ObjectReader, service: str) -> str | None:
    """ARN of the alias of the KMS key whose signature an image needs; None if it needs none."""
    config_map = api.get("v1", "ConfigMap", blue_green.verified_images_name(service), VERIFIED_ENVIRONMENT)
    return _signing_key(config_map)


def admitted(config_map: KubernetesObject | None) -> list[Record]:
    """The records that count for admission, oldest first: where images are signed, those that name the key."""
    key = _signing_key(config_map)
    return [record for record in parse(config_map) if key in (None, record.signed_with)]


def _signing_key(config_map: KubernetesObject | None) -> str | None:
    if config_map is None:
        return None
    annotations: Mapping[str, str] = config_map["metadata"].get("annotations") or {}
    return annotations.get(signatures.KEY)


def parse(config_map: KubernetesObject | None) -> list[Record]:
    """The records in a service's ConfigMap, oldest first; its keys are the hexadecimal digits of digests.

    One that a person made by hand counts as well, whatever is in it: admission looks at the keys alone.
    """
    data: Mapping[str, str] = (config_map or {}).get("data") or {}
    records = [_record(digits, text) for digits, text in data.items()]
    return sorted(records, key=lambda record: record.at)


def kept(records: Collection[Record], in_use: Collection[str]) -> list[Record]:
    """The `LIMIT` newest records and those of digests in use, whose pods admission must not refuse when they scale."""
    newest = sorted(records, key=lambda record: record.at)[-LIMIT:]
    return [record for record in records if record in newest or record.digest in in_use]


def write(api: ObjectApi, service: str, record: Record, *, in_use: Collection[str]) -> None:
    """Adds a record, in place of an older one of the same digest.

    Raises:
        LostRaceError: Somebody else wrote at the same time: try again.
        KubernetesApiError: The API server refused, e.g. because this identity may not verify.
    """
    config_map = api.get("v1", "ConfigMap", blue_green.verified_images_name(service), VERIFIED_ENVIRONMENT)
    others = [other for other in parse(config_map) if other.digest != record.digest]
    data = {_digits(one.digest): json.dumps(one.to_json()) for one in kept([*others, record], in_use)}
    if config_map is None:
        metadata = {
            "name": blue_green.verified_images_name(service),
            "namespace": VERIFIED_ENVIRONMENT,
            "labels": {labels.SERVICE: service},
        }
        objects.create(api, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    else:
        objects.patch(api, config_map, [{"op": "add", "path": "/data", "value": data}])


def _record(digits: str, text: str) -> Record:
    digest = f"sha256:{digits}"
    try:
        value: Mapping[str, Any] = json.loads(text)
        at = datetime.fromisoformat(str(value["at"]))
        check, key = (str(value[name]) if value.get(name) else None for name in ("check", signatures.SIGNED_WITH))
        return Record(digest, str(value["by"]), at if at.tzinfo else at.replace(tzinfo=UTC), check, key)
    except (ValueError, KeyError, TypeError):
        return Record(digest, "unknown", datetime.fromtimestamp(0, UTC))


def _digits(digest: str) -> str:
    return digest.removeprefix("sha256:")
