"""EC2 launch templates, with a new version at each update."""

from __future__ import annotations

from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.kind import AutoName, Kind, Resource, arn, response_value

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def _latest_version(template: Resource) -> int:
    return int(template.previous.get("latestVersion", 0)) + 1


def _default_version(template: Resource) -> int:
    version = template.inputs.get("defaultVersion")
    if version is not None:
        return int(version)
    if template.inputs.get("updateDefaultVersion"):
        return _latest_version(template)
    return int(template.previous.get("defaultVersion", 1))


def _set_default_version(template: Resource) -> None:
    with template.client("ec2") as ec2:
        ec2.modify_launch_template(LaunchTemplateId=template.id, DefaultVersion=str(_default_version(template)))


_NAMES = {"vpcSecurityGroupIds": "SecurityGroupIds"}

KINDS = (
    Kind(
        type=LAUNCH_TEMPLATE,
        make_id=response_value("LaunchTemplate.LaunchTemplateId"),
        api=Api(
            "ec2",
            Call("create_launch_template", names={"name": "LaunchTemplateName", **_NAMES}, into="LaunchTemplateData"),
            update=(
                Call("create_launch_template_version", names=_NAMES, into="LaunchTemplateData"),
                _set_default_version,
            ),
            delete=(Call("delete_launch_template"),),
            key="LaunchTemplateId",
            tagged_as="launch-template",
        ),
        name=AutoName(longest=125),
        attributes={"arn": arn("ec2", "launch-template/{id}")},
        revised={"defaultVersion": _default_version, "latestVersion": _latest_version},
    ),
)
