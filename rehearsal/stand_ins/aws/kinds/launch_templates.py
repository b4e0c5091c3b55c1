"""EC2 launch templates."""

from __future__ import annotations

from typing import Any

from rehearsal.stand_ins.aws import rules
from rehearsal.stand_ins.aws.kind import AutoName, Kind, Making, Reference, Refusal, Unique, fresh
from rehearsal.stand_ins.aws.kinds.network import SECURITY_GROUP

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def _latest_version(making: Making) -> int:
    return int(making.previous.get("latestVersion", 0)) + 1


def _default_version(making: Making) -> int:
    chosen = making.inputs.get("defaultVersion")
    if chosen is not None:
        return int(chosen)
    if making.inputs.get("updateDefaultVersion"):
        return _latest_version(making)
    return int(making.previous.get("defaultVersion", 1))


def _metadata_options(making: Making) -> dict[str, Any]:
    return {
        "httpEndpoint": "enabled",
        "httpPutResponseHopLimit": 1,
        "httpTokens": "optional",
        "instanceMetadataTags": "disabled",
        **making.inputs.get("metadataOptions", {}),
    }


KINDS = (
    Kind(
        type=LAUNCH_TEMPLATE,
        make_id=fresh("lt"),
        arn="arn:aws:ec2:{region}:{account}:launch-template/{id}",
        name=AutoName(longest=125),
        rules={
            "name": rules.pattern(
                r"[a-zA-Z0-9().\-/_]{3,128}",
                "InvalidLaunchTemplateName.MalformedException",
                "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and "
                "the following characters: - ( ) . / _.",
            ),
            "instanceType": rules.instance_type,
            "metadataOptions.httpTokens": rules.one_of("optional", "required"),
            "metadataOptions.httpEndpoint": rules.one_of("enabled", "disabled"),
            "metadataOptions.httpPutResponseHopLimit": rules.between(1, 64),
            "blockDeviceMappings.ebs.volumeType": rules.one_of("standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"),
        },
        references=(
            Reference(
                "vpcSecurityGroupIds",
                SECURITY_GROUP,
                missing=Refusal("InvalidGroup.NotFound", "The security group '{value}' does not exist"),
            ),
        ),
        unique=(
            Unique(
                ("name",),
                Refusal("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use."),
            ),
        ),
        replaces=frozenset({"name", "namePrefix"}),
        constants={"namePrefix": ""},
        revised={
            "defaultVersion": _default_version,
            "latestVersion": _latest_version,
            "metadataOptions": _metadata_options,
        },
    ),
)
