"""Checks of what lies around the account: the way to the Kubernetes API, DNS, the certificate, the state backend."""

from __future__ import annotations

import ipaddress
import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

import config
from rehearsal import toolchain
from tools.findings import Finding, look, ok, stop
from tools.preflight.session import Aws

WHAT_IS_MY_ADDRESS = "https://checkip.amazonaws.com"
"""AWS's page with the address that a request comes from."""


def kubernetes_api(aws: Aws, settings: config.Settings, stack: str) -> Iterator[Finding]:
    """Whether `pulumi up`, run from here, reaches the cluster's Kubernetes API.

    A private endpoint is reached from inside the VPC, or a network that is connected with it.
    https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html
    """
    subject = "Kubernetes API"
    if cluster := aws.cluster(stack):
        host = str(cluster["endpoint"]).removeprefix("https://")
        if _connects(host):
            yield ok(subject, f"{host} answers")
        else:
            yield stop(subject, f"{host} cannot be reached from here", "add this address to cluster.publicAccessCidrs")
        return
    if not settings.cluster.public_access_cidrs:
        yield stop(
            subject,
            "cluster.publicAccessCidrs is empty, so that only the VPC reaches it, which does not exist yet",
            "list the addresses of this machine and of CI; a later `up` from inside the VPC can empty the list",
        )
        return
    address, listed = own_address(), map(ipaddress.IPv4Network, settings.cluster.public_access_cidrs)
    if address is None:
        yield look(subject, f"{WHAT_IS_MY_ADDRESS} does not answer", "compare your address with publicAccessCidrs")
    elif any(address in cidr for cidr in listed):
        yield ok(subject, f"{address} is in cluster.publicAccessCidrs")
    else:
        yield stop(
            subject,
            f"{address}, this machine, is not in cluster.publicAccessCidrs",
            f"add {address}/32, or run `pulumi up` where an address of the list is",
        )


def own_address() -> ipaddress.IPv4Address | None:
    """The address that requests to AWS come from; None if it cannot be told."""
    try:
        with urllib.request.urlopen(WHAT_IS_MY_ADDRESS, timeout=5) as answer:
            return ipaddress.IPv4Address(answer.read(64).decode().strip())
    except (urllib.error.URLError, TimeoutError, ValueError):
        return None


def dns(aws: Aws, settings: config.Settings) -> Iterator[Finding]:
    """Whether the Route 53 zone is the one of the domain, and the world asks it."""
    wanted = settings.dns
    if wanted.zone_id is None:
        yield look("DNS zone", "no dns.zoneId", "enter the output `records` at your provider after each change of it")
        return
    try:
        zone = aws.client("route53").get_hosted_zone(Id=wanted.zone_id)
    except ClientError as error:
        yield stop("DNS zone", f"{wanted.zone_id}: {error}", "correct dns.zoneId")
        return
    name = zone["HostedZone"]["Name"].rstrip(".")
    if name != wanted.zone:
        yield stop("DNS zone", f"{wanted.zone_id} is the zone {name}, dns.zone is {wanted.zone}", "correct one of them")
    elif zone["HostedZone"].get("Config", {}).get("PrivateZone"):
        yield stop("DNS zone", f"{name} is a private zone", "name the public one: certificates are validated in it")
    else:
        servers = ", ".join(sorted(zone.get("DelegationSet", {}).get("NameServers", [])))
        yield look("DNS zone", f"{name} of {wanted.zone_id}", f"see that the domain's registrar names {servers}")


def certificate(aws: Aws, settings: config.Settings) -> Iterator[Finding]:
    """Whether a configured certificate is issued, and holds for every host."""
    arn = settings.load_balancer.certificate_arn
    if arn is None:
        return
    try:
        known = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        yield stop("certificate", str(error), "correct loadBalancer.certificateArn, or leave it out")
        return
    names = {known["DomainName"], *known.get("SubjectAlternativeNames", [])}
    missing = [host for host in settings.hosts.values() if not {host, f"*.{host.partition('.')[2]}"} & names]
    if known["Status"] != "ISSUED":
        yield stop("certificate", f"is {known['Status']}, not ISSUED", "validate it first, or leave certificateArn out")
    elif missing:
        yield stop("certificate", f"does not hold for {', '.join(missing)}", f"take one for {settings.domain} and *.")
    else:
        yield ok("certificate", f"holds for every host until {known.get('NotAfter', 'an unknown day')}")


def pulumi_cli(stack: str) -> Iterator[Finding]:
    """Whether the engine fits the SDK, is logged in to a backend that a team can share, and the stack is there."""
    program, wanted = shutil.which("pulumi"), version("pulumi")
    if program is None:
        yield stop("pulumi", "not on PATH", f"install {wanted}: https://www.pulumi.com/docs/iac/download-install/")
        return
    found = _output(program, "version").removeprefix("v")
    if toolchain.fits(found, wanted):
        yield ok("pulumi", found)
    else:
        yield stop("pulumi", f"{found or 'does not run'}, requirements.txt has {wanted}", f"install {wanted}")
    try:
        url = str(json.loads(_output(program, "whoami", "--json")).get("url", ""))
    except ValueError:
        yield stop("state backend", "pulumi is not logged in", "python -m tools.state_backend makes one and says how")
        return
    if url.startswith("file:"):
        remedy = "python -m tools.state_backend makes one that a team can share"
        yield look("state backend", f"{url}: this machine only", remedy)
    else:
        yield ok("state backend", url)
    stacks = json.loads(_output(program, "stack", "ls", "--json") or "[]")
    own = [one for one in stacks if str(one["name"]).rpartition("/")[2] == stack]
    if not own:
        yield stop("stack", f"{stack} does not exist in this backend", f"pulumi stack init {stack}, as docs say")
        return
    if own[0].get("updateInProgress"):
        yield stop("stack", f"{stack} is locked by an update", "wait for it; if it was killed, `pulumi cancel`")
    else:
        yield ok("stack", stack)
    run = _run(program, "config", "--stack", stack, "--show-secrets", "--json")
    if run.returncode == 0:
        yield ok("secrets", "can be decrypted")
    else:
        reason = (run.stderr.strip().splitlines() or ["pulumi does not say why"])[-1]
        remedy = "log in as who may use the key of the stack's secrets, or set PULUMI_CONFIG_PASSPHRASE to theirs"
        yield stop("secrets", reason.removeprefix("error: "), remedy)


def _output(program: str, *arguments: str) -> str:
    """What a command of pulumi prints; empty if it fails."""
    run = _run(program, *arguments)
    return run.stdout.strip() if run.returncode == 0 else ""


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, "--non-interactive", *arguments], capture_output=True, text=True, check=False)


def _connects(host: str) -> bool:
    try:
        socket.create_connection((host, 443), timeout=5).close()
    except OSError:
        return False
    return True


UNANSWERED = (ClientError, BotoCoreError)
"""Errors of an AWS API that does not answer, or refuses."""
