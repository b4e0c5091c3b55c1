"""Volumes of the EBS CSI driver: what a StorageClass asks of EC2."""

from __future__ import annotations

from rehearsal.emulators.volumes import encryption


def test_a_volume_is_encrypted_by_the_key_of_its_storage_class() -> None:
    key = "arn:aws:kms:ap-northeast-2:123456789012:key/0123abcd"
    given = {"type": "gp3", "encrypted": "true", "kmsKeyId": key}
    assert encryption({"parameters": given}) == {"Encrypted": True, "KmsKeyId": key}
    assert encryption({"parameters": {"encrypted": "true"}}) == {"Encrypted": True}
    assert encryption({}) == {"Encrypted": False}
