"""KMS keys and their aliases."""

from __future__ import annotations

import uuid

from rehearsal.stand_ins.aws import rules
from rehearsal.stand_ins.aws.account import Record
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.kind import AutoName, Kind, Making, Refusal, Unique, text

KEY = "aws:kms/key:Key"


def _default_policy(making: Making) -> str:
    return str(
        making.inputs.get("policy")
        or '{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions",'
        f'"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{making.account_id}:root"}},"Action":"kms:*","Resource":"*"}}]}}'
    )


def _target(making: Making) -> Record:
    wanted = str(making.inputs["targetKeyId"])
    for key in making.account.records(KEY):
        if wanted in (key.id, key.outputs["arn"]):
            return key
    raise AwsError("NotFoundException", f"Key '{wanted}' does not exist")


KINDS = (
    Kind(
        type=KEY,
        make_id=lambda _: str(uuid.uuid4()),
        arn="arn:aws:kms:{region}:{account}:key/{id}",
        rules={
            "policy": rules.json_text,
            "deletionWindowInDays": rules.between(7, 30),
            "rotationPeriodInDays": rules.between(90, 2560),
        },
        replaces=frozenset({"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"}),
        constants={
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "description": "",
            "enableKeyRotation": False,
            "isEnabled": True,
            "keyUsage": "ENCRYPT_DECRYPT",
            "multiRegion": False,
            "rotationPeriodInDays": 365,
        },
        attributes={"keyId": lambda making: making.id},
        revised={"policy": _default_policy},
    ),
    Kind(
        type="aws:kms/alias:Alias",
        make_id=text("{name}"),
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
        unique=(
            Unique(
                ("name",),
                Refusal(
                    "AlreadyExistsException",
                    "An alias with the name arn:aws:kms:{region}:{account}:{name} already exists",
                ),
            ),
        ),
        replaces=frozenset({"name", "namePrefix"}),
        constants={"namePrefix": ""},
        revised={"targetKeyArn": lambda making: _target(making).outputs["arn"]},
        tagged=False,
    ),
)
