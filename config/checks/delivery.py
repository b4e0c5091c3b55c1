"""Whether what Jenkins and previews are told goes together."""

from __future__ import annotations

from collections.abc import Iterator

from config.model import PROJECT, Settings
from config.problems import Problem

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


def preview_problems(settings: Settings) -> Iterator[Problem]:
    """A repository on GitHub without its environment, or the other way round; a role that nobody would act as."""
    previews = settings.previews
    if previews is None:
        return
    key = f"{PROJECT}:previews"
    if bool(previews.repository) != bool(previews.environment):
        missing = "environment" if previews.repository else "repository"
        yield Problem(f"{key}.{missing}", "", "is required: a role is for one environment of one repository")
    elif not previews.repository and not settings.previews_in_jenkins:
        yield Problem(
            key,
            "",
            "nobody would act as the role: name a repository and its environment on GitHub; or for Jenkins, "
            "stateBucket and delivery.platform",
        )
