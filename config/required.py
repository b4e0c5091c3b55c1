"""The secrets that a configuration must have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.models.base import ENVIRONMENTS, PROJECT, SecretScope


@dataclass(frozen=True)
class RequiredSecret:
    """A secret of a service or of one of the platform's own programs.

    Attributes:
        environment: `dev` or `prod`; `platform` for the platform's own.
        service: The service that uses it; `logs` for Elasticsearch, Fluentd and Kibana, `people` for people's.
        name: The environment variable, or the person whose password it is.
        minimum: Its minimum length in characters.
    """

    environment: SecretScope
    service: str
    name: str
    minimum: int = 1

    @property
    def key(self) -> str:
        """The configuration key with the path inside it, as `pulumi config set --path` takes it."""
        return f"{PROJECT}:secrets.{self.environment}.{self.service}.{self.name}"

    @property
    def command(self) -> str:
        """The command that sets it; pulumi asks for the value."""
        return f"pulumi config set --secret --path '{self.key}'"


LOGS = "logs"
PEOPLE = "people"
"""The names under which the logging secrets, and the passwords of people, are in the configuration."""

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


PASSWORD_LENGTH = 16
"""Minimum length of a person's password in characters."""


def person_secret(person: str) -> str:
    """Name of the secret with a person's password: `ada-lovelace` has `ADA_LOVELACE`."""
    return person.replace("-", "_").upper()


def required_secrets(secrets_by_service: Mapping[str, list[str]], people: Iterable[str] = ()) -> list[RequiredSecret]:
    """All required secrets: those of the services in both environments, and the platform's own.

    Args:
        secrets_by_service: Names of each service's secrets.
        people: Names in `logs.people`. Each has a password; without any, the shared user `reader` has one.
    """
    people = list(people)
    of_services = [
        RequiredSecret(environment, service, name)
        for environment in ENVIRONMENTS
        for service, names in secrets_by_service.items()
        for name in names
    ]
    of_platform = [
        RequiredSecret("platform", LOGS, name, minimum)
        for name, minimum in PLATFORM.items()
        if name != READER_PASSWORD or not people
    ]
    of_people = [RequiredSecret("platform", PEOPLE, person_secret(name), PASSWORD_LENGTH) for name in people]
    return [*of_services, *of_platform, *of_people]
