"""DOMAIN and the zone that it is looked up in."""

from __future__ import annotations

from collections.abc import Iterator

from config.model import PROJECT, Settings
from config.problems import Problem


def problems(settings: Settings) -> Iterator[Problem]:
    """A domain of another zone, or the zone's own name where its provider takes no load balancer's name for it.

    A zone's own name has other records, beside which no CNAME may stand.

    https://www.rfc-editor.org/rfc/rfc1912#section-2.4
    """
    domain, dns = settings.domain, settings.dns
    if domain != dns.zone and not domain.endswith(f".{dns.zone}"):
        yield Problem(f"{PROJECT}:domain", domain, f"{dns.zone} or a name that ends in .{dns.zone}, by dns.zone")
    elif domain == dns.zone and dns.zone_id is None and not dns.flattens_apex:
        yield Problem(
            f"{PROJECT}:domain",
            domain,
            f"a name inside the zone, such as hello.{dns.zone}: a CNAME cannot stand at {dns.zone} itself. Where your "
            "provider takes one (ALIAS, ANAME, flattening), set dns.flattensApex: true; where Route 53 serves the "
            "zone, dns.zoneId",
        )
