"""KMS keys and their aliases."""

from __future__ import annotations

from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource

SYMMETRIC = "SYMMETRIC_DEFAULT"
"""The kind of a key whose kind is not given."""


def check_rotation(key: Resource) -> None:
    """KMS rotates symmetric keys only: https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html."""
    spec = str(key.inputs.get("customerMasterKeySpec", SYMMETRIC))
    if key.inputs.get("enableKeyRotation") and spec != SYMMETRIC:
        raise AwsError("UnsupportedOperationException", f"a key of the kind {spec} cannot be rotated")


def set_rotation(key: Resource) -> None:
    """Enables or disables a key's rotation."""
    rotates = bool(key.inputs.get("enableKeyRotation"))
    if rotates != bool(key.previous.get("enableKeyRotation")):
        with key.client("kms") as kms:
            (kms.enable_key_rotation if rotates else kms.disable_key_rotation)(KeyId=key.id)
