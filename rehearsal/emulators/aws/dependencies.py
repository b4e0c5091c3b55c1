"""Refusals to delete resources on which others depend that the program did not create.

Controllers in the cluster create load balancers, security groups and instances. moto deletes what these use; AWS
refuses:
https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-groups.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html
https://docs.aws.amazon.com/acm/latest/userguide/gs-acm-delete.html
"""

from __future__ import annotations

from typing import Any

from rehearsal.emulators.aws.api import answering
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Making


def refuse_vpc(vpc: Making) -> None:
    """Refuses to delete a VPC that has security groups besides its default one.

    Raises:
        AwsError: `DependencyViolation`.
    """
    groups = _ec2(vpc, "describe_security_groups", "SecurityGroups", {"vpc-id": vpc.id})
    if any(group["GroupName"] != "default" for group in groups):
        raise AwsError("DependencyViolation", f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")


def refuse_subnet(subnet: Making) -> None:
    """Refuses to delete a subnet that has network interfaces or load balancers.

    Raises:
        AwsError: `DependencyViolation`.
    """
    zones = [zone for balancer in _load_balancers(subnet) for zone in balancer["AvailabilityZones"]]
    interfaces = _ec2(subnet, "describe_network_interfaces", "NetworkInterfaces", {"subnet-id": subnet.id})
    if interfaces or subnet.id in (zone["SubnetId"] for zone in zones):
        raise AwsError("DependencyViolation", f"The subnet '{subnet.id}' has dependencies and cannot be deleted.")


def refuse_internet_gateway(gateway: Making) -> None:
    """Refuses to detach an internet gateway while its VPC has public addresses.

    Raises:
        AwsError: `DependencyViolation`.
    """
    vpc = gateway.inputs.get("vpcId")
    if not vpc:
        return
    behind = {"vpc-id": str(vpc), "state": "available"}
    if _ec2(gateway, "describe_nat_gateways", "NatGateways", behind) or any(
        balancer["VpcId"] == vpc and balancer.get("Scheme", "internet-facing") == "internet-facing"
        for balancer in _load_balancers(gateway)
    ):
        raise AwsError(
            "DependencyViolation",
            f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before "
            "detaching the gateway.",
        )


def is_named(group: Making) -> bool:
    """Whether a security group is in use by load balancers, network interfaces or other groups' rules."""
    named = _ec2(group, "describe_security_groups", "SecurityGroups", {"ip-permission.group-id": group.id})
    return (
        any(group.id in balancer.get("SecurityGroups", ()) for balancer in _load_balancers(group))
        or bool(_ec2(group, "describe_network_interfaces", "NetworkInterfaces", {"group-id": group.id}))
        or any(other["GroupId"] != group.id for other in named)
    )


def refuse_certificate(certificate: Making) -> None:
    """Refuses to delete a certificate that a load balancer's listener uses.

    Raises:
        AwsError: `ResourceInUseException`.
    """
    with answering(certificate.layout, "elbv2", certificate.region) as elbv2:
        for balancer in _load_balancers(certificate):
            for listener in elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
                if certificate.id in (one["CertificateArn"] for one in listener.get("Certificates", ())):
                    raise AwsError("ResourceInUseException", f"Certificate {certificate.id} is in use")


def _load_balancers(beside: Making) -> list[Any]:
    with answering(beside.layout, "elbv2", beside.region) as elbv2:
        return elbv2.describe_load_balancers()["LoadBalancers"]


def _ec2(beside: Making, operation: str, of_answer: str, filters: dict[str, str]) -> list[Any]:
    with answering(beside.layout, "ec2", beside.region) as ec2:
        wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
        return getattr(ec2, operation)(Filters=wanted)[of_answer]
