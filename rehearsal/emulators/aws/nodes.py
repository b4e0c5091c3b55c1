"""The nodes of a managed node group: EC2 instances, as its Auto Scaling group has them, and Kubernetes nodes.

The functions raise `AwsError` if EC2 refuses a request, a subnet has no free address, or pods cannot be evicted, and
`RehearsalError` if an API does not respond, or nodes do not become ready or are not gone in time.
https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Container
from typing import Any

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject, has_condition
from rehearsal.emulators.aws.api import aws_client, tag_list
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.local_cluster import cluster_client
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.nodes import Instance, NodeGroupSpec, node

IMAGE = "ami-0eks00000000rehearsal"
"""Placeholder for the id of the EKS-optimized AMI, which changes with each AMI release; no instance boots here."""

GENERATION = "rehearsal:generation"
"""Tag with the version of the instance's launch template and its AMI's release. EKS does not tag them."""

GROUP_LABEL = "eks.amazonaws.com/nodegroup"
REPLACED = {"key": GROUP_LABEL, "value": "unschedulable", "effect": "NoSchedule"}
"""Taint of the nodes that EKS is about to replace."""

EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
"""Label by which EKS takes a node out of the load balancers."""

SECONDS_TO_BE_READY = 120.0
SECONDS_TO_BE_GONE = 60.0
SECONDS_TO_BE_EMPTY = 180.0
SECONDS_EXCLUDED = 60.0
"""From the last eviction to a node's end, for load balancers to take it out:
https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html, upgrade phase."""
POLL_SECONDS = 0.2

TOO_MANY_REQUESTS = 429
"""HTTP status of an eviction that a PodDisruptionBudget does not allow now."""


def converge(layout: Layout, group: NodeGroupSpec) -> None:
    """Creates, updates and removes nodes to match the group, and waits until they are ready.

    New nodes are ready before old ones are removed. As on EKS, an update to a new version of the launch template taints
    and cordons all old nodes, and then removes one by one: it evicts the pods within their PodDisruptionBudgets, labels
    the node for load balancers, and ends it a minute later, or as soon as no load balancer uses it. EKS' guide has the
    label beside the cordon; https://github.com/aws/containers-roadmap/issues/2748 saw it come after the evictions.
    A smaller desired size deletes pods regardless of budgets.
    """
    with cluster_client(layout, f"node group {group.name}", layout.node_manager) as api:
        running = start_instances(layout, group)
        desired = {instance.name: node(group, instance) for instance in running}
        current = {str(one["metadata"]["name"]): one for one in _nodes_of(api, group.name)}
        for name, registered in desired.items():
            if name not in current:
                api.create(registered)
            elif change := changes(current[name], registered):
                api.json_patch("v1", "Node", name, change)
        problem = f"the {len(desired)} node(s) of node group {group.name} did not become ready"
        _wait(lambda: desired.keys() <= _ready_nodes(api, group.name), SECONDS_TO_BE_READY, problem, layout)
        removed = sorted(current.keys() - desired.keys())
        is_new_generation = not desired.keys() & current.keys()
        if is_new_generation:
            for name in removed:
                taints = [one for one in current[name]["spec"].get("taints", ()) if one != REPLACED]
                taints.append(REPLACED)
                cordon = {"op": "add", "path": "/spec/unschedulable", "value": True}
                api.json_patch("v1", "Node", name, [{"op": "add", "path": "/spec/taints", "value": taints}, cordon])
        for name in removed:
            if is_new_generation:
                _evict_pods(api, name, group.name)
                path = f"/metadata/labels/{EXCLUDED.replace('/', '~1')}"
                api.json_patch("v1", "Node", name, [{"op": "add", "path": path, "value": "true"}])
                _await_its_end(layout, group, name)
            _delete_node(api, name)
    terminate_instances(layout, group.region, group.cluster, group.name, keep={instance.id for instance in running})


def dissolve(layout: Layout, region: str, cluster: str, group: str) -> None:
    """Deletes a group's nodes with their pods, waits until they are gone, and terminates its instances."""
    if layout.kubeconfig.exists():
        with cluster_client(layout, f"node group {group}") as api:
            for obj in _nodes_of(api, group):
                _delete_node(api, str(obj["metadata"]["name"]))
            problem = f"the nodes of node group {group} were not deleted"
            _wait(lambda: not _nodes_of(api, group), SECONDS_TO_BE_GONE, problem, layout)
    terminate_instances(layout, region, cluster, group)


def start_instances(layout: Layout, group: NodeGroupSpec) -> list[Instance]:
    """Starts a group's missing instances, balanced across zones.

    Returns:
        The group's instances of the current generation, as many as desired.
    """
    with aws_client(layout, "ec2", group.region) as ec2:
        instances = _instances(ec2, group.cluster, group.name, generation=_generation(group))[: group.desired]
        for _ in range(group.desired - len(instances)):
            by_zone = Counter(instance.zone for instance in instances)
            instances.append(_run(ec2, group, min(group.subnets, key=lambda zone: by_zone[zone])))
    return instances


def terminate_instances(layout: Layout, region: str, cluster: str, group: str, *, keep: Container[str] = ()) -> None:
    """Terminates a group's instances but those to keep, by id, and deletes their network interfaces."""
    with aws_client(layout, "ec2", region) as ec2:
        ids = [instance.id for instance in _instances(ec2, cluster, group) if instance.id not in keep]
        if ids:
            of_instances = [{"Name": "attachment.instance-id", "Values": ids}]
            interfaces = ec2.describe_network_interfaces(Filters=of_instances)["NetworkInterfaces"]
            ec2.terminate_instances(InstanceIds=ids)
            for interface in interfaces:  # moto keeps them, unlike AWS
                ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])


def changes(current: KubernetesObject, desired: KubernetesObject) -> list[dict[str, Any]]:
    """The JSON Patch from a node's labels and taints to its group's; those of Kubernetes are kept."""
    old_labels: dict[str, str] = current["metadata"].get("labels", {})
    kept = {key: value for key, value in old_labels.items() if _is_kubernetes(key)}
    labels = {**kept, **desired["metadata"]["labels"]}
    old_taints: list[dict[str, Any]] = current["spec"].get("taints", [])
    taints = [taint for taint in old_taints if _is_kubernetes(taint["key"])] + desired["spec"].get("taints", [])
    patch: list[dict[str, Any]] = []
    if labels != old_labels:
        patch.append({"op": "add", "path": "/metadata/labels", "value": labels})
    if taints != old_taints:
        patch.append({"op": "add", "path": "/spec/taints", "value": taints})
    return patch


def _is_kubernetes(key: str) -> bool:
    """Whether the key of a label or taint has a prefix that is reserved for Kubernetes."""
    return "/" in key and key.partition("/")[0].endswith(("kubernetes.io", "k8s.io"))


def _nodes_of(api: KubernetesApi, group_name: str) -> list[KubernetesObject]:
    return api.list("v1", "Node", label_selector=f"{GROUP_LABEL}={group_name}")


def _ready_nodes(api: KubernetesApi, group_name: str) -> set[str]:
    return {str(obj["metadata"]["name"]) for obj in _nodes_of(api, group_name) if has_condition(obj, "Ready")}


def _delete_node(api: KubernetesApi, name: str) -> None:
    """Deletes a node and, as no kubelet is left to do so, its pods."""
    api.delete("v1", "Node", name)
    for pod in _pods_on(api, name):
        api.delete("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], grace_seconds=0)


def _evict_pods(api: KubernetesApi, name: str, group_name: str) -> None:
    end = time.monotonic() + SECONDS_TO_BE_EMPTY
    while pods := [pod for pod in _pods_on(api, name) if "DaemonSet" not in _owners(pod)]:
        for pod in pods:
            try:
                api.evict(pod["metadata"]["name"], pod["metadata"]["namespace"])
            except KubernetesApiError as error:
                if error.status != TOO_MANY_REQUESTS:
                    raise
        if time.monotonic() > end:
            names = ", ".join(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in pods)
            raise AwsError(
                "PodEvictionFailure",
                f"Reached max retries while trying to evict pods from nodes in node group {group_name}: {names}",
            )
        time.sleep(POLL_SECONDS)


def _await_its_end(layout: Layout, group: NodeGroupSpec, name: str) -> None:
    """Waits until EKS would end the instance of an empty node, or no target group has it."""
    end = time.monotonic() + SECONDS_EXCLUDED
    with aws_client(layout, "ec2", group.region) as ec2:
        ids = {instance.id for instance in _instances(ec2, group.cluster, group.name) if instance.name == name}
    with aws_client(layout, "elbv2", group.region) as elbv2:
        while time.monotonic() < end and ids & _targets(elbv2):
            time.sleep(1)


def _targets(elbv2: Any) -> set[str]:
    """Ids of all targets of the region's load balancers: instances and addresses."""
    pages = elbv2.get_paginator("describe_target_groups").paginate()
    arns = [group["TargetGroupArn"] for page in pages for group in page["TargetGroups"]]
    found = (elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"] for arn in arns)
    return {str(one["Target"]["Id"]) for targets in found for one in targets}


def _pods_on(api: KubernetesApi, name: str) -> list[KubernetesObject]:
    return [pod for pod in api.list("v1", "Pod") if pod["spec"].get("nodeName") == name]


def _owners(pod: KubernetesObject) -> list[str]:
    return [owner["kind"] for owner in pod["metadata"].get("ownerReferences", [])]


def _wait(done: Callable[[], bool], seconds: float, problem: str, layout: Layout) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise RehearsalError(
                f"{problem} within {seconds:.0f} s",
                remedy=f"See KWOK's log in {layout.logs}, then run the command again.",
            )
        time.sleep(POLL_SECONDS)


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
        GENERATION: _generation(group),
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
        **({"InstanceMarketOptions": {"MarketType": "spot"}} if group.capacity_type == "SPOT" else {}),
    )
    return _instance(response["Instances"][0])


def _generation(group: NodeGroupSpec) -> str:
    return f"{group.generation} {group.release}".strip()


def _instances(ec2: Any, cluster: str, group: str, generation: str | None = None) -> list[Instance]:
    filters = {"tag:eks:cluster-name": cluster, "tag:eks:nodegroup-name": group, "instance-state-name": "running"}
    if generation is not None:
        filters[f"tag:{GENERATION}"] = generation
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
