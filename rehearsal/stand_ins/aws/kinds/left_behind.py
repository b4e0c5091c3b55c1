"""What controllers in a cluster made in the account, and nobody takes away once the cluster is gone.

No types of Pulumi's: they come by `left_behind`, as they come to AWS by the load balancer controller and the EBS CSI
driver. A person finds them, and deletes them by hand.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.stand_ins.aws.account import Account, Record
from rehearsal.stand_ins.aws.kind import Kind, Reference, Refusal, fresh, text
from rehearsal.stand_ins.aws.kinds.network import LOAD_BALANCER, SECURITY_GROUP, SUBNET, in_subnets, in_vpc
from release.kubernetes_api import KubernetesObject

CONTROLLERS_GROUP = "rehearsal:ec2/securityGroup:SecurityGroup"
VOLUME = "rehearsal:ec2/volume:Volume"

ALB_CONTROLLER = "ingress.k8s.aws/alb"
"""https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/ingress_class/ ."""

GROUP_NAME = "alb.ingress.kubernetes.io/group.name"
SECURITY_GROUPS = "alb.ingress.kubernetes.io/security-groups"
EBS_DRIVER = "ebs.csi.aws.com"
ROLE_OF_PUBLIC_SUBNETS = "kubernetes.io/role/elb"

KINDS = (
    Kind(
        type=LOAD_BALANCER,
        make_id=text("{name}"),
        references=(
            in_vpc(),
            in_subnets("subnetIds"),
            Reference(
                "securityGroupIds",
                SECURITY_GROUP,
                blocks=Refusal("DependencyViolation", "resource {id} has a dependent object"),
            ),
        ),
        tagged=False,
    ),
    Kind(type=CONTROLLERS_GROUP, make_id=fresh("sg"), references=(in_vpc(),), tagged=False),
    Kind(type=VOLUME, make_id=fresh("vol"), tagged=False),
)


def left_behind(cluster: Record, account: Account, objects: Iterable[KubernetesObject]) -> list[Record]:
    """The load balancers, their security groups and the volumes that stay when a cluster goes.

    Args:
        cluster: The cluster that goes.
        account: The account it is in.
        objects: The IngressClasses, their parameters, Ingresses, Services and PersistentVolumes still in it.
    """
    there = list(objects)
    vpc = str(cluster.outputs["vpcConfig"]["vpcId"])
    subnets = [
        record.id
        for record in account.records(SUBNET)
        if record.inputs["vpcId"] == vpc and ROLE_OF_PUBLIC_SUBNETS in record.inputs.get("tags", {})
    ]
    return [
        *(
            record
            for name, groups in _load_balancers(there).items()
            for record in _load_balancer(name, vpc, subnets, groups)
        ),
        *(
            _record(VOLUME, str(obj["spec"]["csi"]["volumeHandle"]), {})
            for obj in there
            if obj["kind"] == "PersistentVolume" and obj["spec"].get("csi", {}).get("driver") == EBS_DRIVER
        ),
    ]


def _load_balancers(objects: Iterable[KubernetesObject]) -> dict[str, list[str]]:
    """Each load balancer's name and the security groups it was told to use: one for the Ingresses of a group."""
    there = list(objects)
    parameters: dict[str, dict[str, Any]] = {
        obj["metadata"]["name"]: obj["spec"] for obj in there if obj["kind"] == "IngressClassParams"
    }
    classes = {
        obj["metadata"]["name"]: _group(parameters.get(obj["spec"].get("parameters", {}).get("name", ""), {}))
        for obj in there
        if obj["kind"] == "IngressClass" and obj["spec"].get("controller") == ALB_CONTROLLER
    }
    found: dict[str, list[str]] = {}
    for obj in there:
        metadata: Mapping[str, Any] = obj["metadata"]
        annotations: Mapping[str, str] = metadata.get("annotations") or {}
        full_name = f"{metadata.get('namespace', '')}-{metadata['name']}"
        if obj["kind"] == "Ingress" and obj["spec"].get("ingressClassName") in classes:
            groups = [group.strip() for group in annotations.get(SECURITY_GROUPS, "").split(",") if group.strip()]
            group = classes[obj["spec"]["ingressClassName"]] or annotations.get(GROUP_NAME)
            found.setdefault(f"k8s-{group or full_name}", []).extend(groups)
        elif obj["kind"] == "Service" and obj["spec"].get("type") == "LoadBalancer":
            found.setdefault(f"k8s-{full_name}", [])
    return found


def _group(parameters: Mapping[str, Any]) -> str | None:
    group: Mapping[str, str] = parameters.get("group") or {}
    return group.get("name")


def _load_balancer(name: str, vpc: str, subnets: list[str], groups: list[str]) -> list[Record]:
    own = f"sg-{secrets.token_hex(9)[:17]}"
    balancer = _record(LOAD_BALANCER, name, {"vpcId": vpc, "subnetIds": subnets, "securityGroupIds": groups})
    return [balancer] if groups else [balancer, _record(CONTROLLERS_GROUP, own, {"vpcId": vpc})]


def _record(type_token: str, identifier: str, inputs: dict[str, Any]) -> Record:
    return Record(type_token, "", identifier, inputs, inputs)
