"""The command lines of a control plane's programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.certificates import Certificates
from rehearsal.layout import CHECKOUT
from rehearsal.network.enter import search_path
from rehearsal.network.namespace import OWN_ADDRESS
from rehearsal.ports import LOOPBACK, Ports
from rehearsal.processes import Program
from rehearsal.toolchain import Toolchain

SERVICE_CIDR = "172.20.0.0/16"
"""EKS's own choice beside a VPC in 10.0.0.0/8.

https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
"""

POD_CIDR = "100.64.0.0/16"
"""Addresses of pods: in the range that EKS has for pods beside the VPC's own, where no node or Service has any.

https://docs.aws.amazon.com/eks/latest/best-practices/custom-networking.html
"""

RUNNING_POD_CIDR = "100.65.0.0/16"
"""Addresses of pods whose containers run, which KWOK has nothing to do with."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - in a namespace, where nobody else is

STAGES = CHECKOUT / "rehearsal" / "stages"
"""What KWOK plays besides kubelets."""

NODE_LEASE_SECONDS = 40
"""As kubelets have it by default (`nodeLeaseDurationSeconds`)."""


@dataclass(frozen=True)
class ControlPlane:
    """What the command lines are made from.

    Attributes:
        directory: Where the programs keep their data.
        logs: Where their log files go.
        toolchain: Where their executables are.
        certificates: Whom they are, and whom they trust.
        ports: Where they listen.
        namespace: Id of the process in whose network namespace they run, or None for this machine's network.
    """

    directory: Path
    logs: Path
    toolchain: Toolchain
    certificates: Certificates
    ports: Ports
    namespace: int | None = None

    @property
    def api_server_url(self) -> str:
        """The API server's URL."""
        return f"https://{LOOPBACK}:{self.ports.api_server}"

    def kubeconfig_of(self, client: str) -> Path:
        """The kubeconfig of one of the programs that call the API server."""
        return self.directory / f"{client}.kubeconfig"

    @property
    def stages(self) -> Path:
        """What kwok does with nodes and pods."""
        return self.directory / "stages"

    def etcd(self) -> Program:
        """The database. It does not wait for the disk: a power cut may cost a rehearsal, nothing else does."""
        pair, authority = self.certificates.of("etcd"), str(self.certificates.authority)
        client_url = f"https://{LOOPBACK}:{self.ports.etcd}"
        peer_url = f"https://{LOOPBACK}:{self.ports.etcd_peer}"
        return self._program(
            "etcd",
            {
                "name": "default",
                "data-dir": str(self.directory / "etcd"),
                "listen-client-urls": client_url,
                "advertise-client-urls": client_url,
                "listen-peer-urls": peer_url,
                "initial-advertise-peer-urls": peer_url,
                "initial-cluster": f"default={peer_url}",
                "client-cert-auth": "true",
                "trusted-ca-file": authority,
                "cert-file": str(pair.certificate),
                "key-file": str(pair.key),
                "peer-client-cert-auth": "true",
                "peer-trusted-ca-file": authority,
                "peer-cert-file": str(pair.certificate),
                "peer-key-file": str(pair.key),
                "unsafe-no-fsync": "true",
                "log-level": "warn",
            },
        )

    def api_server(self) -> Program:
        """The API server: Kubernetes' default admission plugins, Pod Security among them, and RBAC.

        In a network of the rehearsal's own, pods call it by the Service `kubernetes`. No loopback address may stand
        behind that one, and elsewhere no pod runs that could ask for it.
        """
        if self.namespace is None:
            place = {"bind-address": LOOPBACK, "advertise-address": LOOPBACK, "endpoint-reconciler-type": "none"}
        else:
            place = {"bind-address": EVERYWHERE, "advertise-address": OWN_ADDRESS}
        server, etcd = self.certificates.of("server"), self.certificates.of("etcd")
        return self._program(
            "kube-apiserver",
            {
                **place,
                "secure-port": str(self.ports.api_server),
                "tls-cert-file": str(server.certificate),
                "tls-private-key-file": str(server.key),
                "client-ca-file": str(self.certificates.authority),
                "etcd-servers": f"https://{LOOPBACK}:{self.ports.etcd}",
                "etcd-cafile": str(self.certificates.authority),
                "etcd-certfile": str(etcd.certificate),
                "etcd-keyfile": str(etcd.key),
                "authorization-mode": "Node,RBAC",
                "enable-admission-plugins": "NodeRestriction,PodSecurity",
                "allow-privileged": "true",
                "kubelet-preferred-address-types": "InternalIP",
                "service-cluster-ip-range": SERVICE_CIDR,
                "service-account-issuer": "https://kubernetes.default.svc",
                "service-account-key-file": str(self.certificates.service_account_public_key),
                "service-account-signing-key-file": str(self.certificates.service_account_key),
                "profiling": "false",
            },
        )

    def controller_manager(self) -> Program:
        """All controllers that run by default, each under its own service account and its own rights."""
        return self._program(
            "kube-controller-manager",
            {
                **self._serving(self.ports.controller_manager),
                "kubeconfig": str(self.kubeconfig_of("controller-manager")),
                "use-service-account-credentials": "true",
                "service-account-private-key-file": str(self.certificates.service_account_key),
                "root-ca-file": str(self.certificates.authority),
                "leader-elect": "false",
                "profiling": "false",
            },
        )

    def scheduler(self) -> Program:
        """The scheduler with its default profile."""
        return self._program(
            "kube-scheduler",
            {
                **self._serving(self.ports.scheduler),
                "kubeconfig": str(self.kubeconfig_of("scheduler")),
                "leader-elect": "false",
                "profiling": "false",
            },
        )

    def kwok(self) -> Program:
        """The kubelets of all nodes, but for pods whose containers run; it shows the logs of those."""
        stages = [*sorted(self.stages.glob("*.yaml")), *sorted(STAGES.glob("*.yaml"))]
        pair = self.certificates.of("server")
        program = _command(
            self.toolchain.kwok,
            {
                "kubeconfig": str(self.kubeconfig_of("kwok")),
                "manage-all-nodes": "true",
                "node-lease-duration-seconds": str(NODE_LEASE_SECONDS),
                "cidr": POD_CIDR,
                # The API server asks nodes for logs, at their own addresses.
                "server-address": f"{LOOPBACK if self.namespace is None else EVERYWHERE}:{self.ports.kwok}",
                **({} if self.namespace is None else {"enable-crds": "Logs", "node-port": str(self.ports.kwok)}),
                "tls-cert-file": str(pair.certificate),
                "tls-private-key-file": str(pair.key),
            },
        )
        command = (*program, *(f"--config={stage}" for stage in stages))
        return Program("kwok", command, self.logs / "kwok.log", {}, self.namespace)

    def kube_proxy(self) -> Program:
        """What leads each Service's addresses and ports to its pods: one for all nodes, as they share one network.

        It belongs to no node, so that no zone's pods are preferred and no node's end is its own. It looks for its node
        for 30 s before it begins (k8s.io/kubernetes, pkg/proxy/node.go); what was set up before stays in force.
        """
        program = _command(
            self.toolchain.kubernetes_program("kube-proxy"),
            {
                "kubeconfig": str(self.kubeconfig_of("kube-proxy")),
                "proxy-mode": "nftables",
                "hostname-override": "every-node",
                # Every address is local here, nodes' among them; the default is the one of its own node, if it has one.
                "nodeport-addresses": "0.0.0.0/0",
                "healthz-bind-address": f"{LOOPBACK}:{self.ports.kube_proxy}",
                # Limits of the machine's whole connection table, which are not this network's to set.
                "conntrack-max-per-core": "0",
                "conntrack-tcp-timeout-established": "0s",
                "conntrack-tcp-timeout-close-wait": "0s",
            },
        )
        return Program("kube-proxy", program, self.logs / "kube-proxy.log", {"PATH": search_path()}, self.namespace)

    def relay(self) -> Program:
        """What brings this machine's connections to the programs that run in a namespace."""
        at = self.ports
        reached = (at.etcd, at.api_server, at.controller_manager, at.scheduler, at.kwok, at.kube_proxy, at.aws)
        module = (sys.executable, "-m", "rehearsal.network.relay")
        variables = {"PYTHONPATH": str(CHECKOUT)}
        return Program("relay", module, self.logs / "relay.log", variables, self.namespace, host_ports=reached)

    def _serving(self, port: int) -> dict[str, str]:
        pair = self.certificates.of("server")
        return {
            "bind-address": LOOPBACK,
            "secure-port": str(port),
            "tls-cert-file": str(pair.certificate),
            "tls-private-key-file": str(pair.key),
        }

    def _program(self, name: str, flags: Mapping[str, str]) -> Program:
        command = _command(self.toolchain.kubernetes_program(name), flags)
        return Program(name, command, self.logs / f"{name}.log", {}, self.namespace)


def _command(executable: Path, flags: Mapping[str, str]) -> tuple[str, ...]:
    return (str(executable), *(f"--{flag}={value}" for flag, value in flags.items()))
