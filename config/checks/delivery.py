"""The configuration of Jenkins and of previews."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.models.base import PROJECT
from config.problems import Problem
from config.settings import Settings

SHORTEST_SECRET = 16
"""Characters of the webhook's secret."""


def problems(settings: Settings) -> Iterator[Problem]:
    """An unknown service in sources or rules of scans; a service named `agent` or `build-cache`; a bad secret."""
    delivery = settings.delivery
    if delivery is None:
        return
    key = f"{PROJECT}:delivery"
    sources = {service: source.repository for service, source in delivery.sources.items()}
    yield from _unknown_services(settings, f"{key}.sources", sources)
    listed = {f"scan.unscannable[{number}]": one for number, one in enumerate(delivery.scan.unscannable)}
    for number, waiver in enumerate(delivery.scan.waivers):
        listed |= {f"scan.waivers[{number}].services[{place}]": one for place, one in enumerate(waiver.services)}
    for place, service in listed.items():
        if service not in settings.services and service != "agent":
            yield Problem(f"{key}.{place}", service, f"a service: {', '.join(settings.services)}, or agent")
    for service in sorted(settings.services.keys() & {"agent", "build-cache"}):
        yield Problem(
            f"{PROJECT}:services.{service}", service, "another name: an ECR repository of Jenkins has this one"
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
    """A GitHub repository for previews without an environment, or the reverse; a role that nothing would assume."""
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
            "nothing would assume the role: set repository and environment for GitHub, or stateBucket and "
            "delivery.platform for Jenkins",
        )


def actions_problems(settings: Settings) -> Iterator[Problem]:
    """A repository of GitHub Actions for an unknown service; another OIDC provider than that of previews."""
    actions = settings.github_actions
    if actions is None:
        return
    key = f"{PROJECT}:githubActions"
    yield from _unknown_services(settings, f"{key}.repositories", actions.repositories)
    previews = settings.previews
    if previews and previews.repository and previews.oidc_provider_arn != actions.oidc_provider_arn:
        yield Problem(
            f"{key}.oidcProviderArn",
            actions.oidc_provider_arn or "",
            "the same as previews.oidcProviderArn: an account has one provider for GitHub",
        )


def _unknown_services(settings: Settings, key: str, repositories: Mapping[str, str]) -> Iterator[Problem]:
    """A repository of a service that there is not."""
    for service, repository in repositories.items():
        if service not in settings.services:
            yield Problem(f"{key}.{service}", repository, f"a service: {', '.join(settings.services)}")
