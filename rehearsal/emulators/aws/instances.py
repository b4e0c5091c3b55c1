"""The EC2 instances of a managed node group, created and terminated as by its Auto Scaling group.

https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import Any

from rehearsal.emulators.aws.api import aws_client, tag_list
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.layout import Layout
from rehearsal.nodes import Instance, NodeGroupSpec

IMAGE = "ami-0eks00000000rehearsal"
"""Placeholder for the id of the EKS-optimized AMI, which changes with each AMI release; no instance boots here."""

GENERATION = "rehearsal:generation"
"""Tag with the version of the instance's launch template. EKS does not tag it."""


def ensure(layout: Layout, group: NodeGroupSpec) -> list[Instance]:
    """Starts a group's missing instances, balanced across zones.

    Returns:
        The group's instances of the current generation, as many as desired.

    Raises:
        AwsError: A subnet has no free address, or EC2 refuses a request.
        RehearsalError: The API does not respond.
    """
    with aws_client(layout, "ec2", group.region) as ec2:
        instances = _instances(ec2, group.cluster, group.name, generation=group.generation)[: group.desired]
        for _ in range(group.desired - len(instances)):
            by_zone = Counter(instance.zone for instance in instances)
            instances.append(_run(ec2, group, min(group.subnets, key=lambda zone: by_zone[zone])))
    return instances


def terminate(layout: Layout, region: str, cluster: str, group: str, *, keep: Container[str] = ()) -> None:
    """Terminates a group's instances, and deletes their network interfaces.

    Args:
        layout: The rehearsal.
        region: The group's region.
        cluster: The cluster's name.
        group: The group's name.
        keep: Ids of instances to keep.

    Raises:
        AwsError: EC2 refuses a request.
        RehearsalError: The API does not respond.
    """
    with aws_client(layout, "ec2", region) as ec2:
        ids = [instance.id for instance in _instances(ec2, cluster, group) if instance.id not in keep]
        if ids:
            of_instances = [{"Name": "attachment.instance-id", "Values": ids}]
            interfaces = ec2.describe_network_interfaces(Filters=of_instances)["NetworkInterfaces"]
            ec2.terminate_instances(InstanceIds=ids)
            for interface in interfaces:  # moto keeps them, unlike AWS
                ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])


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
    response = ec2.run_instances(
        ImageId=IMAGE,
        InstanceType=group.instance_type,
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=[group.security_group],
        TagSpecifications=[{"ResourceType": "instance", "Tags": tag_list(tags)}],
        LaunchTemplate={"LaunchTemplateId": group.template, "Version": str(group.generation)},
    )
    return _instance(response["Instances"][0])


def _instances(ec2: Any, cluster: str, group: str, generation: int | None = None) -> list[Instance]:
    filters = {"tag:eks:cluster-name": cluster, "tag:eks:nodegroup-name": group, "instance-state-name": "running"}
    if generation is not None:
        filters[f"tag:{GENERATION}"] = str(generation)
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[{"Name": name, "Values": [value]} for name, value in filters.items()]
    )
    reservations = (reservation for page in pages for reservation in page["Reservations"])
    return [_instance(instance) for reservation in reservations for instance in reservation["Instances"]]


def _instance(description: Any) -> Instance:
    return Instance(
        description["InstanceId"],
        description["Placement"]["AvailabilityZone"],
        description["PrivateIpAddress"],
        description["PrivateDnsName"],
    )
