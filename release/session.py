"""What all commands share: the API server, the clock, and what a person or a script reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from contract.blue_green import SENTINEL_DIGEST
from kube.client import NO_KUBECONFIG, UNREACHABLE, KubernetesApi, KubernetesApiError
from release.clock import Clock, StoppableClock, SystemClock
from release.context import Limits
from release.errors import ExitCode, ReleaseError
from release.http import Caller, InCluster, ThroughApiServer
from release.images import Images
from release.objects import ObjectReader
from release.observe import observe, services
from release.retries import ATTEMPTS, retrying
from release.snapshot import Snapshot
from release.state import OpenConnections, ServiceState

READ_SECONDS = 4
"""Time limit of a request of a command that only reads."""

READ_ATTEMPTS = 4
"""How often such a command tries a request."""

LOG_WIDTH = 200
"""Columns of output that is not a terminal's: a log's lines may be long."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options that commands have in common.

    Attributes:
        kubeconfig: Path of the kubeconfig; None for kubectl's default.
        context: Context of the kubeconfig; None for its current one.
        as_json: Whether standard output is for a script.
        image_tags: Whether images are tagged in ECR.
        at_once: Number of services that are released at the same time.
        only_reads: Whether the command changes nothing: it answers, or says why not, within `ANSWER_SECONDS`.
        approved_by: Who approved a release, for its history; None if nobody was asked.
        limits: Time limits of releases.
    """

    kubeconfig: Path | None = None
    context: str | None = None
    as_json: bool = False
    image_tags: bool = True
    at_once: int = 1
    only_reads: bool = False
    approved_by: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class ServiceResult:
    """The result of a command for one service.

    Attributes:
        environment: The environment.
        service: The service.
        exit_code: Exit code of a command for this service alone.
        message: The result in a sentence.
        remedy: What to do if it failed.
        connections: Where connections that were open before a switch stay, if any.
        image: The live image by its whole digest, if a release ended.
    """

    environment: str
    service: str
    exit_code: ExitCode
    message: str
    remedy: str | None = None
    connections: OpenConnections | None = None
    image: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The result for `--json`."""
        return {
            "environment": self.environment,
            "service": self.service,
            "exitCode": int(self.exit_code),
            "outcome": self.exit_code.name.lower(),
            "message": self.message,
            "image": self.image,
            "remedy": self.remedy,
            "openConnections": self.connections.to_json() if self.connections else None,
        }


class Session:
    """One command's connection to the API server, and its output.

    Args:
        options: The common options.
        clock: The clock; the system's by default.

    Attributes:
        options: The common options.
        clock: The clock.
        api: The API server.
        out: Standard output.
        retrying: Retries calls to the API server, and reports the errors.
        progress: Where progress is shown: standard output; with `as_json` standard error.
    """

    def __init__(self, options: Options, clock: Clock | None = None) -> None:
        self.options = options
        self.clock = StoppableClock(clock or SystemClock())
        self.out = _console()
        self.progress = Console(stderr=options.as_json)
        self.retrying = retrying(
            self.clock, _once(self._print_progress), attempts=READ_ATTEMPTS if options.only_reads else ATTEMPTS
        )
        seconds = {"request_seconds": READ_SECONDS} if options.only_reads else {}
        self.api = self.retrying(KubernetesApi, options.kubeconfig, context=options.context, **seconds)
        _print_plain(Console(stderr=True), f"Cluster: {self.api.cluster}")

    def observe(self, environment: str, service: str) -> ServiceState:
        """The state of a service.

        Raises:
            ReleaseError: There is no such service, or one of its objects is missing.
        """
        return self.retrying(lambda: observe(self.api, environment, service, now=self.clock.now()))

    def observe_all(self, environment: str, services: Collection[str]) -> dict[str, ServiceState]:
        """The states of several services, with one request a kind instead of some for each service.

        Raises:
            ReleaseError: There is no such service, or one of its objects is missing.
        """
        if len(services) == 1:
            return {service: self.observe(environment, service) for service in services}
        snapshot = self.retrying(Snapshot, self.api, environment)
        now = self.clock.now()
        return {service: observe(snapshot, environment, service, now=now) for service in services}

    def services(self, environment: str, reader: ObjectReader | None = None) -> list[str]:
        """The names of all services of an environment, from the API server or what was read from it.

        Raises:
            ReleaseError: There is none.
        """
        names = self.retrying(services, reader or self.api, environment)
        if not names:
            raise ReleaseError(
                f"there is no service in {environment}",
                remedy="is this the right cluster, and an environment of it? See --kubeconfig and --context",
            )
        return names

    def caller(self) -> Caller:
        """The HTTP client for services: in a pod of the cluster a direct one, else through the API server."""
        return InCluster() if self.api.in_pod else ThroughApiServer(self.api)

    def user(self) -> str:
        """The user that the API server has authenticated, whatever the user says of themselves."""
        review: dict[str, Any] = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
        answer = self.retrying(self.api.create, review)
        return str(answer["status"]["userInfo"]["username"])

    def keep_image(self, state: ServiceState, image: str) -> None:
        """Tags an image in ECR so that it does not expire while the service's environment needs it."""
        if self.options.image_tags:
            Images(state.repository).keep(state.environment, image.rpartition("@")[2])

    def version(self, state: ServiceState, image: str) -> str | None:
        """The tag that a build gave an image in ECR; None if there is none, or images are not tagged there."""
        if not self.options.image_tags or image.endswith(SENTINEL_DIGEST):
            return None
        try:
            return Images(state.repository).version(image.rpartition("@")[2])
        except ReleaseError:
            return None

    def print(self, line: str, *, style: str | None = None) -> None:
        """Prints a line as it is, without wrapping it."""
        _print_plain(self.out, line, style=style)

    def print_json(self, value: object) -> None:
        """Prints a value as JSON."""
        self.print(json.dumps(value, indent=2))

    def print_results(self, results: Iterable[ServiceResult]) -> ExitCode:
        """Prints the results of a command, and returns its exit code: the highest of them."""
        results = list(results)
        if self.options.as_json:
            self.print_json([{**result.to_json(), "cluster": self.api.cluster} for result in results])
        else:
            for result in results:
                self._print_result(result)
        return max((result.exit_code for result in results), default=ExitCode.DONE)

    def _print_result(self, result: ServiceResult) -> None:
        succeeded = result.exit_code is ExitCode.DONE
        outcome = "" if succeeded else f"{result.exit_code.name.lower()}: "
        remedy = f"\n  What to do: {result.remedy}" if result.remedy else ""
        connections = f"\n  Open connections: {result.connections}" if result.connections else ""
        line = f"{result.environment}/{result.service}: {outcome}{result.message}{connections}{remedy}"
        self.print(line, style="green" if succeeded else "red")

    def _print_progress(self, line: str) -> None:
        _print_plain(self.progress, line)


def explain(error: KubernetesApiError) -> tuple[str, str]:
    """An error of the API server as a message and a remedy."""
    if error.reason == NO_KUBECONFIG:
        return str(error), "name one with --kubeconfig or KUBECONFIG, and a context of it with --context"
    if error.status == UNREACHABLE:
        remedy = "is this the right kubeconfig, and its API server up? Then run the command again: it goes on"
    elif error.status in (401, 403):
        remedy = "this identity lacks the right: docs/releases.md lists the rights that each command needs"
    else:
        remedy = "run the command again: it goes on where this one stopped"
    return f"the API server: {error}", remedy


def _print_plain(console: Console, line: str, *, style: str | None = None) -> None:
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=LOG_WIDTH)


def _once(report: Callable[[str], None]) -> Callable[[str], None]:
    """Leaves out a line that is the same as the one before."""
    last = ""

    def report_once(line: str) -> None:
        nonlocal last
        if line != last:
            last = line
            report(line)

    return report_once
