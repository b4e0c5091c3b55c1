"""The EKS cluster, and the nodes and quotas of its two environments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from config.models.base import EnvironmentName, Model
from config.values import (
    Cidr,
    Cpu,
    DockerHubSecretArn,
    EachOnce,
    InstanceType,
    KeyArn,
    Memory,
    RoleArn,
    TimeOfDay,
    TimeZone,
)

LogRetentionDays: TypeAlias = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""Days that CloudWatch Logs allows. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html."""


class Cluster(Model):
    """Access to the EKS control plane, and its logs."""

    public_access_cidrs: Annotated[list[Cidr], EachOnce] = Field(
        default_factory=list[str],
        max_length=40,
        description="Public ranges, /16 or smaller, that reach the Kubernetes API from outside the VPC. Not empty "
        "until the cluster exists.",
    )
    admin_role_arns: Annotated[list[RoleArn], EachOnce] = Field(
        default_factory=list[str], description="IAM roles of administrators, besides the role that creates the cluster."
    )
    deployer_role_arns: Annotated[list[RoleArn], EachOnce] = Field(
        default_factory=list[str], description="IAM roles of people who release; they also read what readers do."
    )
    reader_role_arns: Annotated[list[RoleArn], EachOnce] = Field(
        default_factory=list[str],
        description="IAM roles with read access to pods, logs and all else that namespaces have, but for Secrets, RBAC "
        "and custom resources; not to nodes.",
    )
    docker_hub_secret_arn: DockerHubSecretArn | None = Field(
        default=None,
        description="A secret in Secrets Manager with a login of Docker Hub, `username` and `accessToken`: nodes and "
        "builds pull its images through a cache in ECR. Left out, from Docker Hub, which limits each address's pulls.",
    )
    volume_key_arn: KeyArn | None = Field(
        default=None,
        description="A KMS key of this region that encrypts the volumes of pods. Needed where the account's default "
        "key for EBS is a customer managed one, which is then usually this. Its policy must let this account's IAM "
        "roles use it. Left out, the account's default key.",
    )
    log_types: Annotated[list[Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]], EachOnce] = (
        Field(
            default_factory=lambda: ["audit", "authenticator"],
            description="Logs of the control plane in CloudWatch, which charges by the gigabyte: `audit` says who "
            "did what, `authenticator` who logged in.",
        )
    )
    log_retention_days: LogRetentionDays = Field(
        default=90, description="Days for which CloudWatch keeps the control plane's logs and the VPC's flow logs."
    )


class Nodes(Model):
    """The EC2 nodes of an environment."""

    instance_type: InstanceType = Field(
        description="EC2 instance type of each node. With one of arm64 (Graviton) all images must be built for it; "
        "both environments have the same architecture."
    )
    min: int = Field(ge=1, le=100, description="Minimum number of nodes.")
    max: int = Field(ge=1, le=100, description="Maximum number of nodes.")
    desired: int = Field(
        ge=1, le=100, description="Number of nodes at creation; afterwards the cluster autoscaler sets it."
    )
    disk_gib: int = Field(default=50, ge=20, le=1000, description="Root volume of each node, GiB.")
    volumes: bool = Field(
        default=False,
        description="Whether pods with volumes run here: there is then one managed node group per zone, since a volume "
        "lives in one zone. With a `max` below the number of zones, only the first `max` of them get one.",
    )

    @property
    def instance_types(self) -> list[str]:
        """The only instance type, as a list."""
        return [self.instance_type]


Weekday: TypeAlias = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]


class Hours(Model):
    """Hours in which there are nodes."""

    days: Annotated[list[Weekday], EachOnce] = Field(
        default_factory=lambda: ["MON", "TUE", "WED", "THU", "FRI"], min_length=1, description="Days with nodes."
    )
    start: TimeOfDay = Field(description="When nodes start on these days.")
    stop: TimeOfDay = Field(description="When all nodes end on these days.")
    time_zone: TimeZone = Field(default="Etc/UTC", description="Time zone of both.")


class ServiceNodes(Model):
    """EC2 nodes for the services of an environment alone, beside its `nodes`."""

    instance_types: Annotated[list[InstanceType], EachOnce] = Field(
        min_length=1,
        max_length=20,
        description="EC2 instance types with the same architecture, vCPUs and memory, of which AWS takes what it has. "
        "The more, the less often Spot has none.",
    )
    spot: bool = Field(
        default=False,
        description="Whether the nodes are Spot instances: cheaper, and taken back by AWS at two minutes' notice. "
        "Not for prod.",
    )
    min: int = Field(default=0, ge=0, le=100, description="Minimum number of nodes.")
    max: int = Field(ge=1, le=100, description="Maximum number of nodes.")
    disk_gib: int = Field(default=50, ge=20, le=1000, description="Root volume of each node, GiB.")
    hours: Hours | None = Field(
        default=None,
        description="The hours in which there are nodes; outside of them the services do not run. Left out, always. "
        "Not for prod.",
    )

    @property
    def desired(self) -> int:
        """Number of nodes at creation."""
        return self.min

    @property
    def volumes(self) -> bool:
        """Whether pods with volumes run here."""
        return False


class Quota(Model):
    """The namespace's ResourceQuota."""

    cpu: Cpu = Field(description="Sum of the pods' CPU requests.")
    memory: Memory = Field(description="Sum of the pods' memory requests.")
    pods: int = Field(ge=1, le=1000, description="Maximum number of pods, in both slots of every service.")


class Environment(Model):
    """The configuration of one environment."""

    nodes: Nodes = Field(description="The EC2 nodes of the environment.")
    service_nodes: ServiceNodes | None = Field(
        default=None,
        description="EC2 nodes for the environment's services alone; left out, they run on `nodes`.",
    )
    quota: Quota = Field(description="The namespace's ResourceQuota.")


class Environments(Model):
    """The two environments, which every stack has."""

    dev: Environment = Field(
        description="The environment for development; the tools (Jenkins, Elasticsearch, Kibana) run on its nodes."
    )
    prod: Environment = Field(description="The environment for users.")

    def items(self) -> Iterator[tuple[EnvironmentName, Environment]]:
        """Yields each environment's name and settings."""
        yield "dev", self.dev
        yield "prod", self.prod

    def node_pools(self) -> Iterator[tuple[str, EnvironmentName, Nodes | ServiceNodes]]:
        """Yields name, environment and settings of all nodes: `dev` and `prod`, and `dev-services` where there are."""
        for name, environment in self.items():
            yield name, name, environment.nodes
            if environment.service_nodes:
                yield f"{name}-services", name, environment.service_nodes

    def of(self, environment: EnvironmentName) -> Environment:
        """One environment's settings."""
        return {"dev": self.dev, "prod": self.prod}[environment]
