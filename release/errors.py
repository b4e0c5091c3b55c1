"""What ends a command before its goal, each with what to do, and the exit codes."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What a command's exit code says."""

    DONE = 0
    """What was asked for is so."""
    FAILED = 1
    """Something that should not happen, such as an API server that does not answer. Run the command again."""
    USAGE = 2
    """The command line is wrong."""
    REFUSED = 3
    """Nothing was changed, for the reason that is told."""
    LOCKED = 4
    """Another release of this service is under way; nothing was changed."""
    ROLLED_BACK = 5
    """The new version failed; the live slot is the one from before, and ready."""
    NOT_READY = 6
    """The new version failed, and the live slot is not ready: somebody must look."""
    INTERRUPTED = 130
    """Ended by a signal. Run the command again: it goes on where it stopped."""


class ReleaseError(Exception):
    """A command cannot go on.

    Args:
        message: What is wrong, and where.
        remedy: What to do about it.
        exit_code: What the command ends with.
    """

    def __init__(self, message: str, *, remedy: str, exit_code: ExitCode = ExitCode.REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}\n  What to do: {self.remedy}"


class LostRaceError(Exception):
    """Somebody else changed an object between a look at it and a change of it: look again."""
