"""KMS keys and their aliases."""

from __future__ import annotations

from rehearsal.emulators.aws.kind import Resource


def set_rotation(key: Resource) -> None:
    """Enables or disables a key's rotation."""
    rotates = bool(key.inputs.get("enableKeyRotation"))
    if rotates != bool(key.previous.get("enableKeyRotation")):
        with key.client("kms") as kms:
            (kms.enable_key_rotation if rotates else kms.disable_key_rotation)(KeyId=key.id)
