"""DNS records that a person creates where the program manages no zone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

TTL_SECONDS = 300
"""Time to live of a record in Route 53."""


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """A DNS record to create at a DNS provider.

    Attributes:
        name: Fully qualified name, without a trailing dot.
        type: `CNAME`, or `ALIAS` at the zone apex, which some providers call ANAME or a flattened CNAME.
        value: Fully qualified name, without a trailing dot.
        why: Purpose of the record.
    """

    name: pulumi.Input[str]
    type: str
    value: pulumi.Input[str]
    why: str

    @property
    def entry(self) -> dict[str, pulumi.Input[str]]:
        """The record as a stack output."""
        return {"name": self.name, "type": self.type, "value": self.value, "why": self.why}
