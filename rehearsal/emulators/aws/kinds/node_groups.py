"""EC2 launch templates, and EKS managed node groups with instances in EC2 and nodes in the local API server.

https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from config.instance_types import instance_types
from rehearsal.emulators.aws import nodes
from rehearsal.emulators.aws.account import Account, Record
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.emulators.aws.kinds.clusters import CLUSTER
from rehearsal.emulators.aws.kinds.network import SUBNET
from rehearsal.emulators.aws.properties import Properties, known_values
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.nodes import NodeGroupSpec, Taint

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

DEFAULT_AMI = "AL2023_x86_64_STANDARD"
DEFAULT_DISK_GIB = 20
EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
ARCHITECTURES = {"amd64": "x86_64", "arm64": "ARM_64"}


def latest_version(template: Resource) -> int:
    """Latest version of a launch template; each update makes one."""
    return int(template.previous.get("latestVersion", 0)) + 1


def default_version(template: Resource) -> int:
    """Default version of a launch template."""
    if template.inputs.get("updateDefaultVersion"):
        return latest_version(template)
    return int(template.previous.get("defaultVersion", 1))


def set_default_version(template: Resource) -> None:
    """Sets a launch template's default version."""
    with template.client("ec2") as ec2:
        ec2.modify_launch_template(LaunchTemplateId=template.id, DefaultVersion=str(default_version(template)))


def _template(account: Account, inputs: Properties) -> Record:
    template = account.find(LAUNCH_TEMPLATE, str(next(known_values(inputs, "launchTemplate.id"), "")))
    if template is None:
        raise RehearsalError(
            "the aws emulator creates a node group only from a launch template",
            remedy="Set `launchTemplate.id` to that of one.",
        )
    return template


def _instance_types(inputs: Properties, template: Record) -> list[str]:
    """Instance types of a group, which are in its launch template or its own; without any, EKS takes t3.medium."""
    alone = template.inputs.get("instanceType")
    return [alone] if alone else list(inputs.get("instanceTypes") or ["t3.medium"])


def _version(inputs: Properties, template: Record) -> int:
    """The version of the launch template; `$Latest` and `$Default` stand for the latest one."""
    version = str(next(known_values(inputs, "launchTemplate.version"), "1"))
    return int(version if version.isdigit() else template.outputs["latestVersion"])


def check_sizes(group: Resource) -> None:
    """Refuses a desired size outside of the group's limits."""
    sizes = group.inputs["scalingConfig"]
    least, desired, most = (int(sizes[name]) for name in ("minSize", "desiredSize", "maxSize"))
    if least > desired:
        raise AwsError(
            "InvalidParameterException", f"Minimum capacity {least} can't be greater than desired size {desired}"
        )
    if desired > most:
        raise AwsError("InvalidParameterException", f"desired capacity {desired} can't be greater than max size {most}")


def check_template(group: Resource) -> None:
    """Refuses settings that contradict the group's launch template."""
    template = _template(group.account, group.inputs)
    version = _version(group.inputs, template)
    if not 1 <= version <= int(template.outputs["latestVersion"]):
        raise AwsError("InvalidLaunchTemplateId.VersionNotFound", f"Could not find the specified version {version}")
    if group.inputs.get("diskSize") is not None:
        raise AwsError("InvalidRequestException", "Disk size must be specified within the launch template.")
    types = _instance_types(group.inputs, template)
    if template.inputs.get("instanceType") and group.inputs.get("instanceTypes"):
        raise AwsError("InvalidRequestException", "Cannot specify instance types in launch template and API request")
    if template.inputs.get("iamInstanceProfile"):
        raise AwsError("InvalidParameterException", "Launch template should not specify an instance profile.")
    image = str(group.inputs.get("amiType", DEFAULT_AMI)).lower()
    wrong = [one for one in types if ARCHITECTURES[instance_types()[one].architecture].lower() not in image]
    if wrong and "custom" not in image:
        message = f"{wrong} is not a valid instance type for requested amiType {group.inputs.get('amiType')}"
        raise AwsError("InvalidParameterException", message)


def check_start(schedule: Resource) -> None:
    """Refuses to update a scheduled action: the provider sends the start that EC2 has computed at its creation.

    EC2 refuses that once it is past, and otherwise keeps the old times until then.
    https://github.com/hashicorp/terraform-provider-aws/issues/38983
    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html
    """
    if any(schedule.previous.get(name, value) != value for name, value in schedule.inputs.items()):
        raise AwsError("ValidationError", "Given start time is in the past")


def spec(record: Record, account: Account) -> NodeGroupSpec:
    """A node group's specification of instances and nodes.

    Raises:
        RehearsalError: Its launch template does not exist.
    """
    inputs = record.inputs
    subnets = [subnet for subnet_id in inputs["subnetIds"] if (subnet := account.find(SUBNET, str(subnet_id)))]
    by_zone = {str(subnet.outputs["availabilityZone"]): subnet.id for subnet in subnets}
    cluster = account.find(CLUSTER, str(inputs["clusterName"]))
    taints: list[Any] = inputs.get("taints") or []
    template = _template(account, inputs)
    disk_gib = next(known_values(template.inputs, "blockDeviceMappings.ebs.volumeSize"), DEFAULT_DISK_GIB)
    return NodeGroupSpec(
        name=str(inputs["nodeGroupName"]),
        instance_type=_instance_types(inputs, template)[0],
        desired=int(inputs["scalingConfig"]["desiredSize"]),
        labels=inputs.get("labels") or {},
        taints=tuple(
            Taint(key=taint["key"], value=taint.get("value") or "", effect=EFFECTS[taint["effect"]]) for taint in taints
        ),
        region=str(record.outputs["region"]),
        subnets=dict(sorted(by_zone.items())),
        capacity_type=inputs.get("capacityType", "ON_DEMAND"),
        disk_gib=int(disk_gib),
        template=template.id,
        generation=_version(inputs, template),
        release=str(inputs.get("releaseVersion", "")),
        cluster=str(inputs["clusterName"]),
        security_group=next(known_values(cluster and cluster.outputs, "vpcConfig.clusterSecurityGroupId"), ""),
    )


def resources(group: Resource) -> list[Properties]:
    """What EKS makes for a group: an Auto Scaling group, whose name ends with a random id. The account has none."""
    name = f"eks-{group.inputs['nodeGroupName']}-{uuid4()}"
    return [{"autoscalingGroups": [{"name": name}], "remoteAccessSecurityGroupId": ""}]


def converge(layout: Layout, record: Record, account: Account) -> Properties:
    """Brings instances and nodes in line with a group."""
    nodes.converge(layout, spec(record, account))
    return {"status": "ACTIVE"}


def dissolve(layout: Layout, record: Record) -> None:
    """Deletes a group's nodes and instances."""
    inputs = record.inputs
    nodes.dissolve(layout, record.outputs["region"], str(inputs["clusterName"]), str(inputs["nodeGroupName"]))


def status(group: Resource) -> str:
    """A group's status until `converge` has ended."""
    return "UPDATING" if group.previous else "CREATING"
