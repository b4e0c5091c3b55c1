"""A stack's whole configuration."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import Field, SecretStr

from config.models.analysis import Prometheus
from config.models.base import (
    ENVIRONMENTS,
    LOAD_BALANCERS,
    PROJECT,
    EnvironmentName,
    LoadBalancerName,
    Model,
    SecretScope,
)
from config.models.cluster import Cluster, Environments
from config.models.delivery import Delivery, GitHubActions, Previews, ReleasesPage
from config.models.logs import Logs
from config.models.network import Dns, LoadBalancer, Network
from config.models.service import Service
from config.values import AccountId, ChartSource, Domain, PolicyArn, Region, ServiceName, TagValue, VariableName
from contract.namespaces import DELIVERY, JENKINS, LOGGING

SecretValues: TypeAlias = dict[VariableName, SecretStr]


class Settings(Model):
    """A stack's whole configuration."""

    account_id: AccountId = Field(description="The AWS account of this stack; every other account is refused.")
    region: Region = Field(description="The AWS region of the stack.")
    domain: Domain = Field(
        description="DOMAIN, the host of prod. Others are test.DOMAIN (dev), log.DOMAIN (Kibana) and, with their "
        "settings, jenkins.DOMAIN, hook.DOMAIN and releases.DOMAIN."
    )
    owner: TagValue = Field(description="The owner of this stack: the tag `owner` of every AWS resource.")
    cost_center: TagValue = Field(description="The tag `cost-center` of every AWS resource.")
    protect: bool = Field(
        default=False,
        description="Whether resources that hold data or serve users are protected from deletion. "
        "`pulumi state unprotect` lifts it.",
    )
    permissions_boundary_arn: PolicyArn | None = Field(
        default=None, description="The permissions boundary of every IAM role of this stack."
    )
    sign_images: bool = Field(
        default=False,
        description="Whether builds sign images with a KMS key of this stack, and prod admits only images whose "
        "signature was checked when they were verified.",
    )
    charts: ChartSource | None = Field(
        default=None,
        description="Source of the Helm charts, for networks without access to their public repositories: a folder "
        "with each chart as a folder or as `NAME-VERSION.tgz`, or an OCI registry that the machine is logged in to. "
        "Use a path relative to the project's folder: it is part of the state, and a different path shows as a change.",
    )
    network: Network = Field(description="The VPC.")
    cluster: Cluster = Field(default_factory=Cluster, description="Access to the EKS control plane, and its logs.")
    dns: Dns = Field(description="The DNS zone of DOMAIN.")
    load_balancer: LoadBalancer = Field(description="The two load balancers, and the addresses that reach them.")
    environments: Environments = Field(description="The two environments.")
    services: dict[ServiceName, Service] = Field(min_length=1, description="The services, by name.")
    prometheus: Prometheus | None = Field(
        default=None, description="The Prometheus that the services' analyses query; left out, there is none."
    )
    logs: Logs = Field(default_factory=Logs, description="Storage and retention of the containers' logs.")
    secrets: dict[SecretScope, dict[ServiceName, SecretValues]] = Field(
        default_factory=dict[SecretScope, dict[str, dict[str, SecretStr]]],
        description="Values of the services' secrets, `secrets.dev.NAME.VARIABLE` and `secrets.prod.NAME.VARIABLE`, "
        "and of the platform's own, `secrets.platform.logs.VARIABLE`, and people's passwords for "
        "Kibana, `secrets.platform.people.VARIABLE`. "
        "Never write them into a file: `pulumi config set --secret --path KEY` asks for the value.",
    )

    delivery: Delivery | None = Field(default=None, description="Jenkins; left out, there is none.")
    github_actions: GitHubActions | None = Field(
        default=None,
        description="Builds and releases by GitHub Actions; left out, its jobs have no access.",
    )
    releases_page: ReleasesPage = Field(
        default_factory=ReleasesPage, description="The page of releases, for the staff, where it has an image."
    )
    previews: Previews | None = Field(default=None, description="The IAM role for previews; left out, there is none.")

    def host(self, environment: EnvironmentName) -> str:
        """The host name of an environment."""
        return {"prod": self.domain, "dev": f"test.{self.domain}"}[environment]

    def load_balancer_of(self, host: str) -> LoadBalancerName:
        """The load balancer of a host: `public` for prod and the webhook, `staff` for the tools; dev's is configured.

        Args:
            host: A key of `hosts`.
        """
        balancers: dict[str, LoadBalancerName] = {
            "prod": "public",
            "dev": self.load_balancer.test_host,
            "hook": "public",
        }
        return balancers.get(host, "staff")

    @property
    def hosts(self) -> dict[str, str]:
        """Every host name of the stack: `prod`, `dev`, `logs`, and if configured `jenkins`, `hook`, `releases`."""
        jenkins = {"jenkins": self.jenkins_host} if self.delivery else {}
        hook = {"hook": f"hook.{self.domain}"} if self.delivery and self.delivery.hook else {}
        page = {"releases": f"releases.{self.domain}"} if self.has_releases_page else {}
        return {**{name: self.host(name) for name in ENVIRONMENTS}, "logs": self.log_host, **jenkins, **hook, **page}

    @property
    def has_releases_page(self) -> bool:
        """Whether there is the page of releases: it is not turned off, and something gives it an image."""
        return self.releases_page.enabled and (self.delivery is not None or self.releases_page.image is not None)

    @property
    def namespaces_by_load_balancer(self) -> dict[LoadBalancerName, list[str]]:
        """The namespaces whose Ingresses each load balancer serves: those of its hosts."""
        tools = {"logs": LOGGING, "jenkins": JENKINS, "hook": JENKINS, "releases": DELIVERY}
        return {
            balancer: [tools.get(name, name) for name in self.hosts if self.load_balancer_of(name) == balancer]
            for balancer in LOAD_BALANCERS
        }

    @property
    def prometheus_url(self) -> str | None:
        """URL of Prometheus; None without one."""
        return self.prometheus.url if self.prometheus else None

    @property
    def reads_metrics(self) -> bool:
        """Whether a release reads the load balancers' metrics."""
        return any(service.analysis and service.analysis.uses_load_balancer for service in self.services.values())

    @property
    def previews_in_jenkins(self) -> bool:
        """Whether Jenkins previews changes of this platform: its repository and its state bucket are configured."""
        source = self.delivery.platform if self.delivery else None
        return bool(source and self.previews and self.previews.state_bucket)

    def tainted(self, environment: EnvironmentName) -> bool:
        """Whether the environment's nodes have a taint."""
        return {"prod": True, "dev": False}[environment]

    @property
    def tooling_environment(self) -> EnvironmentName:
        """The environment whose nodes run the tools: the one without a taint."""
        return next(name for name in ENVIRONMENTS if not self.tainted(name))

    @property
    def log_host(self) -> str:
        """The host name of Kibana."""
        return f"log.{self.domain}"

    def dashboard(self, environment: EnvironmentName) -> str:
        """URL of an environment's dashboard in Kibana, which the logging bootstrap imports with this id."""
        return f"https://{self.log_host}/app/dashboards#/view/{environment}-dashboard"

    @property
    def jenkins_host(self) -> str:
        """The host name of Jenkins."""
        return f"jenkins.{self.domain}"

    @property
    def weighted(self) -> list[str]:
        """The services that are released by weight."""
        return [name for name, service in self.services.items() if service.canary]

    @property
    def public_paths(self) -> dict[str, str]:
        """The name of the service behind each path."""
        return {path: name for name, service in self.services.items() for path in service.paths}

    def tags(self, stack: str) -> dict[str, str]:
        """The tags of every AWS resource of a stack."""
        return {"platform": PROJECT, "stack": stack, "owner": self.owner, "cost-center": self.cost_center}

    def secret_values(self, environment: SecretScope, service: str) -> dict[str, str]:
        """A service's secrets in clear text: pass them to Pulumi as secrets only."""
        values = self.secrets.get(environment, {}).get(service, {})
        return {name: value.get_secret_value() for name, value in values.items()}
