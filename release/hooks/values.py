"""What a hook is, and what became of it."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Hook(enum.StrEnum):
    """When a hook runs."""

    BEFORE_SWITCH = "beforeSwitch"
    """Before the first pod of the new version starts."""
    AFTER_SWITCH = "afterSwitch"
    """When the new version is live, and its answers have been found no worse."""
    AFTER_RETIRE = "afterRetire"
    """When the pods of the version before have ended, and are not to come back."""
    AFTER_ROLLBACK = "afterRollback"
    """When the version before is live again, with the image of the version that was left."""

    @property
    def label(self) -> str:
        """As it is spelt in names of objects: one of `contract.blue_green.HOOK_NAMES`."""
        return self.value.lower()


BLOCKING = (Hook.BEFORE_SWITCH, Hook.AFTER_SWITCH)
"""The hooks whose failure takes the release back. The failure of another one undoes nothing."""


@dataclass(frozen=True)
class HookSettings:
    """What a hook runs.

    Attributes:
        hook: When it runs.
        command: The container's command, instead of the image's entry point.
        args: Its arguments.
        timeout_seconds: How long its Job may take, from its creation.
    """

    hook: Hook
    command: tuple[str, ...]
    args: tuple[str, ...] = ()
    timeout_seconds: int = 600

    def to_json(self) -> dict[str, Any]:
        """The settings as a history's entry has them."""
        return {
            "hook": self.hook,
            "command": list(self.command),
            "args": list(self.args),
            "timeoutSeconds": self.timeout_seconds,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> HookSettings:
        """The settings of a JSON object.

        Raises:
            KeyError: A field is missing that no default can stand for.
            ValueError: There is no such hook.
        """
        return cls(
            hook=Hook(value["hook"]),
            command=tuple(str(word) for word in value["command"]),
            args=tuple(str(word) for word in value.get("args") or ()),
            timeout_seconds=int(value.get("timeoutSeconds") or 600),
        )


def hooks(annotation: str | None) -> tuple[HookSettings, ...]:
    """The hooks of a service, by the PodTemplate's annotation `contract.blue_green.HOOKS`."""
    settings: dict[str, dict[str, Any]] = json.loads(annotation or "{}")
    return tuple(HookSettings.from_json({**value, "hook": hook}) for hook, value in settings.items())


@dataclass(frozen=True)
class HookRun:
    """A hook that has ended.

    Attributes:
        hook: Which one.
        job: Name of its Job.
        failure: Why it failed; None if it succeeded.
    """

    hook: Hook
    job: str
    failure: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """The run as a history's entry has it."""
        return {"hook": self.hook, "job": self.job, "failure": self.failure}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> HookRun:
        """The run of a JSON object."""
        return cls(Hook(value["hook"]), str(value.get("job", "")), value.get("failure"))


@dataclass(frozen=True)
class Job:
    """The Job of a hook, as the cluster has it.

    Attributes:
        is_finished: Whether it has succeeded or failed.
        failure: Why it failed, in the words of Kubernetes; None if it did not.
        troubles: Why its pod does not run.
    """

    is_finished: bool = False
    failure: str | None = None
    troubles: tuple[str, ...] = ()
