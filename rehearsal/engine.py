"""The Pulumi engine, run by the Automation API in a rehearsal's workspace."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import psutil
from pulumi import automation
from pulumi.automation._stack import StackInitMode
from pulumi.automation.events import EngineEvent
from semver import VersionInfo

from kube.client import KubernetesApi
from pipelines.preview_report.events import Preview, read
from rehearsal import attached, recovery, unready, workspace
from rehearsal.emulators.aws.account import Account
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

NOISE = re.compile(
    r"using pulumi-(resource|language)-\S+ from \$PATH"
    r"|resource plugin kubernetes is expected to have version >=\S+, but has \S+; the wrong version may be on your path"
)
"""Engine warnings to hide: a plugin is found on PATH, where the rehearsal puts it; the kubernetes provider from the
toolchain is older than the SDK, which `rehearsal/parts.py` prints."""


DELETES_AT_ONCE = 64
"""Parallel deletes; the engine's default is four a core. Most of them wait for Kubernetes' garbage collector."""


class Display(Protocol):
    """Receiver of engine events."""

    def event(self, event: EngineEvent) -> None:
        """Handles one event; called on a thread of the Automation API."""
        ...


AT_THE_END = {"PULUMI_SKIP_CHECKPOINTS": "true"}
"""Environment variables with which the engine writes the state at the end only, also if it fails or is interrupted.

Writing it before and after each of 400 steps takes three quarters of its CPU time. Only for operations that lose
nothing if they are killed: decision 0042.
"""

EVENTS = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""Environment variables with which `pulumi preview --json` prints the engine's events."""


def pulumi(
    layout: Layout, *words: str, variables: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Runs `pulumi` in a rehearsal's workspace."""
    return subprocess.run(
        [layout.tools / "pulumi", *words],
        cwd=layout.workspace,
        env={**os.environ, **workspace.environment(layout), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


class Command(automation.PulumiCommand):
    """The `pulumi` in a folder's `bin`. It fits the SDK, so it is not asked for its version at each start."""

    def __init__(self, folder: Path) -> None:
        self.command = str(folder / "bin" / "pulumi")
        self.version = VersionInfo.parse(metadata.version("pulumi"))


class Stack(automation.Stack):
    """A stack, made if there is none, whose operations are over when the engine's run is.

    Those of the Automation API then run `pulumi` up to three times more, for a result that nobody here reads.
    https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/python/lib/pulumi/automation/_stack.py (`up`, `outputs`, `info`)
    """

    def __init__(self, name: str, local: automation.LocalWorkspace) -> None:
        super().__init__(name, local, StackInitMode.CREATE_OR_SELECT)

    def outputs(self) -> automation.OutputMap:
        """None: `stack_outputs` of the workspace has them."""
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:
        """An empty summary: the engine's last event has a true one."""
        del show_secrets
        return automation.UpdateSummary("", datetime.now(UTC), "", {}, {}, "")


@dataclass(frozen=True)
class Found:
    """What `Engine.recover` found.

    Attributes:
        killed: Whether an engine had been killed.
        is_empty: Whether the state had no resources.
    """

    killed: bool
    is_empty: bool


class Engine:
    """One stack in a rehearsal; `workspace.copy_project` and `workspace.put_tools` come first."""

    def __init__(self, layout: Layout, stack: str) -> None:
        self._layout = layout
        local = automation.LocalWorkspace(
            work_dir=str(layout.workspace),
            pulumi_home=str(layout.pulumi_home),
            env_vars=workspace.environment(layout),
            pulumi_command=Command(layout.directory),
        )
        self._stack = Stack(stack, local)

    def recover(self, report: Callable[[str], None]) -> Found:
        """Repairs the state after an interrupted run: removes its lock, resolves its pending creates.

        Raises:
            RehearsalError: Another engine runs on this stack.
        """
        killed = recovery.break_stale_lock(self._layout)
        if killed:
            report("Removed the lock of an engine that is gone")
        recovery.end_orphaned_providers(self._layout)
        exported = self._stack.export_stack()
        state = dict(exported.deployment or {})
        api = KubernetesApi(self._layout.kubeconfig)
        found = Found(killed=killed, is_empty=not state.get("resources"))
        creates = recovery.pending_creates(Account.load(self._layout), api, state)
        if not creates:
            return found
        recovery.drop_unfinished_releases(api, creates)
        completed = [create.urn for create in creates if create.identifier is not None]
        report(f"An interrupted run left {len(creates)} pending create(s), of which {len(completed)} were completed")
        self._stack.import_stack(
            automation.Deployment(version=exported.version, deployment=recovery.taken_up(state, creates))
        )
        if completed:
            with self._logged("recover") as log:
                self._stack.refresh(target=completed, on_output=log, on_error=log)
        return found

    def up(self, display: Display, *, from_nothing: bool = False) -> None:
        """Brings the stack up; `from_nothing` writes the state once, as `destroy` does.

        Raises:
            RehearsalError: It did not succeed; which pods are not ready, and why, is told, too.
        """
        with self._logged("up", lambda: unready.reasons(KubernetesApi(self._layout.kubeconfig))) as log:
            if from_nothing:
                self._stack.workspace.env_vars = {**self._stack.workspace.env_vars, **AT_THE_END}
            self._stack.up(on_output=log, on_error=log, on_event=display.event)

    def preview(self) -> Preview:
        """What `up` would do.

        Raises:
            RehearsalError: The engine, the program or a provider refuses it.
        """
        with self._logged("preview") as log:
            options = ("--json", "--non-interactive", "--stack", self._stack.name)
            run = pulumi(self._layout, "preview", *options, variables={**self._stack.workspace.env_vars, **EVENTS})
            log(run.stdout)
            log(run.stderr)
        preview = read(run.stdout.splitlines())
        if preview.failed:
            reasons = dict.fromkeys(preview.errors or (run.stderr.strip(),))
            raise RehearsalError(
                "\n".join(reason for reason in reasons if reason not in _CONSEQUENCES_OF_A_PREVIEW),
                remedy="mend it, and run the command again; nothing was changed.",
            )
        return replace(preview, warnings=tuple(one for one in preview.warnings if not NOISE.search(one)))

    def refresh(self, display: Display) -> None:
        """Refreshes the state from the existing resources."""
        with self._logged("refresh") as log:
            self._stack.refresh(on_output=log, on_error=log, on_event=display.event)

    def destroy(self, display: Display, *, refresh: bool = False) -> None:
        """Deletes every resource of the stack; keeps the stack's history.

        The state is written once. After a killed run, `refresh` first removes from it what that run has deleted.
        """
        with self._logged("destroy") as log:
            self._stack.workspace.env_vars = {**self._stack.workspace.env_vars, **AT_THE_END}
            self._stack.destroy(
                parallel=DELETES_AT_ONCE, refresh=refresh, on_output=log, on_error=log, on_event=display.event
            )

    def unprotect(self) -> list[str]:
        """Unprotects all resources, as `pulumi state unprotect --all` does; returns the URNs of the protected ones."""
        exported = self._stack.export_stack()
        state = dict(exported.deployment or {})
        resources: list[dict[str, Any]] = state.get("resources") or []
        protected = [str(resource["urn"]) for resource in resources if resource.get("protect")]
        if protected:
            free = [{name: value for name, value in resource.items() if name != "protect"} for resource in resources]
            self._stack.import_stack(
                automation.Deployment(version=exported.version, deployment={**state, "resources": free})
            )
        return protected

    def outputs(self) -> dict[str, automation.OutputValue]:
        """The stack's outputs, secrets marked."""
        return dict(self._stack.workspace.stack_outputs(self._stack.name))

    def resources(self) -> list[str]:
        """URNs of all resources in the state except the stack itself."""
        state = dict(self._stack.export_stack().deployment or {})
        resources: list[dict[str, Any]] = state.get("resources") or []
        urns = [str(resource["urn"]) for resource in resources]
        return [urn for urn in urns if "::pulumi:pulumi:Stack::" not in urn]

    @contextmanager
    def _logged(self, operation: str, not_ready: Callable[[], list[str]] = list) -> Generator[Callable[[str], None]]:
        """An operation of the engine, with its plugins: its output goes to a log file, a failure is a `RehearsalError`.

        `not_ready` says what is not ready after one.
        """
        path = self._layout.logs / f"pulumi-{operation}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        before = self._stack.workspace.env_vars
        plugins = attached.start(self._layout)
        with path.open("w") as log, engine_ends_first():
            try:
                self._stack.workspace.env_vars = {**before, **plugins.variables()}
                yield lambda line: print(line, file=log, flush=True)
            except automation.ConcurrentUpdateError:
                raise RehearsalError(
                    "Another pulumi is at work on this stack.", remedy="wait until it has ended, then run this again."
                ) from None
            except automation.CommandError:
                reason = first_error(path.read_text())
                problem = f"The engine's {operation} did not succeed{': ' if reason else ''}{reason}."
                raise RehearsalError(
                    "\n  Not ready: ".join([problem, *not_ready()]),
                    remedy=f"see all of its output in {path}; then run the command again. Nothing is made twice.",
                ) from None
            finally:
                plugins.end()
                self._stack.workspace.env_vars = before


_CONSEQUENCES_OF_A_PREVIEW = {"preview failed"}
"""Errors that say nothing beside others."""

_CONSEQUENCES = (" failed", "grpc: the client connection is closing")
"""Ends of the errors of a stack and of components, such as node groups, that were at work when a resource failed."""


def first_error(output: str) -> str:
    """Returns the first error in the engine's output, after the resource that it is about; empty if there is none.

    Errors that only follow from another are left out (`_CONSEQUENCES`).
    """
    resource = ""
    for line in (line.strip() for line in output.splitlines()):
        kind, separator, message = line.partition("error: ")
        if line.endswith("):"):
            resource = f"{line} "
        elif separator and not kind and not message.endswith(_CONSEQUENCES):
            return f"{resource}{message}".rstrip(".")
    return ""


@contextmanager
def engine_ends_first() -> Generator[None]:
    """Lets the engine shut down in order before this process ends of a signal.

    SIGINT is ignored: on Ctrl-C the engine gets it, too. Others are passed on to the engine as SIGINT. By a handler,
    not by SIG_IGN, which the engine would inherit.
    """

    def pass_on(number: int, _frame: object) -> None:
        for child in psutil.Process().children() if number != signal.SIGINT else ():
            if child.name() == "pulumi":
                child.send_signal(signal.SIGINT)

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
