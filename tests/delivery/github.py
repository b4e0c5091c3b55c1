"""Runs a job of a workflow as GitHub's runner does: the very same shell commands, in their order.

It knows what these workflows use of the syntax, and refuses anything else. Actions are stand-ins, which tests give.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tests.unit.program import CHECKOUT

EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")
COMPARED = re.compile(r"(?P<path>[\w.-]+) (?P<operator>==|!=) '(?P<text>[^']*)'")
PATH = re.compile(r"(?P<context>github|inputs|secrets|steps|vars)\.(?P<names>[\w.-]+)")

Action: TypeAlias = Callable[[Path, Mapping[str, str]], Mapping[str, str]]
"""A stand-in: it gets the workspace and the step's `with`; what it returns are variables of all steps after it."""


class StepError(Exception):
    """A step failed: its name, and what it wrote."""


@dataclass
class Job:
    """One job of a workflow that others call.

    Attributes:
        workflow: Name of its file.
        name: Its key in `jobs`.
        folder: Empty.
        inputs: What the caller gives.
        variables: Those of its GitHub environment: `vars`.
        actions: Stand-ins by the action's name.
        machine: Environment variables of the runner.
        outputs: What each step with an id wrote to `GITHUB_OUTPUT`, by its id.
        ran: Names of the steps with commands that ran.
        log: What the commands wrote.
    """

    workflow: str
    name: str
    folder: Path
    inputs: Mapping[str, str]
    variables: Mapping[str, str]
    actions: Mapping[str, Action]
    machine: Mapping[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    ran: list[str] = field(default_factory=list[str])
    log: str = ""

    @property
    def workspace(self) -> Path:
        """The folder that commands run in."""
        return self.folder / "workspace"

    @cached_property
    def content(self) -> dict[str, Any]:
        """The whole workflow."""
        text = (CHECKOUT / ".github" / "workflows" / f"{self.workflow}.yml").read_text(encoding="utf-8")
        # Texts only, as a shell sees them; and YAML 1.1 would take `on` for true.
        return yaml.load(text, yaml.BaseLoader)  # noqa: S506

    def run(self) -> dict[str, str]:
        """Runs it to its end; its outputs.

        Raises:
            StepError: A command failed.
        """
        self.workspace.mkdir(parents=True)
        job = self.content["jobs"][self.name]
        if not self._holds(job):
            return {}
        environment = {**self.machine, "GITHUB_WORKSPACE": str(self.workspace)}
        for number, step in enumerate(job["steps"]):
            if not self._holds(step):
                continue
            if "uses" in step:
                action = step["uses"].partition("@")[0]
                environment |= self.actions[action](self.workspace, self._evaluated(step.get("with", {})))
                continue
            told = {**environment, **self._evaluated(job.get("env", {})), **self._evaluated(step.get("env", {}))}
            self._command(step, told, self.folder / str(number))
        return self._evaluated(job.get("outputs", {}))

    def _command(self, step: Mapping[str, Any], environment: Mapping[str, str], file: Path) -> None:
        """A script file for `bash -e`, as where no shell is named.

        https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
        """
        assert not step.keys() - {"name", "id", "if", "env", "run", "working-directory"}, step
        assert not EXPRESSION.search(step["run"]), "a shell gets values by its variables"
        output = file.with_suffix(".output")
        output.touch()
        file.write_text(step["run"], encoding="utf-8")
        done = subprocess.run(
            ["bash", "-e", str(file)],
            cwd=self.workspace / step.get("working-directory", "."),
            env={**environment, "GITHUB_OUTPUT": str(output)},
            capture_output=True,
            text=True,
            check=False,
        )
        self.log += done.stdout + done.stderr
        self.ran.append(step["name"])
        if done.returncode:
            raise StepError(f"{step['name']}: {self.log}")
        if "id" in step:
            written = output.read_text(encoding="utf-8").splitlines()
            self.outputs[step["id"]] = dict(line.split("=", 1) for line in written)

    def _holds(self, where: Mapping[str, Any]) -> bool:
        if "if" not in where:
            return True
        found = COMPARED.fullmatch(where["if"])
        assert found, where["if"]
        return (self._value(found["path"]) == found["text"]) is (found["operator"] == "==")

    def _evaluated(self, texts: Mapping[str, str]) -> dict[str, str]:
        def value(found: re.Match[str]) -> str:
            # https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#operators
            values = (self._value(path) for path in str(found[1]).split(" || "))
            return next((text for text in values if text), "")

        return {name: EXPRESSION.sub(value, text) for name, text in texts.items()}

    def _value(self, path: str) -> str:
        """What a context has; what it has not is an empty text."""
        found = PATH.fullmatch(path)
        assert found, path
        names = found["names"]
        declared: Mapping[str, Mapping[str, str]] = self.content["on"]["workflow_call"]["inputs"]
        match found["context"]:
            case "inputs":
                assert declared.keys() >= self.inputs.keys()
                assert "default" in declared[names] or names in self.inputs, f"{names} is required"
                return self.inputs.get(names, declared[names].get("default", ""))
            case "vars":
                return self.variables.get(names, "")
            case "steps":
                step, of, output = names.split(".")
                assert of == "outputs"
                return self.outputs[step][output]
            case "secrets":
                assert names in self.content["on"]["workflow_call"]["secrets"]
                return ""
            case _:
                return {"workspace": str(self.workspace), "sha": 40 * "0", "token": "a token"}[names]


def python(workspace: Path, given: Mapping[str, str]) -> Mapping[str, str]:
    """`actions/setup-python`: a Python without packages but those of jobs before; this machine's, of any version."""
    assert given.keys() == {"python-version"}
    made = workspace.parent.parent / "python"
    if not made.exists():
        subprocess.run(["python3", "-m", "venv", str(made)], check=True)
    return {"PATH": f"{made / 'bin'}:{workspace.parent / 'bin'}:/usr/local/bin:/usr/bin:/bin", "PIP_NO_INPUT": "1"}


def credentials(role: str, region: str) -> Action:
    """`aws-actions/configure-aws-credentials`, for the one role that the job's environment names."""

    def configure(_: Path, given: Mapping[str, str]) -> Mapping[str, str]:
        assert given == {"role-to-assume": role, "aws-region": region}
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return {**dict.fromkeys(names, "none"), "AWS_REGION": region, "AWS_DEFAULT_REGION": region}

    return configure


def program(folder: Path, name: str, text: str) -> None:
    """Puts a script in the place of one of the runner's programs."""
    file = folder / "bin" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)
