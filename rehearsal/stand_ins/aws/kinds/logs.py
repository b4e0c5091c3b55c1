"""CloudWatch log groups."""

from __future__ import annotations

from rehearsal.stand_ins.aws import rules
from rehearsal.stand_ins.aws.kind import AutoName, Kind, Refusal, Unique, text

RETENTION_DAYS = (
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html."""

KINDS = (
    Kind(
        type="aws:cloudwatch/logGroup:LogGroup",
        make_id=text("{name}"),
        arn="arn:aws:logs:{region}:{account}:log-group:{name}",
        name=AutoName(longest=512),
        rules={
            "name": rules.pattern(
                r"[.\-_/#A-Za-z0-9]{1,512}",
                "InvalidParameterException",
                "1 validation error detected: Value '{value}' at 'logGroupName' failed to satisfy constraint: Member "
                r"must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
            ),
            "retentionInDays": rules.one_of(*RETENTION_DAYS),
            "kmsKeyId": rules.arn("kms"),
        },
        unique=(
            Unique(("name",), Refusal("ResourceAlreadyExistsException", "The specified log group already exists")),
        ),
        replaces=frozenset({"logGroupClass", "name", "namePrefix"}),
        constants={
            "deletionProtectionEnabled": False,
            "logGroupClass": "STANDARD",
            "namePrefix": "",
            "retentionInDays": 0,
            "skipDestroy": False,
        },
    ),
)
