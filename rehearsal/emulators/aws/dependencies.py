"""Deletions that AWS refuses because of resources that the program did not create, and that moto allows.

Controllers in the cluster create load balancers, security groups and instances. The checks raise `AwsError`.
https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-groups.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html
https://docs.aws.amazon.com/acm/latest/userguide/gs-acm-delete.html
"""

from __future__ import annotations

from typing import Any

from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource


def check_vpc(vpc: Resource) -> None:
    """Refuses to delete a VPC that has security groups besides its default one."""
    groups = _describe(vpc, "security_groups", "SecurityGroups", "vpc-id", vpc.id)
    if any(group["GroupName"] != "default" for group in groups):
        raise AwsError("DependencyViolation", f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")


def check_subnet(subnet: Resource) -> None:
    """Refuses to delete a subnet that has network interfaces or load balancers."""
    zones = [zone for balancer in _load_balancers(subnet) for zone in balancer["AvailabilityZones"]]
    interfaces = _describe(subnet, "network_interfaces", "NetworkInterfaces", "subnet-id", subnet.id)
    if interfaces or subnet.id in (zone["SubnetId"] for zone in zones):
        raise AwsError("DependencyViolation", f"The subnet '{subnet.id}' has dependencies and cannot be deleted.")


def check_internet_gateway(gateway: Resource) -> None:
    """Refuses to detach an internet gateway while its VPC has public addresses."""
    vpc = gateway.inputs.get("vpcId")
    if not vpc:
        return
    gateways = _describe(gateway, "nat_gateways", "NatGateways", "vpc-id", vpc)
    balancers = [balancer for balancer in _load_balancers(gateway) if balancer["VpcId"] == vpc]
    if any(nat["State"] == "available" for nat in gateways) or any(
        balancer.get("Scheme", "internet-facing") == "internet-facing" for balancer in balancers
    ):
        raise AwsError(
            "DependencyViolation",
            f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before "
            "detaching the gateway.",
        )


def check_certificate(certificate: Resource) -> None:
    """Refuses to delete a certificate that a load balancer's listener uses."""
    with certificate.client("elbv2") as elbv2:
        for balancer in _load_balancers(certificate):
            for listener in elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
                if certificate.id in (used["CertificateArn"] for used in listener.get("Certificates", ())):
                    raise AwsError("ResourceInUseException", f"Certificate {certificate.id} is in use")


def is_used(group: Resource) -> bool:
    """Whether load balancers, network interfaces or other groups' rules use a security group."""
    groups = _describe(group, "security_groups", "SecurityGroups", "ip-permission.group-id", group.id)
    return (
        any(group.id in balancer.get("SecurityGroups", ()) for balancer in _load_balancers(group))
        or bool(_describe(group, "network_interfaces", "NetworkInterfaces", "group-id", group.id))
        or any(other["GroupId"] != group.id for other in groups)
    )


def _load_balancers(resource: Resource) -> list[Any]:
    with resource.client("elbv2") as elbv2:
        return elbv2.describe_load_balancers()["LoadBalancers"]


def _describe(resource: Resource, what: str, key: str, name: str, value: str) -> list[Any]:
    """The list `key` of the response of EC2's `describe_…`, filtered by a name and its value."""
    with resource.client("ec2") as ec2:
        return getattr(ec2, f"describe_{what}")(Filters=[{"Name": name, "Values": [value]}])[key]
