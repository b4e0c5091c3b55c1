"""Whether what Jenkins is told goes together."""

from __future__ import annotations

from collections.abc import Iterator

from settings.model import PROJECT, Settings
from settings.problems import Problem

SHORTEST_SECRET = 16
"""Characters of the secret that signs."""


def problems(settings: Settings) -> Iterator[Problem]:
    """A source of no service; a service with the name of a repository that Jenkins has; an empty or short secret."""
    delivery = settings.delivery
    if delivery is None:
        return
    key = f"{PROJECT}:delivery"
    for service, source in delivery.sources.items():
        if service not in settings.services:
            yield Problem(f"{key}.sources.{service}", source.repository, f"a service: {', '.join(settings.services)}")
    for service in sorted(settings.services.keys() & {"agent", "build-cache"}):
        yield Problem(
            f"{PROJECT}:services.{service}", service, "another name: Jenkins' own ECR repository has this one"
        )
    if not delivery.admin_password.get_secret_value().strip():
        yield Problem(
            f"{key}.adminPassword",
            "",
            f"is empty; set it with: pulumi config set --secret --path '{key}.adminPassword'",
        )
    if delivery.hook and len(delivery.hook.secret.get_secret_value()) < SHORTEST_SECRET:
        yield Problem(
            f"{key}.hook.secret",
            "",
            f"is shorter than {SHORTEST_SECRET} characters; set it with: "
            f"pulumi config set --secret --path '{key}.hook.secret'",
        )
