"""Jenkins, and the IAM role for previews."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from config.models.base import Model
from config.values import (
    BranchName,
    BucketName,
    Cidr,
    ClaimName,
    ClientId,
    Day,
    EachOnce,
    FindingName,
    GitHubEnvironment,
    GitHubRepository,
    GroupName,
    HookUrl,
    ImageDigest,
    ImageReference,
    KeyArn,
    OidcProviderArn,
    PinnedImage,
    Port,
    RelativePath,
    ServiceName,
    SourceUrl,
    VariableName,
)

NO_IMAGE = "sha256:" + 64 * "0"
"""A digest that is valid, and of no image."""


class Source(Model):
    """A Git repository with a Dockerfile, whose stage `test` runs the unit tests."""

    repository: SourceUrl = Field(description="URL of the Git repository.")
    branch: BranchName = Field(default="main", description="The branch that is built.")
    context: RelativePath = Field(default=".", description="The build context: the folder that a build gets.")
    dockerfile: RelativePath | None = Field(
        default=None, description="The Dockerfile; left out, the file Dockerfile in the context."
    )
    paths: Annotated[list[RelativePath], EachOnce] = Field(
        default_factory=list[str],
        max_length=30,
        description="Further paths in the repository that the image is built from. Commits are built that change "
        "the context, the Dockerfile or one of these; with the whole repository as context: the Dockerfile or one of "
        "these, or left out, all.",
    )

    check: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="A shell command that must succeed before an image that is live on dev is verified for prod, "
        "such as a call of end-to-end tests; it gets SERVICE, ENVIRONMENT and IMAGE, and the record carries it.",
    )

    @property
    def file(self) -> str:
        """Path of the Dockerfile in the repository."""
        return self.dockerfile or ("Dockerfile" if self.context == "." else f"{self.context}/Dockerfile")

    @property
    def watched(self) -> list[str]:
        """Paths whose commits are built; empty if every commit is."""
        context = [] if self.context == "." else [self.context]
        return sorted({*context, *self.paths, self.file}) if context or self.paths else []


class GitLogin(Model):
    """The login for private repositories."""

    username: str = Field(min_length=1, max_length=200, description="The user name.")
    token: SecretStr = Field(description="An access token with read access only; set it as a secret.")

    @property
    def clear(self) -> dict[str, str]:
        """The values in clear text: pass them to Pulumi as secrets only."""
        return {"username": self.username, "token": self.token.get_secret_value()}


class Certificates(Model):
    """PEM certificates of buildkitd and its clients: `python -m pipelines.certificates` makes and sets all five."""

    ca: SecretStr = Field(description="The CA's certificate; its key is not kept.")
    server: SecretStr = Field(description="buildkitd's certificate.")
    server_key: SecretStr = Field(description="buildkitd's key.")
    client: SecretStr = Field(description="The build agents' certificate.")
    client_key: SecretStr = Field(description="The build agents' key.")

    @property
    def of_server(self) -> dict[str, str]:
        """The server's files by name, in clear text: pass them to Pulumi as secrets only."""
        return self._files(self.server, self.server_key)

    @property
    def of_client(self) -> dict[str, str]:
        """The clients' files by buildctl's names, in clear text: pass them to Pulumi as secrets only."""
        return self._files(self.client, self.client_key)

    def _files(self, certificate: SecretStr, key: SecretStr) -> dict[str, str]:
        pem = {"ca.pem": self.ca, "cert.pem": certificate, "key.pem": key}
        return {name: value.get_secret_value() for name, value in pem.items()}


class Hook(Model):
    """GitHub's webhook, `https://hook.DOMAIN/github-webhook/`, on the public load balancer."""

    cidrs: Annotated[list[Cidr], EachOnce] = Field(
        min_length=1,
        max_length=30,
        description="Addresses that may call it: GitHub's, the IPv4 ranges of `hooks` in https://api.github.com/meta.",
    )
    secret: SecretStr = Field(description="The webhook's secret, 16 characters or more; set it as a secret.")

    @property
    def clear(self) -> dict[str, str]:
        """The values in clear text: pass them to Pulumi as secrets only."""
        return {"secret": self.secret.get_secret_value()}


class Notify(Model):
    """Where results of builds are posted. Each URL is a secret: whoever knows it can post."""

    slack_url: SecretStr | None = Field(default=None, description="A Slack incoming webhook's URL; set it as a secret.")
    teams_url: SecretStr | None = Field(
        default=None, description="URL of a Teams workflow for webhook requests; set it as a secret."
    )
    webhook_url: SecretStr | None = Field(
        default=None, description="A URL that gets a plain JSON object; set it as a secret."
    )

    @property
    def clear(self) -> dict[str, str]:
        """The URLs that are set, in clear text: pass them to Pulumi as secrets only."""
        urls = {"slack": self.slack_url, "teams": self.teams_url, "webhook": self.webhook_url}
        return {name: url.get_secret_value() for name, url in urls.items() if url}


class Oidc(Model):
    """An OpenID Connect provider, which Jenkins reaches on port 443 of a public address."""

    discovery_url: HookUrl = Field(description="The provider's URL that ends in /.well-known/openid-configuration.")
    user_claim: ClaimName = Field(default="preferred_username", description="The claim with a person's id in Jenkins.")
    groups_claim: ClaimName = Field(default="groups", description="The claim with a person's groups.")


class Login(Model):
    """The login by an identity provider, and the groups that may do something. Who is in none sees nothing."""

    client_id: ClientId = Field(description="Jenkins' client id at the provider.")
    client_secret: SecretStr = Field(description="Its secret; set it as a secret.")
    oidc: Oidc | None = Field(default=None, description="The provider; left out, it is github.com.")
    look: Annotated[list[GroupName], EachOnce] = Field(
        default_factory=list[str], max_length=50, description="Groups that see jobs and builds. On GitHub OWNER*TEAM."
    )
    build: Annotated[list[GroupName], EachOnce] = Field(
        default_factory=list[str], max_length=50, description="Groups that start and stop jobs, too."
    )
    approve: Annotated[list[GroupName], EachOnce] = Field(
        min_length=1, max_length=50, description="Groups that may approve for prod; they may start and stop jobs, too."
    )
    administer: Annotated[list[GroupName], EachOnce] = Field(
        default_factory=list[str], max_length=50, description="Groups that may do everything; left out, only `admin`."
    )

    @property
    def clear(self) -> dict[str, str]:
        """The secret in clear text: pass it to Pulumi as a secret only."""
        return {"secret": self.client_secret.get_secret_value()}


class Waiver(Model):
    """A finding of an image scan that may be released until a day."""

    finding: FindingName = Field(description="Name of the finding.")
    until: Day = Field(description="The last day on which it may be released, in UTC; from the next one on it counts.")
    reason: str = Field(min_length=10, max_length=300, description="Why it does no harm meanwhile.")
    services: Annotated[list[ServiceName], EachOnce] = Field(
        default_factory=list[str], max_length=50, description="The services that it holds for; left out, all."
    )


class Scan(Model):
    """What a finding of an image scan needs to keep the image from being released."""

    severity: Literal["CRITICAL", "HIGH", "MEDIUM"] = Field(
        default="CRITICAL", description="The lowest severity that counts."
    )
    fixable_only: bool = Field(
        default=True,
        description="Whether a finding without a fix does not count. Only enhanced scanning says so; of basic scanning "
        "every finding counts.",
    )
    waivers: list[Waiver] = Field(
        default_factory=list[Waiver], max_length=50, description="Findings that do not count for a while."
    )
    unscannable: Annotated[list[ServiceName], EachOnce] = Field(
        default_factory=list[str],
        max_length=50,
        description="Services whose images ECR cannot scan, such as those from `scratch`, and that are released "
        "all the same.",
    )


class Delivery(Model):
    """Jenkins and its jobs."""

    admin_password: SecretStr = Field(description="Password of the user `admin`; set it as a secret.")
    certificates: Certificates = Field(description="Certificates for mutual TLS between build agents and buildkitd.")
    agent_digest: ImageDigest = Field(
        default=NO_IMAGE,
        description="Digest of the agents' image in this stack's ECR repository `agent`; without it no agent starts.",
    )
    reconciler: bool = Field(
        default=True,
        description="Whether a pod with the agents' image ends abandoned releases, goes back from versions whose pods "
        "fail, and retires slots; without `agentDigest` it has no pod.",
    )
    sources: dict[ServiceName, Source] = Field(
        default_factory=dict[str, Source], description="Repository of each service that Jenkins builds."
    )
    platform: Source | None = Field(
        default=None, description="Repository of this platform itself, for the agents' image and for previews."
    )
    git: GitLogin | None = Field(default=None, description="The login for private repositories.")
    checks: bool = Field(
        default=True,
        description="Whether the other branches of the services' repositories are built, tested and scanned.",
    )
    status_token: SecretStr | None = Field(
        default=None,
        description="A token of the Git host that may write commit statuses of the services' repositories, for "
        "checks; set it as a secret.",
    )
    status_host: Literal["github", "gitlab", "bitbucket"] = Field(
        default="github",
        description="What the services' repositories are at, for commit statuses: `github` (also a GitHub Enterprise "
        "Server), `gitlab` (also a server of one's own) or `bitbucket` (Bitbucket Cloud).",
    )
    build_secrets: dict[VariableName, SecretStr] = Field(
        default_factory=dict[str, SecretStr],
        max_length=30,
        description="Secrets of image builds, such as tokens of private package registries, by their id in RUN "
        "--mount=type=secret,id=NAME; set them as secrets. Every branch that is built can read them.",
    )
    poll_minutes: int = Field(default=5, ge=1, le=59, description="Minutes between polls of the repositories.")
    build_egress_ports: Annotated[list[Port], EachOnce] = Field(
        default_factory=lambda: [80, 443],
        min_length=1,
        max_length=20,
        description="TCP ports of the internet that image builds may reach: 443 for registries and most downloads, 80 "
        "for the package sources of Debian and Ubuntu, 22 for Git by SSH. Private addresses are never reached.",
    )
    hook: Hook | None = Field(default=None, description="GitHub's webhook; left out, Jenkins only polls.")
    provenance: bool = Field(
        default=False,
        description="Whether each image is pushed with its provenance by BuildKit: commit, materials and build, as an "
        "attestation in the image's index.",
    )
    sbom_generator: ImageReference | None = Field(
        default=None,
        description="Image that writes a software bill of materials (SPDX) of each image, which is pushed with it: "
        "docker.io/docker/buildkit-syft-scanner:stable-1.",
    )
    scan: Scan = Field(default_factory=Scan, description="What image scans may find in what is released.")
    notify: Notify | None = Field(default=None, description="Who is told the result of builds.")
    login: Login | None = Field(
        default=None,
        description="Who may log in and do what; left out, `admin` is the only user; otherwise `admin` is for "
        "emergencies.",
    )

    @property
    def clear_build_secrets(self) -> dict[str, str]:
        """The secrets of builds, in clear text: pass them to Pulumi as secrets only."""
        return {name: value.get_secret_value() for name, value in self.build_secrets.items()}

    @property
    def has_agent(self) -> bool:
        """Whether `agent_digest` names an image: in the first `up` there is none."""
        return self.agent_digest != NO_IMAGE

    @property
    def admin(self) -> dict[str, str]:
        """The login of `admin`, in clear text: pass it to Pulumi as secrets only."""
        return {"username": "admin", "password": self.admin_password.get_secret_value()}


class ReleasesPage(Model):
    """The page of releases, `https://releases.DOMAIN`: it shows all services and changes nothing, without a login."""

    enabled: bool = Field(
        default=True,
        description="Whether there is the page, for `loadBalancer.staffCidrs`, where it has an image.",
    )
    image: PinnedImage | None = Field(
        default=None,
        description="Its image, which `pipelines/agent.Dockerfile` makes; left out, the agents' image of `delivery`, "
        "and no page without `delivery`.",
    )


class GitHubActions(Model):
    """Builds and releases by GitHub Actions, beside Jenkins or in its place: the IAM roles of their jobs."""

    repositories: dict[ServiceName, GitHubRepository] = Field(
        min_length=1, description="Repository of each service that GitHub Actions builds and releases."
    )
    oidc_provider_arn: OidcProviderArn | None = Field(
        default=None,
        description="GitHub's OIDC provider in IAM, if the account already has it; left out, this stack creates it.",
    )


class Previews(Model):
    """The read-only IAM role for previews on GitHub or in Jenkins."""

    repository: GitHubRepository | None = Field(
        default=None, description="This platform's repository on GitHub; left out, there are no previews on GitHub."
    )
    environment: GitHubEnvironment | None = Field(
        default=None, description="The GitHub environment whose jobs may assume the role."
    )
    oidc_provider_arn: OidcProviderArn | None = Field(
        default=None,
        description="GitHub's OIDC provider in IAM, if the account already has it; left out, this stack creates it. "
        "An account can have only one.",
    )
    state_bucket: BucketName | None = Field(
        default=None, description="S3 bucket of the stack's state; left out with Pulumi Cloud."
    )
    key_arn: KeyArn | None = Field(
        default=None,
        description="KMS key of the stack's secrets, one for each stack: whoever previews a stack may decrypt with it; "
        "left out with Pulumi Cloud.",
    )
    state_key_arn: KeyArn | None = Field(
        default=None,
        description="KMS key of the objects in the state's bucket; left out if that is `keyArn`, or with Pulumi Cloud.",
    )
