"""What stands in the account by other hands than the program's, and keeps networks from being deleted.

Controllers in a cluster make load balancers, security groups and instances. moto lets go of what they use; AWS refuses:
https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-groups.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html
https://docs.aws.amazon.com/acm/latest/userguide/gs-acm-delete.html
"""

from __future__ import annotations

from typing import Any

from rehearsal.layout import Layout
from rehearsal.stand_ins.aws.account import Account, Record
from rehearsal.stand_ins.aws.api import answering
from rehearsal.stand_ins.aws.errors import AwsError


def refuse_vpc(layout: Layout, _account: Account, vpc: Record) -> None:
    """Refuses to delete a VPC with security groups in it that are not its own.

    Raises:
        AwsError: `DependencyViolation`.
    """
    groups = _ec2(layout, vpc, "describe_security_groups", "SecurityGroups", {"vpc-id": vpc.id})
    if any(group["GroupName"] != "default" for group in groups):
        raise AwsError("DependencyViolation", f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")


def refuse_subnet(layout: Layout, _account: Account, subnet: Record) -> None:
    """Refuses to delete a subnet with network interfaces in it, load balancers' among them.

    Raises:
        AwsError: `DependencyViolation`.
    """
    zones = [zone for balancer in _load_balancers(layout, subnet) for zone in balancer["AvailabilityZones"]]
    interfaces = _ec2(layout, subnet, "describe_network_interfaces", "NetworkInterfaces", {"subnet-id": subnet.id})
    if interfaces or subnet.id in (zone["SubnetId"] for zone in zones):
        raise AwsError("DependencyViolation", f"The subnet '{subnet.id}' has dependencies and cannot be deleted.")


def refuse_internet_gateway(layout: Layout, _account: Account, gateway: Record) -> None:
    """Refuses to detach an internet gateway while something has public addresses behind it.

    Raises:
        AwsError: `DependencyViolation`.
    """
    vpc = gateway.inputs.get("vpcId")
    if not vpc:
        return
    behind = {"vpc-id": str(vpc), "state": "available"}
    if _ec2(layout, gateway, "describe_nat_gateways", "NatGateways", behind) or any(
        balancer["VpcId"] == vpc and balancer.get("Scheme", "internet-facing") == "internet-facing"
        for balancer in _load_balancers(layout, gateway)
    ):
        raise AwsError(
            "DependencyViolation",
            f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before "
            "detaching the gateway.",
        )


def refuse_security_group(layout: Layout, _account: Account, group: Record) -> None:
    """Refuses to delete a security group that load balancers or interfaces have, or that another one's rules name.

    Raises:
        AwsError: `DependencyViolation`.
    """
    named = _ec2(layout, group, "describe_security_groups", "SecurityGroups", {"ip-permission.group-id": group.id})
    if (
        any(group.id in balancer.get("SecurityGroups", ()) for balancer in _load_balancers(layout, group))
        or _ec2(layout, group, "describe_network_interfaces", "NetworkInterfaces", {"group-id": group.id})
        or any(other["GroupId"] != group.id for other in named)
    ):
        raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")


def refuse_certificate(layout: Layout, _account: Account, certificate: Record) -> None:
    """Refuses to delete a certificate that a load balancer serves.

    Raises:
        AwsError: `ResourceInUseException`.
    """
    with answering(layout, "elbv2", certificate.outputs["region"]) as elbv2:
        for balancer in _load_balancers(layout, certificate):
            for listener in elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
                if certificate.id in (one["CertificateArn"] for one in listener.get("Certificates", ())):
                    raise AwsError("ResourceInUseException", f"Certificate {certificate.id} is in use")


def _load_balancers(layout: Layout, beside: Record) -> list[Any]:
    with answering(layout, "elbv2", beside.outputs["region"]) as elbv2:
        return elbv2.describe_load_balancers()["LoadBalancers"]


def _ec2(layout: Layout, beside: Record, operation: str, of_answer: str, filters: dict[str, str]) -> list[Any]:
    with answering(layout, "ec2", beside.outputs["region"]) as ec2:
        wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
        return getattr(ec2, operation)(Filters=wanted)[of_answer]
