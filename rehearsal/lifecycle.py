"""The life cycle of a rehearsal: up, preview, down."""

from __future__ import annotations

import functools
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from rich.console import Console

from kube.client import KubernetesApi
from pipelines.preview_report.events import Preview
from rehearsal import (
    charts,
    control_plane,
    first_release,
    leftovers,
    parts,
    summary,
    toolchain,
    workspace,
)
from rehearsal.display import EngineDisplay
from rehearsal.emulators.aws import protection
from rehearsal.emulators.aws.account import Account
from rehearsal.engine import Engine, Found, pulumi
from rehearsal.errors import RehearsalError
from rehearsal.front_door import running
from rehearsal.layout import CHECKOUT, Layout
from rehearsal.network import namespace


@dataclass(frozen=True)
class Rehearsal:
    """The rehearsal of one stack.

    Attributes:
        stack: The stack's name.
        layout: Where its files are.
        console: Where it prints to.
        stacks: The folder of the stack's file.
        verbose: Whether it prints a line for each resource.
    """

    stack: str
    layout: Layout
    console: Console
    stacks: Path = CHECKOUT
    verbose: bool = False

    def up(self) -> dict[str, Any]:
        """Starts missing processes, updates the stack, releases demo images; returns the outputs, secrets masked."""
        with self._alone():
            engine = self._engine()
            found = engine.recover(self._report)
            if self._is_lost(found):
                self._report("The first `up` was killed before the engine wrote its state: the rehearsal begins anew")
                self._remove()
                engine = self._engine()
            with EngineDisplay(self.console, f"pulumi up --stack {self.stack}", verbose=self.verbose) as display:
                engine.up(display, from_nothing=found.is_empty)
            outputs = self.outputs()
            first_release.release(self.api(), first_release.targets(outputs), self._report)
            domain, region = outputs["hosts"]["prod"], outputs["cluster"]["region"]
            running.start(self.layout, domain=domain, region=region, report=self._report)
            return outputs

    def preview(self) -> Preview:
        """What `up` would do; before the first `up` no process is started but the engine."""
        with self._alone():
            engine = self._engine(start_control_plane=self.layout.kubeconfig.exists())
            with self.console.status(f"pulumi preview --stack {self.stack}"):
                return engine.preview()

    def down(self) -> None:
        """Destroys the stack, verifies that nothing remains, stops all processes and deletes the rehearsal's files.

        Raises:
            RehearsalError: A resource could not be deleted, or remains; the processes then still run.
        """
        if not self.layout.directory.exists():
            self.console.print(f"Stack {self.stack} is not up: there is nothing to take down.")
            return
        with self._alone():
            engine = self._engine()
            found = engine.recover(self._report)
            if self._is_lost(found):
                self._report(
                    "The first `up` was killed before the engine wrote its state: there is nothing to destroy by"
                )
            else:
                self._destroy(engine, refresh=found.killed)
            self._remove()
        self._report(f"Stack {self.stack} is down; its processes have ended and its files are deleted")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs as plain values, secrets masked.

        Raises:
            RehearsalError: The rehearsal is not up.
        """
        self.check_up()
        run = pulumi(self.layout, "stack", "output", "--json", "--stack", self.stack)
        if run.returncode != 0:
            raise RehearsalError(
                f"The engine does not tell the stack's outputs: {run.stderr.strip()}",
                remedy=f"run `make up STACK={self.stack}`.",
            )
        return json.loads(run.stdout)

    def open(self) -> Engine:
        """The engine of a rehearsal that is up; starts no process.

        Raises:
            RehearsalError: The rehearsal is not up.
        """
        self.check_up()
        return Engine(self.layout, self.stack)

    def check_up(self) -> None:
        """Raises a `RehearsalError` if the rehearsal is not up."""
        if not (self.layout.tools / "pulumi").exists() or not self.layout.kubeconfig.exists():
            raise RehearsalError(
                f"Stack {self.stack} is not up on this machine.", remedy=f"run `make up STACK={self.stack}` first."
            )

    def api(self) -> KubernetesApi:
        """A client of the rehearsal's API server, as administrator.

        Raises:
            RehearsalError: The API server does not run.
        """
        if not control_plane.is_reachable(self.layout):
            raise RehearsalError(
                f"The API server of stack {self.stack} does not run: it was killed, or this machine was restarted.",
                remedy=f"run `make up STACK={self.stack}`: it comes back with what it had.",
            )
        return KubernetesApi(self.layout.kubeconfig)

    def _destroy(self, engine: Engine, *, refresh: bool) -> None:
        """Destroys the stack, and verifies that nothing remains."""
        self._unprotect(engine)
        with EngineDisplay(self.console, f"pulumi destroy --stack {self.stack}", verbose=self.verbose) as display:
            engine.destroy(display, refresh=refresh)
        left = leftovers.find(self.layout, self.api(), engine.resources())
        if left:
            raise RehearsalError(
                "\n  ".join(["Something is left after the destroy:", *left]),
                remedy=f"look at it with `make shell STACK={self.stack}`; then run `make down` again.",
            )
        self._report("Nothing is left in the cluster, in the AWS account, in the state")

    def _remove(self) -> None:
        """Ends the rehearsal's processes, and deletes its files."""
        control_plane.stop(self.layout)
        shutil.rmtree(self.layout.directory)

    def _is_lost(self, found: Found) -> bool:
        """Whether an `up` from nothing was killed: the state lacks all that it made, and there is nothing else."""
        return found.killed and found.is_empty and bool(Account.load(self.layout).records())

    def _unprotect(self, engine: Engine) -> None:
        """Removes Pulumi's `protect` and AWS's deletion protection from all resources."""
        protected = len(engine.unprotect()) + len(protection.lift(self.layout))
        if protected:
            self._report(
                f"Lifted the protection of {protected} resources, since this is a rehearsal: "
                f"in AWS, and in `make shell`, a destroy refuses them until a person has lifted it"
            )

    def _engine(self, *, start_control_plane: bool = True) -> Engine:
        """Prepares toolchain, workspace and control plane; returns the engine."""
        workspace.copy_project(self.layout, self.stack, self.stacks)
        if workspace.lists_this_machine(self.layout, self.stack):
            self._report(
                "cluster.publicAccessCidrs is empty, which a first `pulumi up` on AWS refuses: this rehearsal runs as "
                f"if it listed this machine ({workspace.THIS_MACHINE})"
            )
        tools = toolchain.ensure(self._report)
        workspace.put_tools(self.layout, tools)
        origin = charts.origin(self.layout, tools, workspace.charts_setting(self.layout, self.stack))
        if origin.setting is not None:
            workspace.set_charts(self.layout, self.stack, origin.setting)
        refusal = functools.cache(namespace.refusal)  # once: it creates a namespace
        shown = parts.parts(tools, origin, containers_run=refusal() is None)
        self.console.print(parts.table(shown), soft_wrap=True)
        with ThreadPoolExecutor(1) as beside:
            engine = beside.submit(self._configured_engine)
            if start_control_plane:
                control_plane.start(self.layout, tools, self._report, refusal=refusal)
        return engine.result()

    def _configured_engine(self) -> Engine:
        """The engine, with the secrets that the copy of the stack's file lacks."""
        engine = Engine(self.layout, self.stack)
        missing = workspace.missing_secrets(self.layout, self.stack)
        workspace.set_secrets(self.layout, self.stack, missing)
        if missing:
            self._report(summary.invented(missing))
        return engine

    def _alone(self) -> FileLock:
        """A lock that only one command holds per stack."""
        self.layout.directory.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.layout.directory.parent / f"{self.layout.directory.name}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise RehearsalError(
                f"Another command is at work on stack {self.stack}.", remedy="wait until it has ended."
            ) from None
        return lock

    def _report(self, sentence: str) -> None:
        self.console.print(sentence, highlight=False, soft_wrap=True)
