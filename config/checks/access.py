"""Who reaches the Kubernetes API, and as whom; who reaches the tools."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from config.model import PROJECT, Settings
from config.problems import Problem

SHORTEST_PREFIX = 16
"""65,536 addresses: an organisation's network, not an internet provider's."""

RESERVED = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "224.0.0.0/3",
        ),
    )
)
"""What reaches no public endpoint: EKS refuses it.

https://docs.aws.amazon.com/eks/latest/userguide/config-cluster-endpoint.html
"""


def problems(settings: Settings) -> Iterator[Problem]:
    """An API open to the world, a role of two ranks, a permissions boundary of another account.

    Open to the world are ranges that are, merged, wider than /16; ranges that are not public are of no use.
    """
    yield from _endpoint_problems(settings)
    yield from _role_problems(settings)
    boundary = settings.permissions_boundary_arn
    if boundary and f":{settings.account_id}:" not in boundary and ":aws:policy/" not in boundary:
        yield Problem(
            f"{PROJECT}:permissionsBoundaryArn", boundary, f"a policy of AWS or of the account {settings.account_id}"
        )


def staff_problems(settings: Settings) -> Iterator[Problem]:
    """A staff list that is open to the world, or that nobody outside the VPC is on."""
    yield from _listed_problems(
        f"{PROJECT}:loadBalancer.staffCidrs",
        settings.load_balancer.staff_cidrs,
        whom="your offices and VPN",
        private="the load balancer sees no others",
    )


def hook_problems(settings: Settings) -> Iterator[Problem]:
    """A hook that is open to the world, or whose callers the public load balancer does not let in."""
    hook = settings.delivery.hook if settings.delivery else None
    if hook is None:
        return
    key = f"{PROJECT}:delivery.hook.cidrs"
    yield from _listed_problems(key, hook.cidrs, whom="your Git provider", private="a hook comes from outside")
    public = list(ipaddress.collapse_addresses(map(ipaddress.IPv4Network, settings.load_balancer.public_cidrs)))
    for cidr in hook.cidrs:
        if not any(ipaddress.IPv4Network(cidr).subnet_of(one) for one in public):
            yield Problem(key, cidr, "ranges within loadBalancer.publicCidrs: the load balancer lets nobody else in")


def regional_problems(settings: Settings) -> Iterator[Problem]:
    """A certificate or a web ACL that a load balancer of this stack cannot use: of another region or account."""
    asked = settings.load_balancer
    for key, what, arn in (
        ("certificateArn", "certificate", asked.certificate_arn),
        ("webAclArn", "web ACL", asked.web_acl_arn),
    ):
        if arn is None:
            continue
        _, _, _, region, account, _ = arn.split(":")
        if (region, account) != (settings.region, settings.account_id):
            yield Problem(
                f"{PROJECT}:loadBalancer.{key}",
                arn,
                f"a {what} of the region {settings.region} and the account {settings.account_id}: a load balancer "
                "takes no other",
            )


def _endpoint_problems(settings: Settings) -> Iterator[Problem]:
    yield from _listed_problems(
        f"{PROJECT}:cluster.publicAccessCidrs",
        settings.cluster.public_access_cidrs,
        whom="your offices and CI",
        private="from inside the VPC the API is reached without being listed",
    )


def _listed_problems(key: str, cidrs: Sequence[str], *, whom: str, private: str) -> Iterator[Problem]:
    listed = [ipaddress.IPv4Network(cidr) for cidr in cidrs]
    # Merged, so that the world in two halves is still the world.
    wide = [merged for merged in ipaddress.collapse_addresses(listed) if merged.prefixlen < SHORTEST_PREFIX]
    for cidr in listed:
        if any(cidr.subnet_of(merged) for merged in wide):
            yield Problem(
                key,
                str(cidr),
                f"the addresses of {whom}, not the world: ranges that are /{SHORTEST_PREFIX} or smaller, merged too",
            )
        elif any(cidr.overlaps(reserved) for reserved in RESERVED):
            yield Problem(key, str(cidr), f"public addresses; {private}")


def _role_problems(settings: Settings) -> Iterator[Problem]:
    cluster = settings.cluster
    ranks = {
        "adminRoleArns": cluster.admin_role_arns,
        "deployerRoleArns": cluster.deployer_role_arns,
        "readerRoleArns": cluster.reader_role_arns,
    }
    rank_of: dict[str, str] = {}
    for rank, arns in ranks.items():
        for arn in arns:
            if arn in rank_of:
                yield Problem(f"{PROJECT}:cluster.{rank}", arn, f"a role of one rank: it is in {rank_of[arn]}")
            rank_of.setdefault(arn, rank)
