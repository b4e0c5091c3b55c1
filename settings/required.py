"""The secrets that a configuration needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from settings.model import ENVIRONMENTS, PROJECT, EnvironmentName


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
