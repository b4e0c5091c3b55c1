"""EC2 launch templates, with a new version at each update."""

from __future__ import annotations

from rehearsal.emulators.aws import rules
from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.kind import AutoName, Kind, Making, answered

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


NAMES = {"name": "LaunchTemplateName", "vpcSecurityGroupIds": "SecurityGroupIds"}

KINDS = (
    Kind(
        type=LAUNCH_TEMPLATE,
        make_id=answered("LaunchTemplate.LaunchTemplateId"),
        api=Api(
            "ec2",
            Call("create_launch_template", names=NAMES, into="LaunchTemplateData"),
            puts=(
                Call(
                    "create_launch_template_version",
                    names=NAMES,
                    into="LaunchTemplateData",
                    given=lambda making: {"LaunchTemplateId": making.id} if making.previous else None,
                ),
                Call(
                    "modify_launch_template",
                    given=lambda making: {"DefaultVersion": str(_default_version(making))} if making.previous else None,
                    inputs=False,
                ),
            ),
            deletes=(Call("delete_launch_template", inputs=False),),
            key="LaunchTemplateId",
            tagged_as="launch-template",
        ),
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
        replaces=frozenset({"name", "namePrefix"}),
        revised={
            "defaultVersion": _default_version,
            "latestVersion": _latest_version,
        },
    ),
)
