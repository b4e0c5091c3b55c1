"""Services: ports, variables, resources, replicas, egress, smoke test."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from config.models.analysis import Analysis
from config.models.base import EnvironmentName, Model
from config.models.canary import Canary
from config.models.hooks import Hooks
from config.models.preview import Preview
from config.values import (
    Cidr,
    Cpu,
    DirectoryPath,
    EachOnce,
    HttpPath,
    Memory,
    Port,
    PublicPath,
    ServiceName,
    VariableName,
)

LONGEST_REQUEST_SECONDS = 870
"""A pod has that, and 15 s to end, when EKS replaces its node: where pods do not leave it within 15 minutes, the update
of the node group fails.

https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html (`PodEvictionFailure`)
"""


class Amounts(Model):
    """CPU and memory of a container."""

    cpu: Cpu = Field(description="CPU in cores (`2`) or millicores (`250m`).")
    memory: Memory = Field(
        description="Memory; the same in requests and limits, since a pod that exceeds its limit is killed."
    )


class Resources(Model):
    """A container's requests and limits."""

    requests: Amounts = Field(
        default=Amounts(cpu="100m", memory="256Mi"), description="What the scheduler reserves on a node."
    )
    limits: Amounts = Field(
        default=Amounts(cpu="1", memory="256Mi"),
        description="What the container cannot exceed: CPU is throttled; above the memory limit it is killed.",
    )


class ReplicaRange(Model):
    """The number of pods in the live slot."""

    min: int = Field(ge=1, le=100, description="Minimum number of pods.")
    max: int = Field(ge=1, le=100, description="Maximum number of pods, under load.")


class Replicas(Model):
    """The number of pods in each environment."""

    dev: ReplicaRange = Field(default=ReplicaRange(min=1, max=2), description="The range on dev.")
    prod: ReplicaRange = Field(default=ReplicaRange(min=2, max=4), description="The range on prod.")

    def of(self, environment: EnvironmentName) -> ReplicaRange:
        """The range in one environment."""
        return {"dev": self.dev, "prod": self.prod}[environment]


class PerEnvironment(Model):
    """A text for each environment; a single text is used for both."""

    dev: str = Field(description="The value on dev.")
    prod: str = Field(description="The value on prod.")

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

    cidr: Cidr = Field(description="A range outside the VPC, /8 or smaller.")
    ports: Annotated[list[Port], EachOnce] = Field(min_length=1, description="TCP ports.")


class Egress(Model):
    """The egress traffic that a service is allowed besides DNS. All other egress is blocked."""

    services: Annotated[list[ServiceName], EachOnce] = Field(
        default_factory=list[str], description="Services of the same environment that it calls."
    )
    networks: list[EgressNetwork] = Field(
        default_factory=list[EgressNetwork], description="Addresses outside the cluster, such as a database's."
    )
    https: bool = Field(default=False, description="Any public address on port 443, such as a vendor's API.")


class SmokeTest(Model):
    """The request that a new version must answer before it gets traffic."""

    path: HttpPath | None = Field(default=None, description="Path of the request; left out, the health path.")
    status: int | None = Field(
        default=None,
        ge=200,
        le=499,
        description="Expected HTTP status, for a `path` of its own; left out, `healthStatus`.",
    )
    contains: str | None = Field(
        default=None, min_length=1, max_length=200, description="Text that the answer must contain."
    )
    tries: int = Field(default=10, ge=1, le=100, description="Maximum number of attempts, one second apart.")
    deadline_seconds: int = Field(default=60, ge=1, le=600, description="Seconds after which the smoke test fails.")


class Service(Model):
    """A service: one container image that serves HTTP."""

    port: Port = Field(description="The port the container listens on; others call the service on port 80.")
    health_path: HttpPath = Field(description="Path that answers `healthStatus` when the container can serve.")
    health_status: int = Field(
        default=200,
        ge=200,
        le=399,
        description="HTTP status of the health path, for the load balancer and for the smoke test; Kubernetes' probes "
        "take any from 200 to 399.",
    )
    paths: Annotated[list[PublicPath], EachOnce] = Field(
        default_factory=list[str],
        description="Path prefixes on the environment's host; without any, it is reached inside the cluster only.",
    )
    protocol: Literal["HTTP1", "HTTP2", "GRPC"] = Field(
        default="HTTP1",
        description="How the load balancer sends requests to a service with a path. With `HTTP2` and `GRPC` the "
        "container takes HTTP/2 without TLS, and clients must use HTTP/2; on the same port it answers HTTP/1.1, for "
        "probes and smoke test. WebSockets need `HTTP1`.",
    )
    variables: dict[VariableName, PerEnvironment] = Field(
        default_factory=dict[str, PerEnvironment],
        description="Environment variables: one value for both environments, or one for `dev` and one for `prod`.",
    )
    secrets: Annotated[list[VariableName], EachOnce] = Field(
        default_factory=list[str], description="Names of environment variables whose values are secrets of the stack."
    )
    resources: Resources = Field(default_factory=Resources, description="Requests and limits of the container.")
    replicas: Replicas = Field(default_factory=Replicas, description="Number of pods in the live slot.")
    egress: Egress = Field(default_factory=Egress, description="Egress traffic that it is allowed.")
    smoke_test: SmokeTest = Field(default_factory=SmokeTest, description="The smoke test of a new version.")
    min_ready_seconds: int = Field(
        default=0,
        ge=0,
        le=3600,
        description="Seconds for which each pod of a new version must have been ready before users reach it.",
    )
    preview_replicas: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Number of pods of a new version until its smoke test is over, and a pause `before-switch` if "
        "there is one. At most as many as the live slot has, which is also the default.",
    )
    canary: Canary | None = Field(
        default=None,
        description="Releases by weight: the requests move to a new version in steps; left out, all at once.",
    )
    preview: Preview | None = Field(
        default=None,
        description="A look at the idle slot at the real host, for the staff; left out, the host leads to the live "
        "slot only.",
    )
    analysis: Analysis | None = Field(
        default=None,
        description="The analysis of a new version by metrics; left out, only answers to the smoke test's path count.",
    )
    hooks: Hooks = Field(default_factory=Hooks, description="What releases run besides, as Jobs.")
    exclusive: bool = Field(
        default=False,
        description="Whether two versions must never run at once: a release stops the old one first, with downtime.",
    )
    start_seconds: int = Field(default=180, ge=10, le=1800, description="Seconds that the container may take to start.")
    longest_request_seconds: int = Field(
        default=30,
        ge=1,
        le=LONGEST_REQUEST_SECONDS,
        description="Duration of the longest request, which a terminating pod still finishes. "
        "At least those of the services in `egress.services`, for which it waits; for a service with a path, shorter "
        "than the load balancer's idle time-out.",
    )
    heartbeat_seconds: int | None = Field(
        default=None,
        ge=1,
        le=3999,
        description="For a service with WebSockets, server-sent events or gRPC streams: the longest time in which it "
        "sends nothing on one, shorter than the load balancer's idle time-out. `longestRequestSeconds` may then be "
        "longer.",
    )
    keep_alive_seconds: int = Field(
        default=75,
        ge=1,
        le=86400,
        description="The server's keep-alive time-out; set the same value in the server. "
        "For a service with a path, longer than the load balancer's idle time-out.",
    )
    writable_paths: Annotated[list[DirectoryPath], EachOnce] = Field(
        default_factory=lambda: ["/tmp"],  # noqa: S108 - inside the container, its own volume
        description="Writable directories, each an emptyDir; the rest of the file system is read-only.",
    )
    kubernetes_api: bool = Field(
        default=False, description="Whether it gets a service account token and egress to the Kubernetes API."
    )

    def variables_in(self, environment: EnvironmentName) -> dict[str, str]:
        """The environment variables in one environment."""
        return {name: value.of(environment) for name, value in self.variables.items()}
