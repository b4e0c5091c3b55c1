"""The stack's configuration as validated, frozen models; all errors of a bad configuration at once, by key."""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
import typing
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

PROJECT = "hello-platform"
"""The Pulumi project: the namespace of its configuration keys."""

EnvironmentName: TypeAlias = Literal["dev", "prod"]
ENVIRONMENTS: tuple[EnvironmentName, ...] = typing.get_args(EnvironmentName)

SERVICE_NAME_LIMIT = 40
"""Characters. The longest name made of a service's, `NAME-green-<hash>-<hash>` of a pod, stays below 63."""

RESERVED_SUFFIXES = ("-blue", "-green", "-preview")
"""Endings that the platform gives to a service's own objects."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a stack's configuration.

    Attributes:
        key: The configuration key, with the path inside it, e.g. `hello-platform:services.api.port`.
        found: What stands there; empty where nothing does or where it is a secret.
        allowed: What is allowed there, or what to do.
    """

    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.key}: {self.found + ': ' if self.found else ''}{self.allowed}"


class SettingsError(pulumi.RunError):
    """A configuration that cannot be used; Pulumi prints it without a traceback.

    Attributes:
        problems: Every problem of the configuration, in the order of the keys.
    """

    def __init__(self, problems: list[Problem]) -> None:
        lines = [f"{len(problems)} problem(s) in this stack's configuration; nothing was changed."]
        super().__init__("\n  - ".join([*lines, *map(str, problems)]))
        self.problems = problems


def _check(pattern: str, allowed: str) -> AfterValidator:
    def matches(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise PydanticCustomError("pattern", "{allowed}", {"allowed": allowed})
        return value

    return AfterValidator(matches)


def _network(value: str) -> str:
    try:
        ipaddress.IPv4Network(value)
    except ValueError as error:
        raise PydanticCustomError("cidr", "an IPv4 range such as 10.0.0.0/16 ({why})", {"why": str(error)}) from None
    return value


_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

Domain: TypeAlias = Annotated[
    str,
    Field(max_length=240),
    _check(
        rf"({_DNS_LABEL}\.)+[a-z]{{2,63}}", "a domain name in lower case such as hello.example.com, without https://"
    ),
]
Cidr: TypeAlias = Annotated[str, AfterValidator(_network)]
Region: TypeAlias = Annotated[str, _check(r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region such as ap-northeast-2")]
Zone: TypeAlias = Annotated[str, _check(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", "an availability zone such as ap-northeast-2a")]
RoleArn: TypeAlias = Annotated[
    str, _check(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", "an IAM role's ARN, arn:aws:iam::ACCOUNT:role/NAME")
]
InstanceType: TypeAlias = Annotated[
    str, _check(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an EC2 instance type such as m7i.large")
]
Quantity: TypeAlias = Annotated[
    str,
    _check(r"\d+(\.\d+)?(m|[KMGT]i?)?", "a quantity such as 250m, 2 or 512Mi; a plain number in quotes"),
]
HttpPath: TypeAlias = Annotated[str, _check(r"/[\w./~-]*", "a path that begins with a slash, such as /health")]
VariableName: TypeAlias = Annotated[
    str, _check(r"[A-Za-z_][A-Za-z0-9_]*", "a name of an environment variable, such as API_KEY")
]
ServiceName: TypeAlias = Annotated[
    str,
    Field(max_length=SERVICE_NAME_LIMIT),
    # A Service's name begins with a letter, and a repository's has no two hyphens in a row:
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
    _check(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case letters and digits, a letter first, single hyphens between"),
]


class Model(BaseModel):
    """Frozen; keys in camelCase as Pulumi's files have them; an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=False, strict=True, allow_inf_nan=False
    )


class Network(Model):
    """The VPC."""

    cidr: Cidr = Field(description="IPv4 range of the VPC, /16 to /20: pods take their addresses from it.")
    zones: list[Zone] = Field(min_length=2, max_length=3, description="Availability zones, in a lasting order.")
    nat_gateways: Literal["single", "per-zone"] = Field(
        "single", description="`single` is cheap; `per-zone` survives the loss of a zone."
    )


class Cluster(Model):
    """The EKS control plane's access."""

    public_access_cidrs: list[Cidr] = Field(
        default_factory=list[str], description="Who reaches the Kubernetes API from outside the VPC; none by default."
    )
    admin_role_arns: list[RoleArn] = Field(
        default_factory=list[str], description="IAM roles that administer the cluster, besides the one that creates it."
    )


class Nodes(Model):
    """An EC2 node group's machines."""

    instance_type: InstanceType = Field(description="EC2 instance type of each node.")
    min: int = Field(ge=1, le=100, description="Fewest nodes.")
    max: int = Field(ge=1, le=100, description="Most nodes.")
    desired: int = Field(ge=1, le=100, description="Nodes at creation; an autoscaler owns the number afterwards.")


class Quota(Model):
    """The namespace's ResourceQuota."""

    cpu: Quantity = Field(description="Sum of the pods' CPU requests.")
    memory: Quantity = Field(description="Sum of the pods' memory requests.")
    pods: int = Field(ge=1, le=1000, description="Number of pods, both slots of every service.")


class Environment(Model):
    """What an environment has of its own."""

    nodes: Nodes
    quota: Quota


class Environments(Model):
    """Both environments; each stack has both."""

    dev: Environment
    prod: Environment

    def items(self) -> Iterator[tuple[EnvironmentName, Environment]]:
        """Yields each environment's name and settings."""
        yield "dev", self.dev
        yield "prod", self.prod


class Amounts(Model):
    """CPU and memory of a container."""

    cpu: Quantity
    memory: Quantity


class Resources(Model):
    """A container's requests and limits."""

    requests: Amounts = Amounts(cpu="100m", memory="256Mi")
    limits: Amounts = Amounts(cpu="1", memory="256Mi")


class ReplicaRange(Model):
    """How many pods the live slot has."""

    min: int = Field(2, ge=1, le=100)
    max: int = Field(4, ge=1, le=100)


class Replicas(Model):
    """The range of the live slot's size in each environment."""

    dev: ReplicaRange = ReplicaRange(min=1, max=2)
    prod: ReplicaRange = ReplicaRange(min=2, max=4)

    def of(self, environment: EnvironmentName) -> ReplicaRange:
        """The range in one environment."""
        return {"dev": self.dev, "prod": self.prod}[environment]


class Service(Model):
    """One container image, served over HTTP."""

    port: int = Field(ge=1, le=65535, description="The port the container listens on.")
    health_path: HttpPath = Field(description="Answers 200 when the container can serve.")
    path: HttpPath | None = Field(None, description="Path on the environment's host; none keeps it inside the cluster.")
    variables: dict[VariableName, str] = Field(
        default_factory=dict[str, str], description="Environment variables, the same in both environments."
    )
    secrets: list[VariableName] = Field(
        default_factory=list[str], description="Environment variables whose values are secrets of the stack."
    )
    resources: Resources = Field(default_factory=Resources)
    replicas: Replicas = Field(default_factory=Replicas)


SecretValues: TypeAlias = dict[VariableName, SecretStr]


class Settings(Model):
    """A stack's whole configuration."""

    region: Region
    domain: Domain
    network: Network
    cluster: Cluster
    environments: Environments
    services: dict[ServiceName, Service] = Field(min_length=1)
    secrets: dict[EnvironmentName, dict[ServiceName, SecretValues]] = Field(
        default_factory=dict[EnvironmentName, dict[str, dict[str, SecretStr]]]
    )

    def host(self, environment: EnvironmentName) -> str:
        """The host name that reaches an environment."""
        return {"prod": self.domain, "dev": f"test.{self.domain}"}[environment]

    @property
    def hosts(self) -> dict[str, str]:
        """Every host name of the stack, by what it reaches."""
        return {**{name: self.host(name) for name in ENVIRONMENTS}, "logs": self.log_host}

    def tainted(self, environment: EnvironmentName) -> bool:
        """Whether the environment's nodes refuse pods that do not tolerate them."""
        return {"prod": True, "dev": False}[environment]

    @property
    def log_host(self) -> str:
        """The host name of Kibana."""
        return f"log.{self.domain}"

    @property
    def public_paths(self) -> dict[str, str]:
        """The path of each service that has one on its environment's host."""
        return {name: service.path for name, service in self.services.items() if service.path is not None}

    def secret_values(self, environment: EnvironmentName, service: str) -> dict[str, str]:
        """A service's secrets in clear text: hand them to Pulumi as secrets only."""
        values = self.secrets.get(environment, {}).get(service, {})
        return {name: value.get_secret_value() for name, value in values.items()}


@dataclass(frozen=True)
class RequiredSecret:
    """A secret that a service of the stack names.

    Attributes:
        environment: `dev` or `prod`.
        service: The service that names it.
        name: The environment variable.
    """

    environment: EnvironmentName
    service: str
    name: str

    @property
    def key(self) -> str:
        """The configuration key with the path inside it, as `pulumi config set --path` takes it."""
        return f"{PROJECT}:secrets.{self.environment}.{self.service}.{self.name}"

    @property
    def command(self) -> str:
        """What a person types to set it; pulumi asks for the value."""
        return f"pulumi config set --secret --path '{self.key}'"


def required_secrets(secrets_by_service: Mapping[str, list[str]]) -> list[RequiredSecret]:
    """Every secret that the services name, in both environments."""
    return [
        RequiredSecret(environment, service, name)
        for environment in ENVIRONMENTS
        for service, names in secrets_by_service.items()
        for name in names
    ]


def pulumi_config() -> dict[str, str]:
    """The configuration that Pulumi hands to this program, secrets decrypted: every key with its namespace.

    `pulumi.Config` answers for keys one knows; a misspelt key is found only by looking at them all.
    """
    return {**get_config_env(), **CONFIG.get()}


def load(config: Mapping[str, str]) -> Settings:
    """Validates a stack's configuration.

    Args:
        config: Pulumi's own form, every key with its namespace and every value as text (objects as JSON). Keys of
            other namespaces are left alone.

    Raises:
        SettingsError: With every problem there is.
    """
    ours = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    values = _parsed(ours)
    try:
        settings = Settings.model_validate(values)
        problems = _contradictions(settings, set(Settings.model_fields))
    except ValidationError as error:
        details = error.errors()
        sound = Settings.model_fields.keys() - {str(detail["loc"][0]) for detail in details}
        problems = [_problem(dict(detail)) for detail in details] + _contradictions(_partial(values, sound), sound)
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _parsed(ours: Mapping[str, str]) -> dict[str, Any]:
    """Text stays text where the model wants text; the rest is JSON."""
    values: dict[str, Any] = {}
    plain = {"region", "domain"}
    for key, text in ours.items():
        try:
            values[key] = text if key in plain else json.loads(text)
        except (ValueError, RecursionError):
            values[key] = text
    return values


def _partial(values: Mapping[str, Any], sound: AbstractSet[str]) -> Settings:
    """Settings of the sound keys only; the others are not there."""
    return Settings.model_construct(
        **{
            name: TypeAdapter[Any](Settings.model_fields[name].rebuild_annotation()).validate_python(values[name])
            for name in sound & values.keys()
        }
    )


def _contradictions(settings: Settings, sound: AbstractSet[str]) -> list[Problem]:
    """What no single value shows: values that do not go together, as far as they are sound."""
    checks = (
        (_network_problems, {"region", "network", "cluster"}),
        (_environment_problems, {"environments"}),
        (_service_problems, {"services"}),
        (_secret_problems, {"services", "secrets"}),
    )
    return [problem for check, needed in checks if needed <= sound for problem in check(settings)]


def _network_problems(settings: Settings) -> Iterator[Problem]:
    network = settings.network
    prefix = ipaddress.IPv4Network(network.cidr).prefixlen
    if not 16 <= prefix <= 20:  # noqa: PLR2004 - AWS allows /16 at most; below /20 three zones hold too few pods
        yield Problem(f"{PROJECT}:network.cidr", network.cidr, "a range from /16 to /20")
    for zone in network.zones:
        if zone[:-1] != settings.region:
            yield Problem(f"{PROJECT}:network.zones", zone, f"zones of the region {settings.region}")
    if len(set(network.zones)) < len(network.zones):
        yield Problem(f"{PROJECT}:network.zones", ", ".join(network.zones), "each zone once")
    for cidr in settings.cluster.public_access_cidrs:
        if cidr == "0.0.0.0/0":
            yield Problem(
                f"{PROJECT}:cluster.publicAccessCidrs",
                cidr,
                "the addresses of your offices and CI, not the world",
            )


def _environment_problems(settings: Settings) -> Iterator[Problem]:
    for name, environment in settings.environments.items():
        nodes = environment.nodes
        if not nodes.min <= nodes.desired <= nodes.max:
            yield Problem(
                f"{PROJECT}:environments.{name}.nodes",
                f"min {nodes.min}, desired {nodes.desired}, max {nodes.max}",
                "min ≤ desired ≤ max",
            )


def _service_problems(settings: Settings) -> Iterator[Problem]:
    paths: dict[str, str] = {}
    for name, service in settings.services.items():
        key = f"{PROJECT}:services.{name}"
        if name.endswith(RESERVED_SUFFIXES):
            yield Problem(key, "", f"a name that ends in none of {', '.join(RESERVED_SUFFIXES)}: they are taken")
        if service.path is not None:
            if service.path in paths:
                yield Problem(f"{key}.path", service.path, f"a path of its own: {paths[service.path]} has this one")
            paths[service.path] = name
        for environment in ENVIRONMENTS:
            replicas = service.replicas.of(environment)
            if replicas.min > replicas.max:
                yield Problem(
                    f"{key}.replicas.{environment}",
                    f"min {replicas.min}, max {replicas.max}",
                    "min ≤ max",
                )
        for variable in service.variables.keys() & set(service.secrets):
            yield Problem(f"{key}.variables.{variable}", "", "a variable or a secret, not both")


def _secret_problems(settings: Settings) -> Iterator[Problem]:
    required = required_secrets({name: service.secrets for name, service in settings.services.items()})
    for secret in required:
        if secret.name not in settings.secrets.get(secret.environment, {}).get(secret.service, {}):
            yield Problem(secret.key, "", f"is required; set it with: {secret.command}")
    known = {secret.key for secret in required}
    for environment, services in settings.secrets.items():
        for service, values in services.items():
            for name in values:
                key = RequiredSecret(environment, service, name).key
                if key not in known:
                    yield Problem(key, "", f"no service names this secret: add it to services.{service}.secrets")


def _problem(detail: dict[str, Any]) -> Problem:
    """One of pydantic's errors in our words. https://docs.pydantic.dev/latest/errors/validation_errors/."""
    location = [str(part) for part in detail["loc"]]
    if location[-1] == "[key]" and detail["type"] != "extra_forbidden":  # pydantic's mark of a bad key of a dict
        location.pop()
    key = f"{PROJECT}:{'.'.join(location)}"
    # A secret may also stand where its name belongs, and anywhere inside an object that is in the wrong place.
    hidden = detail["type"] == "missing" or "secrets" in location or isinstance(detail["input"], dict | list)
    found = "" if hidden else json.dumps(detail["input"], default=str)
    if detail["type"] == "extra_forbidden":
        names = _fields_at(detail["loc"][:-1])
        near = difflib.get_close_matches(location[-1], names, n=1)
        return Problem(key, "", f"is no key; did you mean {near[0]}?" if near else f"is no key: {', '.join(names)} are")
    if detail["type"] == "missing":
        return Problem(key, "", "is required")
    return Problem(key, found, detail["msg"])


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at a place in the configuration has."""
    here: Any = Settings
    for part in location:
        if isinstance(here, type) and issubclass(here, Model):
            here = next(field.annotation for name, field in here.model_fields.items() if to_camel(name) == part)
        else:
            here = typing.get_args(here)[-1]
        if typing.get_origin(here) is Annotated:
            here = typing.get_args(here)[0]
    return [to_camel(name) for name in here.model_fields]
