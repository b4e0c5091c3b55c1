"""The errors of the release tool, and its exit codes."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Exit code of a command."""

    DONE = 0
    """The goal is reached."""
    FAILED = 1
    """An unexpected error, such as an API server that does not answer. Run the command again."""
    USAGE = 2
    """The command line is wrong."""
    REFUSED = 3
    """Nothing was changed; the message says why."""
    LOCKED = 4
    """Another release of this service is under way; nothing was changed."""
    ROLLED_BACK = 5
    """The new version failed; the version before is live, and ready."""
    NOT_READY = 6
    """The new version failed, and the live slot is not ready: somebody must act. `status`: a live slot is not ready."""
    BAD_LIVE = 7
    """The version that failed, or that was to be rolled back, is live, and ready: somebody must act."""
    HOOK_FAILED = 8
    """What was asked for is done, but a hook after it failed: somebody must act."""
    PAUSED = 9
    """The release waits for a person, who lets it go on with `resume`, or has it taken back with `abort`."""
    INTERRUPTED = 130
    """Interrupted by a signal. Run the command again: it goes on where it stopped."""


class ReleaseError(Exception):
    """An error that ends a command, with what to do about it.

    Args:
        message: What is wrong, and where.
        remedy: What to do about it.
        exit_code: Exit code of the command.
    """

    def __init__(self, message: str, *, remedy: str, exit_code: ExitCode = ExitCode.REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def to_json(self) -> dict[str, str | int | None]:
        """The error for `--json`, as the result of a command that came to no service."""
        return {
            "environment": None,
            "service": None,
            "exitCode": int(self.exit_code),
            "outcome": self.exit_code.name.lower(),
            "message": self.message,
            "remedy": self.remedy,
        }

    def __str__(self) -> str:
        return f"{self.message}\n  What to do: {self.remedy}"


class LostRaceError(Exception):
    """An object was changed by somebody else after it was read: read it again."""
