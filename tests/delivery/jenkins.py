"""Runs a Jenkinsfile's stages as Jenkins would: the very same shell commands, in their order, each agent in its place.

It knows what these pipelines use of the declarative syntax and refuses anything else.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Protocol

from tests.unit.pipelines.jenkinsfile import Call

ASSIGNED = re.compile(r"env\.(?P<name>\w+) = sh\(script: '(?P<command>[^']+)', returnStdout: true\)\.trim\(\)")
ASKED = re.compile(r"env\.(?P<name>\w+) = input\(message: \"(?P<message>[^\"]+)\", ok: .*\)", re.DOTALL)
EXPRESSIONS: Mapping[str, Callable[[Mapping[str, str]], bool]] = {
    "!env.IMAGE": lambda variables: not variables.get("IMAGE"),
    "env.SIGNING_KEY": lambda variables: bool(variables.get("SIGNING_KEY")),
    "params.ENVIRONMENT == 'prod'": lambda variables: variables["ENVIRONMENT"] == "prod",
}
"""What stands in `when`."""

CONDITIONS = {"SUCCESS": {"success"}, "FAILURE": {"failure", "unsuccessful"}, "ABORTED": {"aborted", "unsuccessful"}}
"""Which parts of `post` run, by how the build ended; `always` always does."""


APPROVER = "somebody"
"""Who approves."""


class StageError(Exception):
    """A shell command failed."""


class AbortedError(Exception):
    """Nobody approved in time, or somebody stopped the build."""


class Agent(Protocol):
    """Where a stage's commands run."""

    @property
    def workspace(self) -> Path:
        """The folder they run in, as this machine sees it."""
        ...

    def command(self, words: list[str], variables: Mapping[str, str]) -> list[str]:
        """What runs a command there, in the workspace, with a build's variables and the agent's own."""
        ...


@dataclass
class Build:
    """One run of a pipeline.

    Attributes:
        folder: Each agent has a folder of its own in it.
        variables: What the job and the controller give.
        agents: By label, what makes an agent, given a folder, as Jenkins makes a pod for each stage that asks for one.
        checkout: Fills a workspace from the service's repository.
        approves: Whether a person agrees when asked.
        stopped_at: A stage, and what it writes when a person stops the build.
        ran: The stages that ran, in their order; the last one failed unless the build went well.
        result: How it ended.
        asked: What a person was asked.
        log: What the commands wrote.
    """

    folder: Path
    variables: dict[str, str]
    agents: Mapping[str, Callable[[Path], AbstractContextManager[Agent]]]
    checkout: Callable[[Path], None]
    approves: bool = True
    stopped_at: tuple[str, str] | None = None
    ran: list[str] = field(default_factory=list[str])
    result: str = "SUCCESS"
    asked: list[str] = field(default_factory=list[str])
    log: str = ""
    _agent: Agent | None = None
    _made: int = 0

    def run(self, pipeline: Call) -> Build:
        """Runs it to its end."""
        try:
            self._stages(pipeline)
        except StageError:
            self.result = "FAILURE"
        except AbortedError:
            self.result = "ABORTED"
        self._post(pipeline, self.result)
        return self

    def _post(self, holder: Call, result: str) -> None:
        """What comes after a stage, on its agent, or after all of them."""
        post = holder.one("post")
        for condition in post.body or () if post else ():
            if condition.name in CONDITIONS[result] | {"always"}:
                self._steps(condition)

    def _stages(self, holder: Call) -> None:
        stages = holder.one("stages")
        for stage in stages.body or () if stages else ():
            self._stage(stage)

    def _stage(self, stage: Call) -> None:
        when = stage.one("when")
        if when and not self._holds(when):
            return
        agent = stage.one("agent")
        label = agent.one("label") if agent else None
        steps = stage.one("steps")
        with self._on(label.arguments[0]) if label else nullcontext():
            result = "SUCCESS"
            try:
                if steps:
                    self.ran.append(stage.arguments[0])
                    self._steps(steps)
                else:
                    self._stages(stage)
            except StageError:
                result = "FAILURE"
                raise
            except AbortedError:
                result = "ABORTED"
                raise
            finally:
                self._post(stage, result)

    @contextmanager
    def _on(self, label: str) -> Generator[None]:
        """Another agent, for a while."""
        before, self._made = self._agent, self._made + 1
        with self.agents[label](self.folder / f"{self._made}-{label}") as agent:
            self._agent = agent
            try:
                yield
            finally:
                self._agent = before

    def _holds(self, when: Call) -> bool:
        *names, expression = [one.name for one in when.everything()]
        assert names == ["when", "expression"]
        return EXPRESSIONS[expression](self.variables)

    def _steps(self, steps: Call) -> None:
        for step in steps.body or ():
            assigned = ASSIGNED.fullmatch(step.name)
            if assigned:
                self.variables[assigned["name"]] = self._shell(assigned["command"]).strip()
            elif asked := ASKED.fullmatch(step.name):
                self._ask(asked["message"])
                self.variables[asked["name"]] = APPROVER
            elif step.name == "checkout":
                self.checkout(self._here().workspace)
            elif step.name == "sh":
                written = self._shell(step.arguments[0])  # which logs, too
                self.log += written
            elif step.name in ("dir", "script", "timeout"):
                self._steps(step)
            elif step.name == "node":
                with self._on(step.arguments[0]):
                    self._steps(step)
            else:
                assert step.name in ("junit", "sleep"), step

    def _ask(self, message: str) -> None:
        assert self._agent is None, "no agent waits for a person"
        told = re.sub(r"\$\{(?:env|params)\.(\w+)\}", lambda found: self.variables[found[1]], message)
        self.asked.append(told.replace("\\n", "\n"))
        if not self.approves:
            raise AbortedError

    def _here(self) -> Agent:
        assert self._agent is not None, "a step that needs an agent has none"
        return self._agent

    def _shell(self, command: str) -> str:
        shell = self._here().command(["sh", "-xec", command], self.variables)
        if self.stopped_at and self.ran[-1] == self.stopped_at[0]:
            (_, text), self.stopped_at = self.stopped_at, None
            self._stop(shell, text)
        found = subprocess.run(shell, capture_output=True, text=True, check=False)
        self.log += found.stderr
        if found.returncode:
            self.log += found.stdout
            raise StageError(command)
        return found.stdout

    def _stop(self, shell: list[str], text: str) -> None:
        """Runs a command, all of whose processes get SIGTERM once it writes the text."""
        with subprocess.Popen(shell, stdout=PIPE, stderr=STDOUT, text=True, start_new_session=True) as process:
            for line in process.stdout or ():
                self.log += line
                if text in line:
                    os.killpg(process.pid, signal.SIGTERM)
        raise AbortedError
