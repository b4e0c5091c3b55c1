"""KMS keys and their aliases."""

from __future__ import annotations

from rehearsal.emulators.aws import rules
from rehearsal.emulators.aws.api import Api, Call, answering, when
from rehearsal.emulators.aws.kind import AutoName, Kind, Making, answered, text

KEY = "aws:kms/key:Key"


def _rotation(making: Making) -> None:
    rotates = bool(making.inputs.get("enableKeyRotation"))
    if rotates != bool(making.previous.get("enableKeyRotation")):
        with answering(making.layout, "kms", making.region) as kms:
            (kms.enable_key_rotation if rotates else kms.disable_key_rotation)(KeyId=making.id)


KINDS = (
    Kind(
        type=KEY,
        make_id=answered("KeyMetadata.KeyId"),
        api=Api(
            "kms",
            Call("create_key", names={"customerMasterKeySpec": "KeySpec"}),
            puts=(
                Call("put_key_policy", given=when("policy", PolicyName="default")),
                Call("update_key_description", given=when("description")),
                _rotation,
            ),
            deletes=(Call("schedule_key_deletion", names={"deletionWindowInDays": "PendingWindowInDays"}),),
            key="KeyId",
        ),
        arn="arn:aws:kms:{region}:{account}:key/{id}",
        rules={
            "policy": rules.json_text,
            "deletionWindowInDays": rules.between(7, 30),
            "rotationPeriodInDays": rules.between(90, 2560),
        },
        replaces=frozenset({"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"}),
        attributes={"keyId": lambda making: making.id},
    ),
    Kind(
        type="aws:kms/alias:Alias",
        make_id=text("{name}"),
        api=Api(
            "kms",
            Call("create_alias", names={"name": "AliasName"}),
            puts=(Call("update_alias", names={"name": "AliasName"}),),
            deletes=(Call("delete_alias"),),
            key="AliasName",
        ),
        arn="arn:aws:kms:{region}:{account}:{name}",
        name=AutoName(prefix="alias/"),
        rules={
            "name": rules.pattern(
                r"alias/(?!aws/)[a-zA-Z0-9/_\-]{1,250}",
                "InvalidAliasNameException",
                'Alias must start with the prefix "alias/", may not begin with "alias/aws/", and contains only '
                "letters, digits and /_-: {value}",
            )
        },
        replaces=frozenset({"name", "namePrefix"}),
        tagged=False,
    ),
)
