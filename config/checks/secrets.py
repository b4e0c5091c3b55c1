"""The secrets of the services and of the platform."""

from __future__ import annotations

from collections.abc import Iterator

from config.problems import Problem
from config.required import RequiredSecret, required_secrets
from config.settings import Settings


def problems(settings: Settings) -> Iterator[Problem]:
    """A secret that is missing, empty or, if it is the platform's own, too short; a secret that no service uses."""
    services = {name: service.secrets for name, service in settings.services.items()}
    required = required_secrets(services, settings.logs.people)
    for secret in required:
        value = settings.secrets.get(secret.environment, {}).get(secret.service, {}).get(secret.name)
        if value is None:
            yield Problem(secret.key, "", f"is required; set it with: {secret.command}")
        elif not value.get_secret_value().strip():
            yield Problem(secret.key, "", f"is empty; set it with: {secret.command}")
        elif len(value.get_secret_value()) < secret.minimum:
            yield Problem(secret.key, "", f"is shorter than {secret.minimum} characters; set it with: {secret.command}")
    known = {secret.key for secret in required}
    for environment, services in settings.secrets.items():
        for service, values in services.items():
            for name in values:
                key = RequiredSecret(environment, service, name).key
                if key not in known:
                    use = "" if environment == "platform" else f"add it to services.{service}.secrets, or "
                    yield Problem(
                        key, "", f"no service uses this secret: {use}remove it with: pulumi config rm --path '{key}'"
                    )
