"""A DNS record: what a person enters, or Route 53 gets."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

TTL_SECONDS = 300
"""How long others may remember a record."""


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """One line to enter at a DNS provider.

    Attributes:
        name: In full, without a dot at its end.
        type: `CNAME`, or `ALIAS` for a zone's own name, which some providers call ANAME or a flattened CNAME.
        value: Likewise in full.
        why: What it is there for.
    """

    name: pulumi.Input[str]
    type: str
    value: pulumi.Input[str]
    why: str

    @property
    def entry(self) -> dict[str, pulumi.Input[str]]:
        """For the stack's outputs."""
        return {"name": self.name, "type": self.type, "value": self.value, "why": self.why}
