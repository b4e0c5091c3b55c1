"""The VPC, the load balancers and DNS."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from config.models.base import LoadBalancerName, Model
from config.values import CertificateArn, Cidr, Domain, EachOnce, WebAclArn, Zone, ZoneId

EndpointService: TypeAlias = Literal[
    "autoscaling",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks-auth",
    "elasticloadbalancing",
    "kms",
    "logs",
    "monitoring",
    "sts",
]
"""Services that the platform's nodes and pods call, by the name of their endpoint; S3 has a gateway endpoint.

https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
"""


class Network(Model):
    """The VPC."""

    cidr: Cidr = Field(
        description="IPv4 range of the VPC, private (RFC 1918) and /16 to /20: pods take their addresses from it."
    )
    zones: Annotated[list[Zone], EachOnce] = Field(
        min_length=2,
        max_length=3,
        description="Availability zones. The first two stay for good, since EKS refuses others for the control plane: "
        "add a third at the end.",
    )
    nat_gateways: Literal["single", "per-zone"] = Field(
        default="single", description="`single` is cheap; `per-zone` survives the loss of a zone."
    )
    flow_logs: Literal["all", "rejected"] = Field(
        default="rejected",
        description="Traffic in the VPC's flow logs, which are charged by the gigabyte.",
    )
    flow_logs_to: Literal["cloudwatch", "s3"] = Field(
        default="cloudwatch",
        description="Writing to `s3` costs half as much; `cloudwatch` can be searched at once. Both keep them for "
        "`cluster.logRetentionDays`.",
    )
    interface_endpoints: Annotated[list[EndpointService], EachOnce] = Field(
        default_factory=list[EndpointService],
        description="AWS services whose APIs nodes and pods reach inside the VPC, in each zone, instead of through the "
        "NAT gateways. Each costs by the hour and by the gigabyte.",
    )
    security_group_rules: int = Field(
        default=60,
        ge=60,
        le=1000,
        description="The account's quota of inbound rules per security group: each range of `staffCidrs` and of "
        "`publicCidrs` takes two. Set it if AWS has raised the quota.",
    )


class LoadBalancer(Model):
    """The two Application Load Balancers: `public` for users, `staff` for the tools."""

    staff_cidrs: Annotated[list[Cidr], EachOnce] = Field(
        min_length=1,
        description="Public addresses of your offices and VPN, /16 or smaller: they reach the `staff` load balancer.",
    )
    public_cidrs: Annotated[list[Cidr], EachOnce] = Field(
        default_factory=lambda: ["0.0.0.0/0"],
        min_length=1,
        description="Addresses that reach the `public` load balancer.",
    )
    test_host: LoadBalancerName = Field(
        default="staff", description="The load balancer of test.DOMAIN. With `public`, dev and prod share one."
    )
    certificate_arn: CertificateArn | None = Field(
        default=None,
        description="An ACM certificate of this region for DOMAIN and *.DOMAIN; left out, the program requests one.",
    )
    web_acl_arn: WebAclArn | None = Field(
        default=None,
        description="A WAF web ACL of this region for both load balancers; left out, requests are not filtered.",
    )
    drop_invalid_headers: bool = Field(
        default=False,
        description="Whether the load balancers drop headers whose names have other characters than letters, digits "
        "and hyphens, such as `X_Api_Key`. Ambiguous requests are blocked in any case.",
    )
    access_log_days: int = Field(
        default=90, ge=1, le=3650, description="Days for which access logs are kept, in an S3 bucket of the stack."
    )
    idle_timeout_seconds: int = Field(
        default=65,
        ge=1,
        le=4000,
        description="Idle time-out of a connection: longer than `longestRequestSeconds` and shorter than "
        "`keepAliveSeconds` of every service with a path.",
    )


class Dns(Model):
    """The DNS zone of DOMAIN."""

    zone: Domain = Field(description="The DNS zone that contains DOMAIN, such as example.com.")
    zone_id: ZoneId | None = Field(
        default=None,
        description="The zone's id, if it is a Route 53 zone of this account: the program creates all records in it. "
        "Left out, the output `records` lists the records to enter.",
    )
    flattens_apex: bool = Field(
        default=False,
        description="Whether the DNS provider supports a host name at the zone apex (ALIAS, ANAME, CNAME flattening). "
        "Not needed with `zoneId`.",
    )
