"""Whether each secret that a service names is there, and no other."""

from __future__ import annotations

from collections.abc import Iterator

from settings.model import Settings
from settings.problems import Problem
from settings.required import RequiredSecret, required_secrets


def problems(settings: Settings) -> Iterator[Problem]:
    """A secret that a service names and that is missing or empty; one that no service names."""
    required = required_secrets({name: service.secrets for name, service in settings.services.items()})
    for secret in required:
        value = settings.secrets.get(secret.environment, {}).get(secret.service, {}).get(secret.name)
        if value is None:
            yield Problem(secret.key, "", f"is required; set it with: {secret.command}")
        elif not value.get_secret_value().strip():
            yield Problem(secret.key, "", f"is empty; set it with: {secret.command}")
    known = {secret.key for secret in required}
    for environment, services in settings.secrets.items():
        for service, values in services.items():
            for name in values:
                key = RequiredSecret(environment, service, name).key
                if key not in known:
                    yield Problem(
                        key,
                        "",
                        f"no service names this secret: add it to services.{service}.secrets, or take it away with: "
                        f"pulumi config rm --path '{key}'",
                    )
