"""KMS keys and their aliases."""

from __future__ import annotations

from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.kind import AutoName, Kind, Resource, arn, response_value, text


def _set_rotation(key: Resource) -> None:
    rotates = bool(key.inputs.get("enableKeyRotation"))
    if rotates != bool(key.previous.get("enableKeyRotation")):
        with key.client("kms") as kms:
            (kms.enable_key_rotation if rotates else kms.disable_key_rotation)(KeyId=key.id)


KINDS = (
    Kind(
        type="aws:kms/key:Key",
        make_id=response_value("KeyMetadata.KeyId"),
        api=Api(
            "kms",
            Call("create_key", names={"customerMasterKeySpec": "KeySpec"}),
            configure=(_set_rotation,),
            update=(Call("put_key_policy", constants={"PolicyName": "default"}), Call("update_key_description")),
            delete=(Call("schedule_key_deletion", names={"deletionWindowInDays": "PendingWindowInDays"}),),
            key="KeyId",
        ),
        attributes={"arn": arn("kms", "key/{id}"), "keyId": text("{id}")},
    ),
    Kind(
        type="aws:kms/alias:Alias",
        make_id=text("{name}"),
        api=Api(
            "kms",
            Call("create_alias", names={"name": "AliasName"}),
            update=(Call("update_alias"),),
            delete=(Call("delete_alias"),),
            key="AliasName",
        ),
        name=AutoName(prefix="alias/"),
        attributes={"arn": arn("kms", "{name}")},
        tagged=False,
    ),
)
