"""`python -m rehearsal.aws.endpoint`: AWS as seen by pods: the VPC's DNS resolver, TLS endpoints, Pod Identity agent.

Controllers so run with their production arguments and variables. A pod reaches the API only while its node's subnet has
a route to it. The pod simulator listens on the same ports of all addresses, so both set SO_REUSEPORT (socket(7)); the
kernel prefers the socket bound to the specific address, which is the one here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any, cast

from dnslib import QTYPE, RCODE, RR, A, DNSRecord  # pyright: ignore[reportMissingTypeStubs]
from dnslib.server import BaseResolver, DNSHandler, DNSServer  # pyright: ignore[reportMissingTypeStubs]
from werkzeug.serving import make_server

from kube.client import KubernetesApi
from rehearsal import aws, certificates, ports
from rehearsal.aws import pod_identity
from rehearsal.aws.reach import Network
from rehearsal.kubelet.files import VPC_RESOLVER
from rehearsal.layout import Layout
from rehearsal.network.relay import copy
from rehearsal.ports import LOOPBACK

ADDRESS = "198.18.0.3"
"""IP address of all of AWS's host names."""

DOMAIN = "amazonaws.com"

TTL_SECONDS = 30
"""TTL of the resolver's answers."""

POLL_SECONDS = 0.5
"""Interval at which open connections are checked against the account's routes."""


class Resolver(BaseResolver):
    """The VPC's DNS resolver, for names under `amazonaws.com` only."""

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:  # noqa: ARG002 - dnslib's signature
        """`ADDRESS` for AWS's names, NXDOMAIN for all others."""
        reply: Any = cast("Any", request).reply()
        name = str(cast("Any", request).q.qname).rstrip(".").lower()
        if not name.endswith(f".{DOMAIN}"):
            reply.header.rcode = getattr(RCODE, "NXDOMAIN")  # noqa: B009 - dnslib makes its names at run time
        elif cast("Any", request).q.qtype == getattr(QTYPE, "A"):  # noqa: B009 - likewise
            reply.add_answer(RR(name, getattr(QTYPE, "A"), rdata=A(ADDRESS), ttl=TTL_SECONDS))  # noqa: B009 - likewise
        return reply


@dataclass
class Reachability:
    """Reachability of AWS's API by the current state of the account and the cluster."""

    layout: Layout
    api: KubernetesApi
    _network: Network = field(default_factory=Network)
    _network_of: tuple[str, int] = ("", -1)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def version(self) -> int:
        """Size of the account's journal in bytes; it changes with each request that may change the account."""
        return self.layout.aws_journal.stat().st_size

    def allows(self, address: str, service: str) -> bool:
        """Whether a pod's or node's IP address reaches a service's API. Blocks for some milliseconds."""
        place = self._place(address)
        return place is not None and self._current_network(place[0]).reaches_aws(place[1], service)

    def _place(self, address: str) -> tuple[str, str] | None:
        """Zone and id of the instance that has an IP address, or runs the pod that has it."""
        pods = self.api.list("v1", "Pod", field_selector=f"status.podIP={address}")
        names = [pod["spec"].get("nodeName") for pod in pods]
        for node in self.api.list("v1", "Node"):
            addresses = {entry["address"] for entry in node.get("status", {}).get("addresses", ())}
            if node["metadata"]["name"] in names or address in addresses:
                zone, instance = str(node["spec"]["providerID"]).split("/")[-2:]
                return zone, instance
        return None

    def _current_network(self, zone: str) -> Network:
        with self._lock:
            current = (aws.region_of(zone), self.version)
            if current != self._network_of:
                self._network = Network.describe(aws.client(self.layout, "ec2", region=current[0]))
                self._network_of = current
            return self._network


async def serve(reachability: Reachability, context: ssl.SSLContext, port: int) -> None:
    """Terminates TLS for all of AWS's endpoints, and forwards to the account's API on a port of loopback.

    Does not return. `reachability` decides which connections are forwarded; `context` has the endpoints' certificate.
    """
    hosts: dict[int, str] = {}
    context.sni_callback = lambda one, name, _context: hosts.__setitem__(id(one), name or "")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownArgumentType, reportUnknownMemberType]

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = str(writer.get_extra_info("peername")[0])
        host = hosts.pop(id(writer.get_extra_info("ssl_object")), "")
        service = host.removesuffix(f".{DOMAIN}").split(".")[0]
        try:
            version = reachability.version
            if not await asyncio.to_thread(reachability.allows, caller, service):
                print(f"{caller} has no route to {host}", flush=True)
                return
            upstream_reader, upstream_writer = await asyncio.open_connection(LOOPBACK, port)
            tasks = [
                asyncio.create_task(copy(reader, upstream_writer)),
                asyncio.create_task(copy(upstream_reader, writer)),
                asyncio.create_task(_until_unreachable(reachability, caller, service, version)),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                upstream_writer.close()
        except OSError as error:
            print(f"{caller} to {host}: {error}", flush=True)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(connected, ADDRESS, 443, ssl=context, reuse_port=True)
    await server.serve_forever()


async def _until_unreachable(reachability: Reachability, caller: str, service: str, version: int) -> None:
    """Returns once the caller no longer reaches the service; it did at the account's given version."""
    while True:
        current = reachability.version
        if current != version and not await asyncio.to_thread(reachability.allows, caller, service):
            return
        version = current
        await asyncio.sleep(POLL_SECONDS)


def main(layout: Layout) -> None:
    """Serves resolver, Pod Identity agent and endpoints in the rehearsal's network."""
    region = aws.region(layout)
    api = KubernetesApi(layout.kubeconfig)
    for tcp in (False, True):
        DNSServer(Resolver(), port=53, address=VPC_RESOLVER, tcp=tcp).start_thread()
    agent = pod_identity.application(lambda token: pod_identity.credentials(layout, api, token, region=region))
    listener = socket.create_server((pod_identity.ADDRESS, 80), backlog=128, reuse_port=True)
    server = make_server(pod_identity.ADDRESS, 80, agent, threaded=True, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pair = certificates.ensure(layout.control_plane / "pki").of("aws")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    while not layout.aws_journal.exists():
        time.sleep(POLL_SECONDS)
    port = ports.ensure(layout.control_plane / "ports.json").aws
    asyncio.run(serve(Reachability(layout, api), context, port))


if __name__ == "__main__":
    main(Layout.of_environment())
