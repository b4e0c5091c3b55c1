"""Access to the Kubernetes API, the tools and the webhook; ARNs of this account and region."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from config.models.base import PROJECT
from config.partitions import partition_of
from config.problems import Problem
from config.settings import Settings

SHORTEST_PREFIX = 16
"""The widest range, 65,536 addresses: an organisation's network, not an internet provider's."""

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
"""Ranges that are not public; EKS refuses them for its public endpoint.

https://docs.aws.amazon.com/eks/latest/userguide/config-cluster-endpoint.html
"""


def problems(settings: Settings) -> Iterator[Problem]:
    """Public access to the Kubernetes API from ranges that are not public, or that are, merged, wider than /16.

    An IAM role in more than one of `adminRoleArns`, `deployerRoleArns` and `readerRoleArns`; a permissions boundary of
    another account.
    """
    yield from _endpoint_problems(settings)
    yield from _role_problems(settings)
    boundary = settings.permissions_boundary_arn
    if boundary and f":{settings.account_id}:" not in boundary and ":aws:policy/" not in boundary:
        yield Problem(
            f"{PROJECT}:permissionsBoundaryArn", boundary, f"a policy of AWS or of the account {settings.account_id}"
        )


def staff_problems(settings: Settings) -> Iterator[Problem]:
    """Staff ranges that are not public, or that are, merged, wider than /16."""
    yield from _listed_problems(
        f"{PROJECT}:loadBalancer.staffCidrs",
        settings.load_balancer.staff_cidrs,
        whom="your offices and VPN",
        private="the load balancer sees no private ones",
    )


def partition_problems(settings: Settings) -> Iterator[Problem]:
    """An ARN of another AWS partition than the region's."""
    partition = partition_of(settings.region)
    cluster, balancer, previews = settings.cluster, settings.load_balancer, settings.previews
    arns = [
        *(("cluster.adminRoleArns", arn) for arn in cluster.admin_role_arns),
        *(("cluster.deployerRoleArns", arn) for arn in cluster.deployer_role_arns),
        *(("cluster.readerRoleArns", arn) for arn in cluster.reader_role_arns),
        ("cluster.volumeKeyArn", cluster.volume_key_arn),
        ("cluster.dockerHubSecretArn", cluster.docker_hub_secret_arn),
        ("permissionsBoundaryArn", settings.permissions_boundary_arn),
        ("loadBalancer.certificateArn", balancer.certificate_arn),
        ("loadBalancer.webAclArn", balancer.web_acl_arn),
        ("previews.oidcProviderArn", previews.oidc_provider_arn if previews else None),
        ("previews.keyArn", previews.key_arn if previews else None),
    ]
    for key, arn in arns:
        if arn and arn.split(":")[1] != partition:
            yield Problem(
                f"{PROJECT}:{key}", arn, f"an ARN that begins with arn:{partition}: as all of {settings.region}"
            )


def hook_problems(settings: Settings) -> Iterator[Problem]:
    """Webhook ranges that are not public, wider than /16 when merged, or outside `loadBalancer.publicCidrs`."""
    hook = settings.delivery.hook if settings.delivery else None
    if hook is None:
        return
    key = f"{PROJECT}:delivery.hook.cidrs"
    yield from _listed_problems(key, hook.cidrs, whom="your Git provider", private="webhooks come from the internet")
    public = list(ipaddress.collapse_addresses(map(ipaddress.IPv4Network, settings.load_balancer.public_cidrs)))
    for cidr in hook.cidrs:
        if not any(ipaddress.IPv4Network(cidr).subnet_of(allowed) for allowed in public):
            yield Problem(key, cidr, "ranges within loadBalancer.publicCidrs: the load balancer blocks all others")


def regional_problems(settings: Settings) -> Iterator[Problem]:
    """A certificate, web ACL or secret of another region or account than what uses it, a key of another region."""
    load_balancer, key_arn = settings.load_balancer, settings.cluster.volume_key_arn
    if key_arn and key_arn.split(":")[3] != settings.region:
        yield Problem(
            f"{PROJECT}:cluster.volumeKeyArn",
            key_arn,
            f"a KMS key of the region {settings.region}: EBS accepts no other",
        )
    for key, kind, user, arn in (
        ("cluster.dockerHubSecretArn", "secret", "ECR", settings.cluster.docker_hub_secret_arn),
        ("loadBalancer.certificateArn", "certificate", "a load balancer", load_balancer.certificate_arn),
        ("loadBalancer.webAclArn", "web ACL", "a load balancer", load_balancer.web_acl_arn),
    ):
        if arn is None:
            continue
        region, account = arn.split(":")[3:5]
        if (region, account) != (settings.region, settings.account_id):
            yield Problem(
                f"{PROJECT}:{key}",
                arn,
                f"a {kind} of the region {settings.region} and the account {settings.account_id}: {user} "
                "accepts no other",
            )


def _endpoint_problems(settings: Settings) -> Iterator[Problem]:
    yield from _listed_problems(
        f"{PROJECT}:cluster.publicAccessCidrs",
        settings.cluster.public_access_cidrs,
        whom="your offices and CI",
        private="access from inside the VPC needs no entry",
    )


def _listed_problems(key: str, cidrs: Sequence[str], *, whom: str, private: str) -> Iterator[Problem]:
    """Ranges that are too wide or not public; `whom` and `private` complete the messages."""
    listed = [ipaddress.IPv4Network(cidr) for cidr in cidrs]
    # Merged, so that 0.0.0.0/1 and 128.0.0.0/1 together are still the world.
    wide = [merged for merged in ipaddress.collapse_addresses(listed) if merged.prefixlen < SHORTEST_PREFIX]
    for cidr in listed:
        if any(cidr.subnet_of(merged) for merged in wide):
            yield Problem(
                key,
                str(cidr),
                f"the addresses of {whom}: ranges that are /{SHORTEST_PREFIX} or smaller, also when merged",
            )
        elif any(cidr.overlaps(reserved) for reserved in RESERVED):
            yield Problem(key, str(cidr), f"public addresses; {private}")


def _role_problems(settings: Settings) -> Iterator[Problem]:
    cluster = settings.cluster
    lists = {
        "adminRoleArns": cluster.admin_role_arns,
        "deployerRoleArns": cluster.deployer_role_arns,
        "readerRoleArns": cluster.reader_role_arns,
    }
    list_of: dict[str, str] = {}
    for key, arns in lists.items():
        for arn in arns:
            if arn in list_of:
                yield Problem(f"{PROJECT}:cluster.{key}", arn, f"a role in one list only: it is in {list_of[arn]}")
            list_of.setdefault(arn, key)
