"""The secrets that a configuration needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.model import ENVIRONMENTS, PROJECT, SecretScope


@dataclass(frozen=True)
class RequiredSecret:
    """A secret that a service of the stack names, or a program of the platform's own.

    Attributes:
        environment: `dev` or `prod`; `platform` for one of its own.
        service: The service that names it; `logs` for Elasticsearch, Fluentd and Kibana.
        name: The environment variable.
    """

    environment: SecretScope
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


LOGS = "logs"
"""The platform's own secrets for its logs stand under this name."""

FLUENTD_PASSWORD = "FLUENTD_PASSWORD"  # noqa: S105 - this and the next ones are names
SETUP_PASSWORD = "SETUP_PASSWORD"  # noqa: S105
READER_PASSWORD = "READER_PASSWORD"  # noqa: S105
KIBANA_ENCRYPTION_KEY = "KIBANA_ENCRYPTION_KEY"

PLATFORM: Mapping[str, int] = {
    FLUENTD_PASSWORD: 16,
    SETUP_PASSWORD: 16,
    READER_PASSWORD: 16,
    # https://www.elastic.co/docs/deploy-manage/security/secure-saved-objects
    KIBANA_ENCRYPTION_KEY: 32,
}
"""The platform's own secrets, each with its least number of characters."""


def required_secrets(secrets_by_service: Mapping[str, list[str]]) -> list[RequiredSecret]:
    """Every secret that the services name, in both environments, and the platform's own."""
    of_services = [
        RequiredSecret(environment, service, name)
        for environment in ENVIRONMENTS
        for service, names in secrets_by_service.items()
        for name in names
    ]
    return [*of_services, *(RequiredSecret("platform", LOGS, name) for name in PLATFORM)]
