"""The preview of a service: a look at its idle slot at the real host, for the staff."""

from __future__ import annotations

from pydantic import Field

from config.models.base import Model
from config.values import HeaderName, HeaderValue


class Preview(Model):
    """Requests that reach the idle slot: from `loadBalancer.staffCidrs`, with this header.

    The value is no secret: the source ranges protect the idle slot.
    """

    header: HeaderName = Field(default="X-Preview", description="Name of the header, such as `X-Preview` or `Cookie`.")
    value: HeaderValue = Field(
        default="idle",
        description="Its value, regardless of case; `*` stands for any characters, `?` for one. For a cookie: "
        "`*preview=idle*`.",
    )
