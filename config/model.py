"""The models: every key there is, with its default and what it means."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from config.values import (
    AccountId,
    BranchName,
    BucketName,
    CertificateArn,
    ChartSource,
    Cidr,
    Cpu,
    DirectoryPath,
    Domain,
    EachOnce,
    GitHubEnvironment,
    GitHubRepository,
    HookUrl,
    HttpPath,
    ImageDigest,
    InstanceType,
    KeyArn,
    Memory,
    OidcProviderArn,
    PolicyArn,
    Port,
    PublicPath,
    Region,
    RoleArn,
    ServiceName,
    SourceUrl,
    TagValue,
    VariableName,
    WebAclArn,
    Zone,
    ZoneId,
)
from contract.namespaces import JENKINS, LOGGING

PROJECT = "hello-platform"
"""The Pulumi project: the namespace of its configuration keys."""

EnvironmentName: TypeAlias = Literal["dev", "prod"]
ENVIRONMENTS: tuple[EnvironmentName, ...] = typing.get_args(EnvironmentName)

LoadBalancerName: TypeAlias = Literal["public", "staff"]
LOAD_BALANCERS: tuple[LoadBalancerName, ...] = typing.get_args(LoadBalancerName)

SecretScope: TypeAlias = Literal["dev", "prod", "platform"]
"""Whose a secret is: a service's in one environment, or the platform's own programs'."""

LogRetentionDays: TypeAlias = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html."""


class Model(BaseModel):
    """Frozen; keys in camelCase as Pulumi's files have them; an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=False, strict=True, allow_inf_nan=False
    )


class Network(Model):
    """The VPC."""

    cidr: Cidr = Field(
        description="IPv4 range of the VPC, private (RFC 1918) and /16 to /20: pods take their addresses from it."
    )
    zones: Annotated[list[Zone], EachOnce] = Field(
        min_length=2, max_length=3, description="Availability zones, in a lasting order."
    )
    nat_gateways: Literal["single", "per-zone"] = Field(
        default="single", description="`single` is cheap; `per-zone` survives the loss of a zone."
    )


class Cluster(Model):
    """The EKS control plane's access and logs."""

    public_access_cidrs: Annotated[list[Cidr], EachOnce] = Field(
        default_factory=list[str],
        max_length=40,
        description="Who reaches the Kubernetes API from outside the VPC, public ranges of /16 or smaller.",
    )
    admin_role_arns: Annotated[list[RoleArn], EachOnce] = Field(
        default_factory=list[str], description="IAM roles that administer the cluster, besides the one that creates it."
    )
    deployer_role_arns: Annotated[list[RoleArn], EachOnce] = Field(
        default_factory=list[str], description="IAM roles of people who release: they see all but secrets."
    )
    reader_role_arns: Annotated[list[RoleArn], EachOnce] = Field(
        default_factory=list[str], description="IAM roles of people who look: they see all but secrets."
    )
    log_retention_days: LogRetentionDays = Field(
        default=90, description="How long CloudWatch keeps the control plane's logs and the VPC's flow logs."
    )


class LoadBalancer(Model):
    """The two load balancers in front of the hosts: one for users, one for staff."""

    staff_cidrs: Annotated[list[Cidr], EachOnce] = Field(
        min_length=1, description="Who reaches the tools' hosts: your offices and VPN, ranges of /16 or smaller."
    )
    public_cidrs: Annotated[list[Cidr], EachOnce] = Field(
        default_factory=lambda: ["0.0.0.0/0"], min_length=1, description="Who reaches DOMAIN."
    )
    test_host: LoadBalancerName = Field(
        default="staff", description="Which of the two test.DOMAIN is on. On `public` it shares prod's."
    )
    certificate_arn: CertificateArn | None = Field(
        default=None,
        description="A certificate of DOMAIN and *.DOMAIN in ACM of this region; left out, the program makes one.",
    )
    web_acl_arn: WebAclArn | None = Field(
        default=None,
        description="A WAF web ACL of this region that judges each request to either of them; left out, none does.",
    )
    access_log_days: int = Field(
        default=90, ge=1, le=3650, description="How long their access logs are kept, in a bucket of the stack's own."
    )
    idle_timeout_seconds: int = Field(
        default=60,
        ge=1,
        le=4000,
        description="How long it keeps an idle connection: less than a server does.",
    )


class Dns(Model):
    """Where DOMAIN is looked up."""

    zone: Domain = Field(description="The zone that DOMAIN is in, such as example.com: what your DNS provider serves.")
    zone_id: ZoneId | None = Field(
        default=None,
        description="Its id, where Route 53 of this account serves it: the program makes all records. Left out, it "
        "says which ones to enter.",
    )
    flattens_apex: bool = Field(
        default=False,
        description="Whether its provider takes the name of a load balancer for the zone's own name (ALIAS, ANAME, "
        "flattened CNAME). With `zoneId` it does.",
    )


class Nodes(Model):
    """An environment's EC2 machines."""

    instance_type: InstanceType = Field(description="EC2 instance type of each node.")
    min: int = Field(ge=1, le=100, description="Fewest nodes.")
    max: int = Field(ge=1, le=100, description="Most nodes.")
    desired: int = Field(ge=1, le=100, description="Nodes at creation; the autoscaler owns the number afterwards.")
    disk_gib: int = Field(default=50, ge=20, le=1000, description="Root volume of each node, GiB.")
    volumes: bool = Field(
        default=False,
        description="Whether pods with volumes run here: then there is one managed node group a zone, since a volume "
        "lives in one zone, or a single zone where there are fewer nodes than zones.",
    )


class Quota(Model):
    """The namespace's ResourceQuota."""

    cpu: Cpu = Field(description="Sum of the pods' CPU requests.")
    memory: Memory = Field(description="Sum of the pods' memory requests.")
    pods: int = Field(ge=1, le=1000, description="Number of pods, both slots of every service.")


class Environment(Model):
    """What an environment has of its own."""

    nodes: Nodes = Field(description="Its EC2 machines.")
    quota: Quota = Field(description="What all its pods may request together.")


class Environments(Model):
    """Both environments; each stack has both."""

    dev: Environment = Field(description="Where developers release freely; tools run on its nodes too.")
    prod: Environment = Field(description="What users reach.")

    def items(self) -> Iterator[tuple[EnvironmentName, Environment]]:
        """Yields each environment's name and settings."""
        yield "dev", self.dev
        yield "prod", self.prod

    def of(self, environment: EnvironmentName) -> Environment:
        """One environment's settings."""
        return {"dev": self.dev, "prod": self.prod}[environment]


class Amounts(Model):
    """CPU and memory of a container."""

    cpu: Cpu = Field(description="In cores (`2`) or thousandths of one (`250m`).")
    memory: Memory = Field(
        description="The same in requests and limits: a pod that uses more than it asked for is ended, not slowed down."
    )


class Resources(Model):
    """A container's requests and limits."""

    requests: Amounts = Field(default=Amounts(cpu="100m", memory="256Mi"), description="What a node keeps free for it.")
    limits: Amounts = Field(
        default=Amounts(cpu="1", memory="256Mi"),
        description="What it never exceeds: slowed down by CPU, ended by memory.",
    )


class ReplicaRange(Model):
    """How many pods the live slot has."""

    min: int = Field(ge=1, le=100, description="Fewest pods.")
    max: int = Field(ge=1, le=100, description="Most pods, under load.")


class Replicas(Model):
    """The range of the live slot's size in each environment."""

    dev: ReplicaRange = Field(default=ReplicaRange(min=1, max=2), description="On dev.")
    prod: ReplicaRange = Field(default=ReplicaRange(min=2, max=4), description="On prod.")

    def of(self, environment: EnvironmentName) -> ReplicaRange:
        """The range in one environment."""
        return {"dev": self.dev, "prod": self.prod}[environment]


class PerEnvironment(Model):
    """A text that may differ between the environments; one text alone stands for both."""

    dev: str = Field(description="On dev.")
    prod: str = Field(description="On prod.")

    @model_validator(mode="before")
    @classmethod
    def _one_text_is_for_both(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"dev": value, "prod": value}
        if not isinstance(value, dict | cls):
            raise PydanticCustomError(
                "value", "a text for both environments, or an object with one for dev and one for prod"
            )
        return value  # pyright: ignore[reportUnknownVariableType] - what it holds is what the fields check

    def of(self, environment: EnvironmentName) -> str:
        """The text in one environment."""
        return {"dev": self.dev, "prod": self.prod}[environment]


class EgressNetwork(Model):
    """Addresses outside the cluster."""

    cidr: Cidr = Field(description="Outside the VPC, and /8 or smaller.")
    ports: Annotated[list[Port], EachOnce] = Field(min_length=1, description="TCP ports.")


class Egress(Model):
    """What a service may reach besides DNS. Anything else is refused."""

    services: Annotated[list[ServiceName], EachOnce] = Field(
        default_factory=list[str], description="Services of its environment, each on its port."
    )
    networks: list[EgressNetwork] = Field(
        default_factory=list[EgressNetwork], description="Addresses outside the cluster, such as a database's."
    )
    https: bool = Field(default=False, description="Any public address on port 443, such as a vendor's API.")


class SmokeTest(Model):
    """The request that a new version answers before it gets traffic."""

    path: HttpPath | None = Field(default=None, description="What is asked for; the health path where it is left out.")
    status: int = Field(default=200, ge=200, le=499, description="HTTP status of a good answer.")
    contains: str | None = Field(
        default=None, min_length=1, max_length=200, description="Text that a good answer contains."
    )
    tries: int = Field(default=10, ge=1, le=100, description="How often it is asked, at most, a second apart.")
    deadline_seconds: int = Field(default=60, ge=1, le=600, description="After this it has failed.")


class Service(Model):
    """One container image, served over HTTP."""

    port: Port = Field(description="The port the container listens on.")
    health_path: HttpPath = Field(description="Answers 200 when the container can serve.")
    paths: Annotated[list[PublicPath], EachOnce] = Field(
        default_factory=list[str], description="Paths on the environment's host; none keeps it inside the cluster."
    )
    variables: dict[VariableName, PerEnvironment] = Field(
        default_factory=dict[str, PerEnvironment],
        description="Environment variables: one text for both environments, or one for `dev` and one for `prod`.",
    )
    secrets: Annotated[list[VariableName], EachOnce] = Field(
        default_factory=list[str], description="Environment variables whose values are secrets of the stack."
    )
    resources: Resources = Field(default_factory=Resources, description="What its container may use.")
    replicas: Replicas = Field(default_factory=Replicas, description="How many pods serve.")
    egress: Egress = Field(default_factory=Egress, description="What it may reach.")
    smoke_test: SmokeTest = Field(default_factory=SmokeTest, description="How a new version is tried.")
    exclusive: bool = Field(
        default=False,
        description="Never two versions at once: the old one ends before the new one starts; nothing serves between.",
    )
    start_seconds: int = Field(
        default=180, ge=10, le=1800, description="How long the container may take to answer at first."
    )
    longest_request_seconds: int = Field(
        default=30,
        ge=1,
        le=3600,
        description="The longest request that an ending pod still finishes. "
        "With a path, no longer than the load balancer's idle time-out.",
    )
    keep_alive_seconds: int = Field(
        default=75,
        ge=1,
        le=86400,
        description="How long its server keeps an idle connection open: set it there, and say so here. "
        "With a path, longer than the load balancer's idle time-out.",
    )
    writable_paths: Annotated[list[DirectoryPath], EachOnce] = Field(
        default_factory=lambda: ["/tmp"],  # noqa: S108 - inside the container, its own volume
        description="Directories that the container may write to; all else is read-only.",
    )
    kubernetes_api: bool = Field(
        default=False, description="Whether it gets a service account token, and the way to the Kubernetes API."
    )

    def variables_in(self, environment: EnvironmentName) -> dict[str, str]:
        """Its environment variables in one environment."""
        return {name: value.of(environment) for name, value in self.variables.items()}


class Source(Model):
    """Where a service's code is, with a Dockerfile whose stage `test` runs its unit tests."""

    repository: SourceUrl = Field(description="Its Git repository.")
    branch: BranchName = Field(default="main", description="The branch that goes to dev.")


class GitLogin(Model):
    """Who reads the sources, where they are not public."""

    username: str = Field(min_length=1, max_length=200, description="Its name.")
    token: SecretStr = Field(description="Its token, with a right to read only: set it as a secret.")

    @property
    def clear(self) -> dict[str, str]:
        """In clear text: hand it to Pulumi as secrets only."""
        return {"username": self.username, "token": self.token.get_secret_value()}


class Certificates(Model):
    """Of what builds images and of its clients, as PEM: `python -m pipelines.certificates` makes and sets all five."""

    ca: SecretStr = Field(description="Who signed the others; its key is thrown away.")
    server: SecretStr = Field(description="Certificate of the daemon.")
    server_key: SecretStr = Field(description="Its key.")
    client: SecretStr = Field(description="Certificate of the agents that build.")
    client_key: SecretStr = Field(description="Its key.")

    @property
    def of_server(self) -> dict[str, str]:
        """The daemon's, by the names of files, in clear text: hand them to Pulumi as secrets only."""
        return self._files(self.server, self.server_key)

    @property
    def of_client(self) -> dict[str, str]:
        """The agents', likewise; the names are those that buildctl takes."""
        return self._files(self.client, self.client_key)

    def _files(self, certificate: SecretStr, key: SecretStr) -> dict[str, str]:
        pem = {"ca.pem": self.ca, "cert.pem": certificate, "key.pem": key}
        return {name: value.get_secret_value() for name, value in pem.items()}


class Hook(Model):
    """Where GitHub tells Jenkins of a push: `https://hook.DOMAIN/github-webhook/`, on the public load balancer."""

    cidrs: Annotated[list[Cidr], EachOnce] = Field(
        min_length=1,
        max_length=30,
        description="Whose requests it takes: GitHub's, the IPv4 ones of `hooks` in https://api.github.com/meta.",
    )
    secret: SecretStr = Field(description="By which GitHub signs what it tells: set it as a secret.")

    @property
    def clear(self) -> dict[str, str]:
        """In clear text: hand it to Pulumi as secrets only."""
        return {"secret": self.secret.get_secret_value()}


class Delivery(Model):
    """Jenkins; without it the release tool is run by whatever else you have."""

    admin_password: SecretStr = Field(description="Of the user `admin`: set it as a secret.")
    certificates: Certificates = Field(description="By which agents and the daemon that builds know each other.")
    agent_digest: ImageDigest = Field(
        default="sha256:" + 64 * "0",
        description="The agents' image, in this stack's repository `agent`; until there is one, no agent starts.",
    )
    sources: dict[ServiceName, Source] = Field(
        default_factory=dict[str, Source], description="Of each service that Jenkins builds."
    )
    platform: Source | None = Field(
        default=None, description="Of this platform itself: from it the agents' image is built, where it changes."
    )
    git: GitLogin | None = Field(default=None, description="The login for sources; none where they are public.")
    poll_minutes: int = Field(default=5, ge=1, le=59, description="How often sources are asked for new commits.")
    hook: Hook | None = Field(
        default=None, description="Where GitHub tells of pushes; left out, nothing from outside reaches Jenkins."
    )
    notify_url: HookUrl | None = Field(default=None, description="Is told, as JSON, how builds end.")

    @property
    def admin(self) -> dict[str, str]:
        """The login of `admin`, in clear text: hand it to Pulumi as secrets only."""
        return {"username": "admin", "password": self.admin_password.get_secret_value()}


class LogRetention(Model):
    """Days until an event is deleted."""

    dev: int = Field(default=14, ge=1, le=3650, description="Of dev.")
    prod: int = Field(default=90, ge=1, le=3650, description="Of prod.")
    platform: int = Field(default=30, ge=1, le=3650, description="Of the cluster's own programs and the tools.")


class Logs(Model):
    """Where the containers' logs are kept: Elasticsearch, Fluentd, Kibana."""

    nodes: int = Field(default=1, ge=1, le=9, description="Pods of Elasticsearch: 1, or 3 and more.")
    cpu: Cpu = Field(default="500m", description="What each of them requests; it may use four times as much.")
    memory: Memory = Field(default="2Gi", description="Of each of them; half of it is Java's heap.")
    storage_gib: int = Field(default=50, ge=10, le=16384, description="Volume of each of them, GiB; gp3, encrypted.")
    zone_awareness: bool = Field(
        default=False, description="Whether copies of the same data stand in different zones; for 3 nodes and more."
    )
    retention_days: LogRetention = Field(default_factory=LogRetention, description="How long events are kept.")
    snapshot_days: int = Field(
        default=14, ge=1, le=3650, description="How long each night's snapshot of all of it is kept in S3."
    )
    buffer_mib: int = Field(
        default=2048,
        ge=256,
        le=65536,
        description="How much of a node's disk events may take while Elasticsearch is away, MiB.",
    )


class Previews(Model):
    """Who previews, on GitHub or in Jenkins: a role that looks, and changes nothing."""

    repository: GitHubRepository | None = Field(
        default=None, description="This platform's repository on GitHub; left out, nobody previews there."
    )
    environment: GitHubEnvironment | None = Field(
        default=None, description="The repository's environment whose jobs may act as the role."
    )
    oidc_provider_arn: OidcProviderArn | None = Field(
        default=None,
        description="GitHub's identity provider in IAM, where the account has one; left out, this stack makes it: "
        "an account has one.",
    )
    state_bucket: BucketName | None = Field(
        default=None, description="The S3 bucket of the stack's state; left out with Pulumi Cloud."
    )
    key_arn: KeyArn | None = Field(
        default=None, description="The KMS key of the stack's secrets; left out with Pulumi Cloud."
    )


SecretValues: TypeAlias = dict[VariableName, SecretStr]


class Settings(Model):
    """A stack's whole configuration."""

    account_id: AccountId = Field(description="The AWS account of this stack: nothing is done in any other.")
    region: Region = Field(description="AWS region of everything in this stack.")
    domain: Domain = Field(description="DOMAIN: it reaches prod, test.DOMAIN dev, log.DOMAIN Kibana.")
    owner: TagValue = Field(description="Who answers for this stack: the tag `owner` of every AWS resource.")
    cost_center: TagValue = Field(description="Who pays for it: the tag `cost-center` of every AWS resource.")
    protect: bool = Field(
        default=False,
        description="Whether what holds data or serves refuses to be deleted. `pulumi state unprotect` lifts it.",
    )
    permissions_boundary_arn: PolicyArn | None = Field(
        default=None, description="An IAM policy that bounds every IAM role of this stack."
    )
    charts: ChartSource | None = Field(
        default=None,
        description="Where Helm charts come from, for networks without a way to their public repositories: a folder "
        "that has each as a folder or as `NAME-VERSION.tgz`, or an OCI registry that the machine is logged in to. Let "
        "a path be relative to the project's folder: it stands in the state, and where it is another, previews show a "
        "change.",
    )
    network: Network = Field(description="The VPC.")
    cluster: Cluster = Field(default_factory=Cluster, description="The EKS control plane's access and logs.")
    dns: Dns = Field(description="Where DOMAIN is looked up.")
    load_balancer: LoadBalancer = Field(description="The load balancers in front of the hosts, and who reaches them.")
    environments: Environments = Field(description="The two environments.")
    services: dict[ServiceName, Service] = Field(min_length=1, description="The containers to serve, by name.")
    logs: Logs = Field(default_factory=Logs, description="Where the containers' logs are kept.")
    secrets: dict[SecretScope, dict[ServiceName, SecretValues]] = Field(
        default_factory=dict[SecretScope, dict[str, dict[str, SecretStr]]],
        description="Values of the secrets that services name, as `secrets.dev.NAME.VARIABLE` or `secrets.prod.…`, and "
        "of the platform's own, as `secrets.platform.logs.VARIABLE`. "
        "Never in clear in a file: `pulumi config set --secret --path KEY` asks for the value.",
    )

    delivery: Delivery | None = Field(default=None, description="Jenkins; left out, there is none.")
    previews: Previews | None = Field(default=None, description="A role for previews; left out, there is none.")

    def host(self, environment: EnvironmentName) -> str:
        """The host name that reaches an environment."""
        return {"prod": self.domain, "dev": f"test.{self.domain}"}[environment]

    def load_balancer_of(self, reaches: str) -> LoadBalancerName:
        """The load balancer that a host is on, by what it reaches: the tools are for staff."""
        balancers: dict[str, LoadBalancerName] = {
            "prod": "public",
            "dev": self.load_balancer.test_host,
            "hook": "public",
        }
        return balancers.get(reaches, "staff")

    @property
    def hosts(self) -> dict[str, str]:
        """Every host name of the stack, by what it reaches."""
        jenkins = {"jenkins": self.jenkins_host} if self.delivery else {}
        hook = {"hook": f"hook.{self.domain}"} if self.delivery and self.delivery.hook else {}
        return {**{name: self.host(name) for name in ENVIRONMENTS}, "logs": self.log_host, **jenkins, **hook}

    @property
    def namespaces_by_load_balancer(self) -> dict[LoadBalancerName, list[str]]:
        """Whose Ingresses each load balancer takes: those of its hosts, and no other."""
        tools = {"logs": LOGGING, "jenkins": JENKINS, "hook": JENKINS}
        return {
            balancer: [tools.get(name, name) for name in self.hosts if self.load_balancer_of(name) == balancer]
            for balancer in LOAD_BALANCERS
        }

    @property
    def previews_in_jenkins(self) -> bool:
        """Whether Jenkins previews changes of this platform: it knows its source, and where the state is."""
        source = self.delivery.platform if self.delivery else None
        return bool(source and self.previews and self.previews.state_bucket)

    def tainted(self, environment: EnvironmentName) -> bool:
        """Whether the environment's nodes refuse pods that do not tolerate them."""
        return {"prod": True, "dev": False}[environment]

    @property
    def tools_on(self) -> EnvironmentName:
        """On whose nodes tools run: those that take what tolerates nothing."""
        return next(name for name in ENVIRONMENTS if not self.tainted(name))

    @property
    def log_host(self) -> str:
        """The host name of Kibana."""
        return f"log.{self.domain}"

    @property
    def jenkins_host(self) -> str:
        """The host name of Jenkins."""
        return f"jenkins.{self.domain}"

    @property
    def public_paths(self) -> dict[str, str]:
        """The service behind each path on its environment's host."""
        return {path: name for name, service in self.services.items() for path in service.paths}

    def tags(self, stack: str) -> dict[str, str]:
        """The tags of every AWS resource of a stack: the one place that says them."""
        return {"platform": PROJECT, "stack": stack, "owner": self.owner, "cost-center": self.cost_center}

    def secret_values(self, environment: SecretScope, service: str) -> dict[str, str]:
        """A service's secrets in clear text: hand them to Pulumi as secrets only."""
        values = self.secrets.get(environment, {}).get(service, {})
        return {name: value.get_secret_value() for name, value in values.items()}
