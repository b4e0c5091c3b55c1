"""What is wrong with a configuration, said to a person."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a stack's configuration.

    Attributes:
        key: The configuration key, with the path inside it, e.g. `hello-platform:services.api.port`.
        found: What stands there; empty where nothing does or where it is a secret.
        allowed: What is allowed there, or what to do.
    """

    key: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.key}: {self.found + ': ' if self.found else ''}{self.allowed}"


class SettingsError(pulumi.RunError):
    """A configuration that cannot be used; Pulumi prints it without a traceback.

    Attributes:
        problems: Every problem of the configuration, in the order of the keys.
    """

    def __init__(self, problems: list[Problem]) -> None:
        lines = [f"{len(problems)} problem(s) in this stack's configuration; nothing was changed."]
        super().__init__("\n  - ".join([*lines, *map(str, problems)]))
        self.problems = problems
