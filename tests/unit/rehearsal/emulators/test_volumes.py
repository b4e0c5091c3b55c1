"""Volumes of the EBS CSI driver: what a StorageClass asks of EC2."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

from rehearsal.emulators.volumes import encryption, is_to_grow, refuse_too_soon


def test_a_volume_is_encrypted_by_the_key_of_its_storage_class() -> None:
    key = "arn:aws:kms:ap-northeast-2:123456789012:key/0123abcd"
    given = {"type": "gp3", "encrypted": "true", "kmsKeyId": key}
    assert encryption({"parameters": given}) == {"Encrypted": True, "KmsKeyId": key}
    assert encryption({"parameters": {"encrypted": "true"}}) == {"Encrypted": True}
    assert encryption({}) == {"Encrypted": False}


@pytest.mark.parametrize(("requested", "has", "grows"), [("40Gi", "30Gi", True), ("30Gi", "30Gi", False)])
def test_a_claim_grows_to_what_it_requests(requested: str, has: str, *, grows: bool) -> None:
    claim = {"spec": {"resources": {"requests": {"storage": requested}}}}
    assert is_to_grow({**claim, "status": {"capacity": {"storage": has}}}) == grows
    assert not is_to_grow({**claim, "status": {"phase": "Pending"}}), "it has no volume yet"


def test_a_volume_is_modified_once_in_six_hours() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    refuse_too_soon([], now)
    refuse_too_soon([{"StartTime": now - timedelta(hours=7)}, {"StartTime": now - timedelta(hours=6)}], now)
    with pytest.raises(ClientError, match="maximum modification rate"):
        refuse_too_soon([{"StartTime": now - timedelta(hours=7)}, {"StartTime": now - timedelta(hours=5)}], now)
