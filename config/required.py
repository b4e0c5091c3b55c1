"""The secrets that a configuration must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.models.base import ENVIRONMENTS, PROJECT, SecretScope


@dataclass(frozen=True)
class RequiredSecret:
    """A secret of a service or of one of the platform's own programs.

    Attributes:
        environment: `dev` or `prod`; `platform` for the platform's own.
        service: The service that uses it; `logs` for Elasticsearch, Fluentd and Kibana.
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
        """The command that sets it; pulumi asks for the value."""
        return f"pulumi config set --secret --path '{self.key}'"


LOGS = "logs"
"""The name under which the logging secrets are in the configuration."""

FLUENTD_PASSWORD = "FLUENTD_PASSWORD"  # noqa: S105 - these are names of secrets
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
"""The platform's own secrets, each with its minimum length in characters."""


def required_secrets(secrets_by_service: Mapping[str, list[str]]) -> list[RequiredSecret]:
    """All required secrets: those of the services in both environments, and the platform's own."""
    of_services = [
        RequiredSecret(environment, service, name)
        for environment in ENVIRONMENTS
        for service, names in secrets_by_service.items()
        for name in names
    ]
    return [*of_services, *(RequiredSecret("platform", LOGS, name) for name in PLATFORM)]
