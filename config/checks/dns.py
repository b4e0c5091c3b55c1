"""DOMAIN and its DNS zone."""

from __future__ import annotations

from collections.abc import Iterator

from config.models.base import PROJECT
from config.problems import Problem
from config.settings import Settings


def problems(settings: Settings) -> Iterator[Problem]:
    """A domain outside `dns.zone`, or at the zone apex if the provider supports no host name there.

    DNS allows no CNAME at the zone apex, which always has other records.

    https://www.rfc-editor.org/rfc/rfc1912#section-2.4
    """
    domain, dns = settings.domain, settings.dns
    if domain != dns.zone and not domain.endswith(f".{dns.zone}"):
        yield Problem(f"{PROJECT}:domain", domain, f"{dns.zone} or a name that ends in .{dns.zone}, as dns.zone says")
    elif domain == dns.zone and dns.zone_id is None and not dns.flattens_apex:
        yield Problem(
            f"{PROJECT}:domain",
            domain,
            f"a name inside the zone, such as hello.{dns.zone}: DNS allows no CNAME at {dns.zone} itself. If your "
            "provider supports a host name there (ALIAS, ANAME, flattening), set dns.flattensApex: true; if Route 53 "
            "serves the zone, dns.zoneId",
        )
