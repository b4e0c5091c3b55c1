"""HAProxy's configuration for what the load balancers would do.

https://docs.haproxy.org/2.6/configuration.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rehearsal.front_door.routes import EVERYBODY, IDLE_SECONDS, Host, Rule, TargetGroup

STAFF = "127.0.0.1"
"""Whoever calls from here is within the CIDRs of each class, and of each rule, that lists some."""

OUTSIDE = "127.0.0.2"
"""Whoever calls from here is not; nor is who comes by the port for that, since browsers cannot choose where from."""

LOCAL_DOMAIN = "hello.localhost"
"""Stands for the stack's domain. Browsers take every name under localhost for this machine: RFC 6761, 6.3."""

_CHECKER = "ELB-HealthChecker/2.0"

_POOLED = "pool-max-conn -1 pool-purge-delay 60s"
"""Connections to targets are kept for the next request, whoever sends it."""

_GONE_AFTER = "120s"
"""A worker that was replaced ends its last connections after this."""


@dataclass(frozen=True, kw_only=True)
class Sockets:
    """Names of variables with the file descriptor of a listening socket, which HAProxy inherits.

    Attributes:
        staff: Who comes by it, comes from where he says.
        outside: Who comes by it, is taken to come from `OUTSIDE`.
    """

    staff: str
    outside: str


def configuration(hosts: Sequence[Host], *, domain: str, sockets: Sockets) -> str:
    """The text of a configuration file.

    Args:
        hosts: What is served.
        domain: The stack's domain: each host in it is served under `LOCAL_DOMAIN`, too.
        sockets: Where HAProxy listens.
    """
    groups = {_name(rule.target): rule.target for host in hosts for rule in host.rules if rule.target}
    sections = [
        _defaults(max([IDLE_SECONDS, *(host.idle_seconds for host in hosts)])),
        _frontend(hosts, domain, sockets),
        _fixed("not-found", 404, "nobody answers for this host or path"),
        _fixed("no-service", 503, "Backend service does not exist"),
        *(_backend(name, group) for name, group in sorted(groups.items())),
    ]
    return "\n".join("\n".join(section) + "\n" for section in sections)


def local(host: str, domain: str) -> str | None:
    """A host's name on this machine; None where it is not of the domain."""
    if host == domain:
        return LOCAL_DOMAIN
    return f"{host.removesuffix(f'.{domain}')}.{LOCAL_DOMAIN}" if host.endswith(f".{domain}") else None


def _defaults(idle: int) -> list[str]:
    """A request that is lost must be seen: no second try anywhere."""
    return [
        "global",
        "  log stdout format raw local0",
        "  nbthread 1",
        f"  hard-stop-after {_GONE_AFTER}",
        "",
        "defaults",
        "  mode http",
        "  log global",
        "  option httplog",
        "  option dontlog-normal",
        "  retries 0",
        "  http-reuse always",
        # A worker that was replaced ends a client's connection with an answer, never between two requests.
        "  option idle-close-on-response",
        "  option forwardfor",
        "  timeout connect 10s",
        f"  timeout client {idle}s",
        f"  timeout http-keep-alive {idle}s",
        f"  timeout server {idle}s",
    ]


def _frontend(hosts: Sequence[Host], domain: str, sockets: Sockets) -> list[str]:
    lines = [
        "frontend front-door",
        f'  bind "fd@${{{sockets.staff}}}"',
        f'  bind "fd@${{{sockets.outside}}}" name outside',
        f"  http-request set-src str({OUTSIDE}) if {{ so_name outside }}",
        "  http-request set-var(txn.host) req.hdr(host),host_only,lower",
        "  http-request set-header X-Forwarded-Proto http",
    ]
    for host in hosts:
        if not set(host.inbound) & set(EVERYBODY):
            allowed = " ".join((STAFF, *host.inbound))
            lines.append(f"  http-request deny deny_status 403 if {_is_host(host, domain)} !{{ src {allowed} }}")
    for host in hosts:
        for rule in host.rules:
            name = _name(rule.target) if rule.target else "no-service"
            asking = f" {{ src {' '.join((STAFF, *rule.sources))} }}" if rule.sources else ""
            lines += [f"  use_backend {name} if {_is_host(host, domain)}{path}{asking}" for path in _paths(rule)]
    return [*lines, "  default_backend not-found"]


def _is_host(host: Host, domain: str) -> str:
    names = [host.name.lower(), *filter(None, [local(host.name.lower(), domain)])]
    return f"{{ var(txn.host) -m str {' '.join(names)} }}"


def _paths(rule: Rule) -> Iterable[str]:
    """A path's conditions, one of which holds: `/foo` as prefix is `/foo` and `/foo/…`, as the controller has it."""
    if rule.exact:
        return [f" {{ path -m str {rule.path} }}"]
    if rule.path == "/":
        return [""]
    return [f" {{ path -m str {rule.path} }}", f" {{ path -m beg {rule.path}/ }}"]


def _fixed(name: str, status: int, text: str) -> list[str]:
    return [f"backend {name}", f'  http-request return status {status} content-type text/plain string "{text}"']


def _backend(name: str, group: TargetGroup) -> list[str]:
    check = group.check
    lines = [
        f"backend {name}",
        "  balance roundrobin",
        f"  timeout server {group.idle_seconds}s",
        "  option httpchk",
        f"  http-check send meth GET uri {check.path} ver HTTP/1.1 hdr Host {group.service} hdr User-Agent {_CHECKER}",
        f"  http-check expect status {check.codes}",
        f"  timeout check {check.timeout}s",
        f"  default-server inter {check.interval}s rise {check.healthy} fall {check.unhealthy} {_POOLED}",
        # With no healthy target left a load balancer asks all of them: these stand for that.
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
        "  option allbackups",
    ]
    for node, address in group.nodes:
        place = f"{address}:{group.node_port}{' ssl verify none' if group.tls else ''}"
        lines.append(f"  server {node} {place} check{' check-ssl verify none' if check.tls else ' no-check-ssl'}")
        lines.append(f"  server {node}-unhealthy {place} backup")
    return lines


def _name(group: TargetGroup) -> str:
    return f"{group.namespace}:{group.service}:{group.port}"
