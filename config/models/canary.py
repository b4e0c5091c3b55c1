"""The canary of a service: its requests move to a new version in steps."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.models.base import Model
from config.values import EachOnce

Percent = Annotated[int, Field(ge=1, le=100)]


class Canary(Model):
    """A canary by the load balancer's weights, before each switch; for a service with a path."""

    steps: Annotated[list[Percent], EachOnce] = Field(
        default_factory=lambda: [10, 50],
        min_length=1,
        max_length=10,
        description="Weights in percent that a new version gets one after the other, rising; then it gets all.",
    )
    seconds_per_step: int = Field(
        default=60,
        ge=0,
        le=3600,
        description="Seconds that each weight lasts, in which the new version's answers are watched.",
    )
