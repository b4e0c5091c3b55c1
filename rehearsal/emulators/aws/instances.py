"""The EC2 instances of a managed node group, as its Auto Scaling group keeps them.

https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import Any

from rehearsal.emulators.aws.api import answering
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.layout import Layout
from rehearsal.nodes import Instance, NodeGroupSpec

IMAGE = "ami-0eks00000000rehearsal"
"""EKS' optimised image: which one it is depends on the day, and nothing here starts it."""

GENERATION = "rehearsal:generation"
"""The version of the launch template that an instance is of; EKS knows that otherwise."""


def ensure(layout: Layout, group: NodeGroupSpec) -> list[Instance]:
    """Starts what is missing of a group, in the zones with the fewest, and gives the instances that it shall have.

    Raises:
        AwsError: A subnet has no address left.
        RehearsalError: The API does not answer.
    """
    with answering(layout, "ec2", group.region) as ec2:
        ours = _instances(ec2, group.cluster, group.name, generation=group.generation)[: group.desired]
        for _ in range(group.desired - len(ours)):
            there = Counter(one.zone for one in ours)
            zone = min(group.subnets, key=lambda zone: there[zone])
            ours.append(_run(ec2, group, zone))
    return ours


def terminate(layout: Layout, region: str, cluster: str, group_name: str, *, but: Container[str] = ()) -> None:
    """Ends a group's instances, and their network interfaces with them.

    Args:
        layout: The rehearsal.
        region: Where the group is.
        cluster: Its cluster's name.
        group_name: Its own.
        but: Ids of those that stay.
    """
    with answering(layout, "ec2", region) as ec2:
        leaving = [one.id for one in _instances(ec2, cluster, group_name) if one.id not in but]
        if leaving:
            interfaces = [one["NetworkInterfaceId"] for one in _interfaces(ec2, leaving)]
            ec2.terminate_instances(InstanceIds=leaving)
            for interface in interfaces:  # moto leaves them
                ec2.delete_network_interface(NetworkInterfaceId=interface)


def _run(ec2: Any, group: NodeGroupSpec, zone: str) -> Instance:
    subnet = group.subnets[zone]
    if not ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"]:
        raise AwsError(
            "InsufficientFreeAddressesInSubnet", f"There are not enough free addresses in subnet '{subnet}'."
        )
    tags = {
        "eks:cluster-name": group.cluster,
        "eks:nodegroup-name": group.name,
        f"kubernetes.io/cluster/{group.cluster}": "owned",
        f"k8s.io/cluster-autoscaler/{group.cluster}": "owned",
        "k8s.io/cluster-autoscaler/enabled": "true",
        GENERATION: str(group.generation),
    }
    template = {"LaunchTemplateId": group.template, "Version": str(group.generation)}
    started = ec2.run_instances(
        ImageId=IMAGE,
        InstanceType=group.instance_type,
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=[group.security_group],
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
        **({"LaunchTemplate": template} if group.template else {}),
    )
    return _instance(started["Instances"][0])


def _instances(ec2: Any, cluster: str, group_name: str, generation: int | None = None) -> list[Instance]:
    tags = {"tag:eks:cluster-name": cluster, "tag:eks:nodegroup-name": group_name, "instance-state-name": "running"}
    if generation is not None:
        tags[f"tag:{GENERATION}"] = str(generation)
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[{"Name": name, "Values": [value]} for name, value in tags.items()]
    )
    return [
        _instance(one) for page in pages for reservation in page["Reservations"] for one in reservation["Instances"]
    ]


def _interfaces(ec2: Any, instances: list[str]) -> list[Any]:
    mine = [{"Name": "attachment.instance-id", "Values": instances}]
    return ec2.describe_network_interfaces(Filters=mine)["NetworkInterfaces"]


def _instance(described: Any) -> Instance:
    zone, address = described["Placement"]["AvailabilityZone"], described["PrivateIpAddress"]
    return Instance(described["InstanceId"], zone, address, described["PrivateDnsName"])
