"""HAProxy's configuration, from the load balancers that ELBv2 describes; `RehearsalError` for what is not supported.

https://docs.haproxy.org/2.6/configuration.html
"""

from __future__ import annotations

import csv
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from math import gcd
from pathlib import Path

from rehearsal.front_door.conditions import OUTSIDE, STAFF, pattern, quoted
from rehearsal.front_door.elbv2 import TARGET_GROUP, Described, State, check, refuse
from rehearsal.front_door.load_balancers import LoadBalancer, Rule, Target, load_balancers, targets

SOCKET = "haproxy.sock"
LOG = "requests.sock"
"""Socket of the process that counts requests, in the front door's folder."""

STATES = "states"
"""Name of the server state file in the front door's folder, as `SOCKET`."""

LOCAL_DOMAIN = "hello.localhost"
"""Local name of the stack's domain. Browsers resolve every name under localhost to loopback: RFC 6761, 6.3."""

IDLE_SECONDS = 60
"""Default of the load balancer attribute `idle_timeout.timeout_seconds`.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
"""

_DEFAULTS = Path(__file__).with_name("defaults.cfg").read_text()

_CHECKER = "ELB-HealthChecker/2.0"

_POOLED = "pool-max-conn -1 pool-purge-delay 60s"
"""Server options: idle connections to targets are kept and shared by all clients."""

_GONE_AFTER_SECONDS = 120
"""Seconds after which a replaced worker closes its connections, unless a deregistration delay is longer."""

_INCOMPATIBLE = {
    "HTTP1": "{ req.hdr(content-type) -m beg application/grpc }",
    "HTTP2": "!{ req.ver 2.0 }",
    "GRPC": "!{ req.ver 2.0 } or !{ method POST }",
}
"""Requests that get 464, by the protocol version of the target group.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-464-issues
"""

_TURNS = "rules:turns"
"""Stick table with a request counter for each rule that forwards to several target groups."""

_UNDECIDED = "!{ var(txn.group) -m found }"


def configuration(state: State, *, domain: str, staff: str, outside: str) -> str:
    """The text of a configuration file.

    The hosts of the stack's domain are served under `LOCAL_DOMAIN`, too. `staff` and `outside` are variables with the
    file descriptors of inherited listening sockets; requests to the latter get the source address `OUTSIDE`.
    """
    balancers = load_balancers(state)
    idle = {arn: _idle(one) for one in balancers for rule in one.rules for arn, _ in rule.shares}
    groups = {str(one["TargetGroupArn"]): one for one in state.target_groups if one["TargetGroupArn"] in idle}
    for arn in idle.keys() - groups.keys():
        refuse(f"Target group {arn}", "a rule leads to it, and it does not exist")
    names = {arn: str(one["TargetGroupName"]) for arn, one in groups.items()}
    delays = [int(one["Attributes"].get("deregistration_delay.timeout_seconds", 300)) for one in groups.values()]
    sections = [
        _defaults(max([IDLE_SECONDS, *map(_idle, balancers)]), max([_GONE_AFTER_SECONDS, *delays])),
        _frontend(domain, staff, outside) + _ways(balancers, names),
        [f"backend {_TURNS}", "  stick-table type string len 64 size 1k store gpc0"],
        *(_backend(one, targets(one, state), idle[arn]) for arn, one in sorted(groups.items())),
    ]
    return "\n".join("\n".join(section) + "\n" for section in sections)


def local(host: str, domain: str) -> str | None:
    """A host's name under `LOCAL_DOMAIN`; None if the host is not in the domain."""
    if host == domain:
        return LOCAL_DOMAIN
    return f"{host.removesuffix(f'.{domain}')}.{LOCAL_DOMAIN}" if host.endswith(f".{domain}") else None


def _idle(balancer: LoadBalancer) -> int:
    """Idle timeout in seconds."""
    return int(balancer.attributes.get("idle_timeout.timeout_seconds", IDLE_SECONDS))


def _defaults(idle: int, gone_after: int) -> list[str]:
    """Global settings and defaults."""
    settings = {"idle": idle, "gone_after": gone_after, "socket": SOCKET, "states": STATES, "log": LOG}
    return _DEFAULTS.format_map(settings).splitlines()


def _frontend(domain: str, staff: str, outside: str) -> list[str]:
    host = "http-request set-var(txn.host)"
    return [
        "frontend front-door",
        f'  bind "fd@${{{staff}}}"',
        f'  bind "fd@${{{outside}}}" name outside',
        f"  http-request set-src str({OUTSIDE}) if {{ so_name outside }}",
        f"  {host} req.hdr(host),host_only,lower",
        f"  {host} var(txn.host),regsub({LOCAL_DOMAIN}$,{domain}) if {{ var(txn.host) -m dom {LOCAL_DOMAIN} }}",
    ]


def _ways(balancers: Sequence[LoadBalancer], names: Mapping[str, str]) -> list[str]:
    """Lines that choose the load balancer by host, and the target group by rules."""
    lines: list[str] = []
    for one in balancers:
        lines += [f"  acl {one.name}:host var(txn.host) -m reg -- {quoted(pattern(name))}" for name in one.hosts]
        lines.append(f"  http-request set-var(txn.balancer) str({one.name}) if {one.name}:host")
    lines.append(_answer(404, "nobody answers for this host", "!{ var(txn.balancer) -m found }"))
    return [*lines, *(line for one in balancers for line in _way(one, names)), "  use_backend %[var(txn.group)]"]


def _way(balancer: LoadBalancer, names: Mapping[str, str]) -> list[str]:
    """Lines of one load balancer: security groups, headers, rules."""
    here = f"{{ var(txn.balancer) -m str {balancer.name} }}"
    # Without any inbound rule in its security groups, the staff is denied, too.
    lines = [f"  acl {balancer.name}:inbound src {cidr}" for cidr in (STAFF, *balancer.inbound) if balancer.inbound]
    lines.append(f"  http-request deny deny_status 403 if {here}{f' !{balancer.name}:inbound' if lines else ''}")
    if balancer.attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true":
        lines.append(f"  http-request del-header '[^-A-Za-z0-9]' -m reg if {here}")
    lines.append(f"  http-request set-header X-Forwarded-Proto https if {here}")
    lines.append(f"  http-request set-header X-Forwarded-Port {balancer.port} if {here}")
    for rule in balancer.rules:
        applies = " ".join([here, _UNDECIDED, *rule.conditions])
        if rule.action["Type"] == "forward":
            lines += _forward(rule, applies, names)
        else:
            fixed = rule.action["FixedResponseConfig"]
            text, kind = fixed.get("MessageBody") or "", fixed.get("ContentType") or "text/plain"
            lines.append(_answer(int(fixed["StatusCode"]), text, applies, kind))
    return lines


def _forward(rule: Rule, applies: str, names: Mapping[str, str]) -> list[str]:
    """Lines that choose a target group: of as many requests as the sum of weights, each gets exactly its weight."""
    shares = [(names[arn], weight) for arn, weight in rule.shares if weight]
    if not shares:
        return [_answer(503, "", applies)]
    if len(shares) == 1:
        return [f"  http-request set-var(txn.group) str({shares[0][0]}) if {applies}"]
    total, below = sum(weight for _, weight in shares), 0
    turn = f"sc_inc_gpc0(0),mod({total}),mul({_stride(total)}),mod({total})"
    lines = [
        f"  http-request track-sc0 str({rule.key}) table {_TURNS} if {applies}",
        f"  http-request set-var(txn.turn) {turn} if {applies}",
    ]
    for name, weight in shares:
        below += weight
        lines.append(
            f"  http-request set-var(txn.group) str({name}) if {applies} {{ var(txn.turn) -m int lt {below} }}"
        )
    return lines


def _stride(total: int) -> int:
    """A step near 0.618 of the sum of weights and coprime to it, which spreads the turns of a group evenly."""
    steps = (step for step in range(1, total) if gcd(step, total) == 1)
    return min(steps, key=lambda step: abs(step - 0.618 * total))


def _answer(status: int, text: str, applies: str, kind: str = "text/plain") -> str:
    body = f" content-type {kind} string {quoted(text)}" if text else ""
    return f"  http-request return status {status}{body} if {applies}"


def _backend(group: Described, found: Sequence[Target], idle: int) -> list[str]:
    name = str(group["TargetGroupName"])
    check(group, TARGET_GROUP, on=f"Target group {name}")
    path, interval = quoted(str(group["HealthCheckPath"])), group["HealthCheckIntervalSeconds"]
    rise, fall = group["HealthyThresholdCount"], group["UnhealthyThresholdCount"]
    version, expected = group["ProtocolVersion"], f"status {group['Matcher'].get('HttpCode')}"
    request, protocol = f"meth GET uri {path} ver HTTP/1.1", "" if version == "HTTP1" else "proto h2 check-proto h2"
    if (version == "GRPC") != ("GrpcCode" in group["Matcher"]):
        refuse(f"Target group {name}", f"{version} has {group['Matcher']}: gRPC codes are for GRPC alone")
    if version == "GRPC":
        request = f"meth POST uri {path} ver HTTP/2.0 hdr Content-Type application/grpc hdr TE trailers"
        expected = f"hdr name grpc-status value {group['Matcher']['GrpcCode']}"
    return [
        f"backend {name}",
        "  balance roundrobin",
        f"  timeout server {idle}s",
        f"  http-request return status 464 if {_INCOMPATIBLE[version]}",
        "  option httpchk",
        # The Host header of a health check is the target's address and port.
        f"  http-check send {request} hdr Host %si:%sp hdr User-Agent {_CHECKER}",
        f"  http-check expect {expected}",
        f"  timeout check {group['HealthCheckTimeoutSeconds']}s",
        f"  default-server inter {interval}s rise {rise} fall {fall} {_POOLED} {protocol}".rstrip(),
        # With no healthy target, a load balancer uses all of them: here the backup servers.
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
        "  option allbackups",
        *(line for one in found for line in _server(one, group)),
    ]


def _server(target: Target, group: Described) -> list[str]:
    place = f"{target.address}:{target.port}{' ssl verify none' if group['Protocol'] == 'HTTPS' else ''}"
    if not target.reachable:
        lost = "  # On AWS requests to it time out: no rule of its security groups lets the load balancer in."
        return [lost, f"  server {target.name} {place} disabled"]
    check = "check-ssl verify none" if group["HealthCheckProtocol"] == "HTTPS" else "no-check-ssl"
    return [f"  server {target.name} {place} check {check}", f"  server {target.name}:unhealthy {place} backup"]


def ask(folder: Path, command: str) -> str:
    """HAProxy's response to a command; empty if it does not run."""
    if not folder.exists():
        return ""
    # By file descriptor: the path may be too long for a Unix socket's address.
    number = os.open(folder, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(5)
            one.connect(f"/proc/self/fd/{number}/{SOCKET}")
            one.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: one.recv(65536), b"")).decode()
    except OSError:
        return ""
    finally:
        os.close(number)


def states(configuration: str, said: str) -> str:
    """A new worker's server state file: known targets keep their state, new ones need one good check.

    `said` is the old worker's response to `show servers state`.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """
    known = {tuple(line.split()[1:4:2]): line for line in said.splitlines() if line[:1].isdigit() and " " in line}
    return "\n".join(["1", *(known.get(key, line) for key, line in _initial(configuration)), ""])


def unhealthy(folder: Path) -> list[str]:
    """Targets that get no requests: `TARGET GROUP: TARGET: STATUS`, with the result of the last check."""
    rows = csv.DictReader(ask(folder, "show stat").removeprefix("# ").splitlines())
    return [
        " ".join(
            filter(None, (f"{row['pxname']}: {row['svname']}: {row['status']}", row["check_status"], row["last_chk"]))
        )
        for row in rows
        if row["svname"] not in {"FRONTEND", "BACKEND"} and not re.match("UP|no check", row["status"])
    ]


def _initial(configuration: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Each checked server's key (backend, name), and its state line: down, and up after one good check."""
    for section in configuration.split("\nbackend ")[1:]:
        group, rise = section.split(maxsplit=1)[0], re.search(r" rise (\d+) ", section)
        for name, address, port in re.findall(r"^  server (\S+) ([\d.]+):(\d+).* check", section, re.MULTILINE):
            good = int(rise[1]) - 1 if rise else 0
            yield (group, name), f"0 {group} 0 {name} {address} 0 0 1 1 0 1 0 {good} 6 0 0 0 - {port} - 0 0 - - 0"
