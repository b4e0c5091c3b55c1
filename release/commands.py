"""What the commands do; `cli.py` has their names and options, and starts without what is imported here."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from kube.client import NO_KUBECONFIG, UNREACHABLE, KubernetesApi, KubernetesApiError
from release import smoke, status, verification
from release.clock import Clock, StoppableClock, SystemClock
from release.display import Display
from release.errors import ExitCode, ReleaseError
from release.history import Entry
from release.http import Caller, InCluster, ThroughApiServer
from release.images import Images, in_use
from release.observe import observe, services
from release.order import in_order
from release.plan import Deploy, Goal, Retire, Rollback, Switch
from release.prune import collect
from release.run import Context, Limits, Result, reconcile, retrying
from release.state import ServiceState
from release.verification import NEEDED_IN, TRIED_IN, Record

LOG_WIDTH = 200
"""Columns of what is no terminal, and has no width of its own: a log's lines may be long."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the commands have in common.

    Attributes:
        kubeconfig: Path; None for what kubectl would take.
        context: Of the kubeconfig.
        as_json: Whether standard output is for a machine.
        image_tags: Whether images are tagged in ECR.
        at_once: How many services are worked on at the same time.
        limits: How long releases wait.
    """

    kubeconfig: Path | None = None
    context: str | None = None
    as_json: bool = False
    image_tags: bool = True
    at_once: int = 1
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Ended:
    """How one service's release ended.

    Attributes:
        environment: Its environment.
        service: The service.
        exit_code: As a command of its own would end.
        message: In a sentence.
        remedy: What to do where it did not go well.
    """

    environment: str
    service: str
    exit_code: ExitCode
    message: str
    remedy: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "environment": self.environment,
            "service": self.service,
            "exitCode": int(self.exit_code),
            "outcome": self.exit_code.name.lower(),
            "message": self.message,
            "remedy": self.remedy,
        }


class Commands:
    """The commands, over one API server.

    Args:
        options: What the commands have in common.
        clock: The time.
    """

    def __init__(self, options: Options, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = StoppableClock(clock or SystemClock())
        self._out = _console()
        self._progress = Console(stderr=options.as_json)
        self._api = retrying(self._clock, self._tell_once())(KubernetesApi, options.kubeconfig, context=options.context)

    def deploy(self, environment: str, images: Mapping[str, str], *, override: str | None) -> ExitCode:
        """Brings each service's image in; of a service without one the image that is live, with the newest template."""
        seen = {service: self._look(environment, service) for service in images}
        wanted = {service: image or _live_image(seen[service]) for service, image in images.items()}
        return self._release(
            environment,
            {service: Deploy(image, override) for service, image in wanted.items()},
            {service: one.depends_on for service, one in seen.items()},
        )

    def promote(self, names: Sequence[str]) -> ExitCode:
        """Brings into prod what is live on dev."""
        seen = {service: self._look(TRIED_IN, service) for service in names}
        for service, one in seen.items():
            if one.running is not None or not one.live_slot.serves():
                raise ReleaseError(
                    f"{service} is not fit to be promoted: its live slot {one.live} in {TRIED_IN} is not ready, or a "
                    "release of it is under way",
                    remedy=f"see `release status {TRIED_IN}`",
                )
        return self._release(
            NEEDED_IN,
            {service: Deploy(_live_image(one)) for service, one in seen.items()},
            {service: one.depends_on for service, one in seen.items()},
        )

    def switch(self, environment: str, service: str, to: str | None) -> ExitCode:
        """Makes a warm slot live."""
        return self._release(environment, {service: Switch(to)})

    def rollback(self, environment: str, names: Iterable[str]) -> ExitCode:
        """Makes live what was live before."""
        return self._release(environment, {service: Rollback() for service in names})

    def retire(self, environment: str, names: Iterable[str], *, now: bool) -> ExitCode:
        """Takes the idle slots' pods away, and what nothing needs any more."""
        return self._release(environment, {service: Retire(now) for service in names}, after=self._clean)

    def verify(self, environment: str, service: str) -> ExitCode:
        """Records that what is live on dev was tried."""
        if environment != TRIED_IN:
            raise ReleaseError(
                f"what is live in {environment} is not what a record is for: images are tried in {TRIED_IN}",
                remedy=f"release verify {TRIED_IN} {service}",
            )
        seen = self._look(environment, service)
        if seen.running is not None or not seen.live_slot.serves() or seen.live_slot.revision is None:
            raise ReleaseError(
                f"the live slot {seen.live} of {service} is not ready, or a release of it is under way",
                remedy=f"see `release status {environment}`, and verify when it is",
            )
        ask = functools.partial(self._caller().get, seen.active_target)
        wrong = smoke.failure(
            seen.smoke_test,
            lambda path, timeout: ask(path, timeout=timeout),
            now=self._clock.now,
            pause=self._clock.sleep,
        )
        if wrong is not None:
            raise ReleaseError(
                f"{seen.live_slot.revision.image} is not recorded: {wrong}", remedy="see the logs of its pods"
            )
        digest = seen.live_slot.revision.digest
        record = Record(digest, self._user(), self._clock.now())
        self._keep_image(self._look(NEEDED_IN, service), seen.live_slot.revision.image)
        retrying(self._clock)(
            lambda: verification.write(
                self._api, service, record, in_use=in_use(self._look(NEEDED_IN, service)) - {digest}
            )
        )
        return self._end([Ended(environment, service, ExitCode.DONE, f"{digest} is verified for {NEEDED_IN}")])

    def status(self, environment: str, names: Sequence[str], *, watch: bool) -> ExitCode:
        """Shows how services stand; 6 where a live slot does not serve."""

        def look() -> list[status.ServiceStatus]:
            found = names or self.services(environment)
            return status.look(self._api, environment, found, now=self._clock.now())

        found = retrying(self._clock)(look)
        if self._options.as_json:
            self._print_json([one.to_json() for one in found])
        elif watch:
            table = status.table(environment, found)
            with suppress(KeyboardInterrupt), Live(table, console=self._out, auto_refresh=False) as live:
                while True:
                    time.sleep(1)
                    found = retrying(self._clock)(look)
                    live.update(status.table(environment, found), refresh=True)
        else:
            self._out.print(status.table(environment, found))
        released = [one for one in found if one.seen.live_slot.revision is not None]
        return ExitCode.DONE if all(one.is_healthy for one in released) else ExitCode.NOT_READY

    def history(self, environment: str, service: str) -> ExitCode:
        """Shows a service's last releases, newest first."""
        entries = list(reversed(self._look(environment, service).history))
        if self._options.as_json:
            self._print_json([entry.to_json() for entry in entries])
        else:
            for line in _history_lines(entries) if entries else [f"{environment}/{service} has no releases yet"]:
                self._out.print(line, markup=False, highlight=False, soft_wrap=True)
        return ExitCode.DONE

    def services(self, environment: str) -> list[str]:
        """All services of an environment.

        Raises:
            ReleaseError: There is none.
        """
        found = retrying(self._clock)(services, self._api, environment)
        if not found:
            raise ReleaseError(
                f"there is no service in {environment}",
                remedy="is this the right cluster, and an environment of it? See --kubeconfig and --context",
            )
        return found

    def _release(
        self,
        environment: str,
        goals: Mapping[str, Goal],
        depends_on: Mapping[str, Sequence[str]] | None = None,
        *,
        after: Callable[[ServiceState, Callable[[str], None]], None] = lambda _seen, _report: None,
    ) -> ExitCode:
        by, caller = self._user(), self._caller()
        with Display(self._progress) as display:

            def work(service: str) -> Ended:
                report = display.reporter(environment, service)
                context = Context(
                    api=self._api,
                    caller=caller,
                    clock=self._clock,
                    report=report,
                    by=by,
                    build=os.environ.get("BUILD_URL"),
                    limits=self._options.limits,
                    keep_image=self._keep_image,
                )
                try:
                    result: Result = reconcile(context, environment, service, goals[service])
                    if result.exit_code is ExitCode.DONE:
                        after(result.seen, report)
                except ReleaseError as error:
                    return Ended(environment, service, error.exit_code, error.message, error.remedy)
                except KubernetesApiError as error:
                    return Ended(environment, service, ExitCode.FAILED, *told(error))
                return Ended(environment, service, result.exit_code, result.message, _remedy(result, service))

            done, left = in_order(
                {service: (depends_on or {}).get(service, ()) for service in goals},
                work,
                is_good=lambda ended: ended.exit_code is ExitCode.DONE,
                at_once=self._options.at_once,
                stop=self._clock.stop,
            )
        skipped = [
            Ended(environment, one, ExitCode.REFUSED, "not tried: a service that it calls did not go well", "see above")
            for one in left
        ]
        return self._end([*done.values(), *skipped])

    def _end(self, ended: Sequence[Ended]) -> ExitCode:
        if self._options.as_json:
            self._print_json([one.to_json() for one in ended])
        else:
            for one in ended:
                self._tell(one)
        return max((one.exit_code for one in ended), default=ExitCode.DONE)

    def _tell(self, ended: Ended) -> None:
        good = ended.exit_code is ExitCode.DONE
        text = f"{ended.environment}/{ended.service}: {'' if good else ended.exit_code.name.lower() + ': '}"
        text += ended.message + (f"\n  What to do: {ended.remedy}" if ended.remedy else "")
        self._out.print(text, style="green" if good else "red", markup=False, highlight=False, soft_wrap=True)

    def _tell_once(self) -> Callable[[str], None]:
        """Shows a line, and none that is like the one before."""
        told = ""

        def tell(line: str) -> None:
            nonlocal told
            if line != told:
                told = line
                self._progress.print(line, markup=False, highlight=False, soft_wrap=True)

        return tell

    def _print_json(self, value: object) -> None:
        self._out.print(json.dumps(value, indent=2), markup=False, highlight=False, soft_wrap=True)

    def _look(self, environment: str, service: str) -> ServiceState:
        return retrying(self._clock)(lambda: observe(self._api, environment, service, now=self._clock.now()))

    def _clean(self, seen: ServiceState, report: Callable[[str], None]) -> None:
        for deleted in retrying(self._clock)(lambda: collect(self._api, seen)):
            report(f"Deleted configuration {deleted}: nothing names it")
        if self._options.image_tags:
            for tag in Images(seen.repository).drop(seen.environment, in_use(seen)):
                report(f"Took tag {tag} off: its image has no use here")

    def _keep_image(self, seen: ServiceState, image: str) -> None:
        if self._options.image_tags:
            Images(seen.repository).keep(seen.environment, image.rpartition("@")[2])

    def _caller(self) -> Caller:
        """By the Services' names where this runs in a pod of the cluster, else through the API server."""
        return InCluster() if self._api.in_pod else ThroughApiServer(self._api)

    def _user(self) -> str:
        """Who the API server takes this for: nobody can say to be someone else."""
        review: dict[str, Any] = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
        answer = retrying(self._clock)(self._api.create, review)
        return str(answer["status"]["userInfo"]["username"])


def _console() -> Console:
    found = Console()
    return found if found.is_terminal else Console(width=LOG_WIDTH)


def _live_image(seen: ServiceState) -> str:
    if seen.live_slot.revision is None:
        raise ReleaseError(
            f"{seen.service} was never released in {seen.environment}: no image is live",
            remedy=f"name one: --image {seen.service}={seen.repository}@sha256:…",
        )
    return seen.live_slot.revision.image


def told(error: KubernetesApiError) -> tuple[str, str]:
    """What the API server's refusal is for a person, and what to do about it."""
    if error.reason == NO_KUBECONFIG:
        return str(error), "name one by --kubeconfig or KUBECONFIG, and a context of it by --context"
    if error.status == UNREACHABLE:
        remedy = "is this the right kubeconfig, and its API server up? Then run the command again: it goes on"
    elif error.status in (401, 403):
        remedy = "this identity lacks the right: see docs/releases.md for what each command asks"
    else:
        remedy = "run the command again: it goes on where this one stopped"
    return f"the API server: {error}", remedy


def _remedy(result: Result, service: str) -> str | None:
    environment = result.seen.environment
    match result.exit_code:
        case ExitCode.ROLLED_BACK:
            return f"see `kubectl --namespace {environment} describe service {service}`, mend it, deploy again"
        case ExitCode.NOT_READY:
            return f"look at once: `release status {environment} {service}`; `release history` tells what was live"
        case _:
            return None


def _history_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Each release with its whole image, for who wants to have it again."""
    for entry in entries:
        when = f"{entry.started:%Y-%m-%d %H:%M %Z}"
        yield f"{when}  {entry.action:8}  {entry.slot:5}  {entry.outcome:11}  {entry.by}"
        override = f"override: {entry.override}" if entry.override else None
        yield from (f"  {one}" for one in (entry.revision.image, entry.reason, override, entry.build) if one)
