"""Problems of a configuration, and the error that reports them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Problem:
    """One problem of a stack's configuration.

    Attributes:
        key: The configuration key, with the path inside it, e.g. `hello-platform:services.api.port`.
        value: The value; empty if there is none or if it is a secret.
        allowed: What is allowed, or what to do.
    """

    key: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.key}: {self.value + ': ' if self.value else ''}{self.allowed}"


class SettingsError(pulumi.RunError):
    """An invalid configuration; Pulumi prints the message without a traceback.

    Attributes:
        problems: All problems of the configuration: those of single values first, then those across keys.
    """

    def __init__(self, problems: list[Problem]) -> None:
        lines = [f"{len(problems)} problem(s) in this stack's configuration; nothing was changed."]
        super().__init__("\n  - ".join([*lines, *map(str, problems)]))
        self.problems = problems
