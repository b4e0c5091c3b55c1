"""Hooks of a service's releases."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.models.base import Model

Word = Annotated[str, Field(max_length=4096)]


class ReleaseHook(Model):
    """A command that a release runs once, in a Job with the service's image and configuration."""

    command: list[Word] = Field(
        min_length=1, max_length=100, description="The command, in place of the image's entry point."
    )
    args: list[Word] = Field(default_factory=list[str], max_length=100, description="Its arguments.")
    timeout_seconds: int = Field(
        default=600, ge=10, le=86400, description="Seconds after which it has failed, the pull of the image included."
    )


class Hooks(Model):
    """The hooks of a service: without one, nothing runs."""

    before_switch: ReleaseHook | None = Field(
        default=None,
        description="Before the new version's pods start, such as a migration that both versions can live with. "
        "If it fails, the release is taken back.",
    )
    after_switch: ReleaseHook | None = Field(
        default=None, description="When the new version is live. If it fails, the release is taken back."
    )
    after_retire: ReleaseHook | None = Field(
        default=None,
        description="When the version before has been retired, such as the migration that drops what only it read. "
        "Its failure undoes nothing.",
    )
    after_rollback: ReleaseHook | None = Field(
        default=None,
        description="When the version before is live again; with the image of the version that was left. "
        "Its failure undoes nothing.",
    )
