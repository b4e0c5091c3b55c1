"""The programs of a control plane: their command lines, the ports they take, what shows that they are ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rehearsal.certificates import Certificates
from rehearsal.layout import Layout
from rehearsal.network.enter import search_path
from rehearsal.network.namespace import OWN_ADDRESS
from rehearsal.ports import LOOPBACK, Ports
from rehearsal.processes import Program, of_module
from rehearsal.readiness import Probe
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

CUSTOM_KINDS = "Logs,ClusterResourceUsage"
"""What KWOK is told by objects in the cluster: where the logs of pods are, and what pods use."""

NODE_LEASE_SECONDS = 40
"""As kubelets have it by default (`nodeLeaseDurationSeconds`)."""

RELAY = "relay"
"""Name of the program that leads into the rehearsal's network."""

_CLIENTS = ("controller-manager", "scheduler", "kwok", "kube-proxy", "kubelet")


@dataclass(frozen=True)
class Component:
    """A program of a control plane.

    Attributes:
        program: What is started.
        ports: Ports of loopback that it listens on, and is reached by from this machine.
        probes: What has to be answered before the next one is started.
    """

    program: Program
    ports: Sequence[int] = ()
    probes: Sequence[Probe] = ()


@dataclass(frozen=True)
class ControlPlane:
    """What the command lines are made from.

    Attributes:
        namespace: Id of the process in whose network namespace the programs run, or None for this machine's network.
    """

    layout: Layout
    toolchain: Toolchain
    certificates: Certificates
    ports: Ports
    namespace: int | None

    @property
    def stages(self) -> Path:
        """What kwok does with nodes and pods."""
        return self.layout.control_plane / "stages"

    def write_kubeconfigs(self) -> None:
        """Writes the administrator's kubeconfig, and those of the programs that call the API server."""
        files = {"admin": self.layout.kubeconfig, **{client: self._kubeconfig(client) for client in _CLIENTS}}
        cluster, server = f"rehearsal-{self.layout.directory.name}", f"https://{LOOPBACK}:{self.ports.api_server}"
        for client, file in files.items():
            self.certificates.write_kubeconfig(file, client=client, cluster=cluster, server=server)

    def kubernetes(self) -> list[Component]:
        """What Kubernetes runs, each after those that it calls."""
        return [self.etcd(), self.api_server(), self.controller_manager(), self.scheduler(), self.kwok()]

    def etcd(self) -> Component:
        """The database. It does not wait for the disk: a power cut may cost a rehearsal, nothing else does."""
        client, peer = (f"https://{LOOPBACK}:{port}" for port in (self.ports.etcd, self.ports.etcd_peer))
        trust = {
            "client-cert-auth": "true",
            "trusted-ca-file": self.certificates.authority,
            "cert-file": self.certificates.of("etcd").certificate,
            "key-file": self.certificates.of("etcd").key,
        }
        flags = {
            "name": "default",
            "data-dir": self.layout.control_plane / "etcd",
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            **trust,
            **{f"peer-{flag}": value for flag, value in trust.items()},
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }
        made = self._component("etcd", flags, self.ports.etcd, ready="/health", asked_as="etcd")
        return replace(made, ports=(self.ports.etcd, self.ports.etcd_peer))

    def api_server(self) -> Component:
        """The API server: Kubernetes' default admission plugins, Pod Security among them, and RBAC.

        In a network of the rehearsal's own, pods call it by the Service `kubernetes`. No loopback address may stand
        behind that one, and elsewhere no pod runs that could ask for it.
        """
        if self.namespace is None:
            place = {"bind-address": LOOPBACK, "advertise-address": LOOPBACK, "endpoint-reconciler-type": "none"}
        else:
            place = {"bind-address": EVERYWHERE, "advertise-address": OWN_ADDRESS}
        etcd, tokens, proxy = (self.certificates.of(one) for one in ("etcd", "service-account", "front-proxy"))
        flags = {
            **self._served_at(self.ports.api_server),
            **place,
            "client-ca-file": self.certificates.authority,
            "etcd-servers": f"https://{LOOPBACK}:{self.ports.etcd}",
            "etcd-cafile": self.certificates.authority,
            "etcd-certfile": etcd.certificate,
            "etcd-keyfile": etcd.key,
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction,PodSecurity",
            "allow-privileged": "true",
            "kubelet-preferred-address-types": "InternalIP",
            "service-cluster-ip-range": SERVICE_CIDR,
            # How it calls metrics-server, for whoever asked.
            # https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
            "requestheader-client-ca-file": self.certificates.authority,
            "requestheader-allowed-names": "front-proxy-client",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-username-headers": "X-Remote-User",
            "proxy-client-cert-file": proxy.certificate,
            "proxy-client-key-file": proxy.key,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": tokens.key,
            "service-account-signing-key-file": tokens.key,
        }
        return self._component("kube-apiserver", flags, self.ports.api_server, ready="/readyz")

    def controller_manager(self) -> Component:
        """All controllers that run by default, each under its own service account and its own rights."""
        flags = {
            **self._served_at(self.ports.controller_manager),
            "kubeconfig": self._kubeconfig("controller-manager"),
            "use-service-account-credentials": "true",
            "service-account-private-key-file": self.certificates.of("service-account").key,
            "root-ca-file": self.certificates.authority,
            "leader-elect": "false",
        }
        made = self._component("kube-controller-manager", flags, self.ports.controller_manager, ready="/healthz")
        # The first thing in a new cluster that only a controller makes, and without which no pod is admitted.
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        at_work = Probe("the controllers' first work", self.ports.api_server, account, "admin")
        return replace(made, probes=(*made.probes, at_work))

    def scheduler(self) -> Component:
        """The scheduler with its default profile."""
        flags = {
            **self._served_at(self.ports.scheduler),
            "kubeconfig": self._kubeconfig("scheduler"),
            "leader-elect": "false",
        }
        return self._component("kube-scheduler", flags, self.ports.scheduler, ready="/readyz")

    def kwok(self) -> Component:
        """The kubelets of all nodes, but for pods whose containers run; it shows the logs of those."""
        server, port = self.certificates.of("server"), self.ports.kwok
        flags = {
            "kubeconfig": self._kubeconfig("kwok"),
            "manage-all-nodes": "true",
            "node-lease-duration-seconds": NODE_LEASE_SECONDS,
            "cidr": POD_CIDR,
            # The API server asks nodes for logs, at their own addresses.
            "server-address": f"{LOOPBACK if self.namespace is None else EVERYWHERE}:{port}",
            **({} if self.namespace is None else {"enable-crds": CUSTOM_KINDS, "node-port": port}),
            "tls-cert-file": server.certificate,
            "tls-private-key-file": server.key,
        }
        made = self._component("kwok", flags, port, ready="/healthz", executable=self.toolchain.kwok)
        command = (*made.program.command, *(f"--config={stage}" for stage in sorted(self.stages.glob("*.yaml"))))
        return replace(made, program=replace(made.program, command=command))

    def kube_proxy(self) -> Component:
        """What leads each Service's addresses and ports to its pods: one for all nodes, as they share one network.

        It belongs to no node, so that no zone's pods are preferred and no node's end is its own. It looks for its node
        for 30 s before it begins (k8s.io/kubernetes, pkg/proxy/node.go), so nobody waits for it here; what was set up
        before stays in force.
        """
        flags = {
            "kubeconfig": self._kubeconfig("kube-proxy"),
            "proxy-mode": "nftables",
            "hostname-override": "every-node",
            # Every address is local here, nodes' among them; the default is the one of its own node, if it has one.
            "nodeport-addresses": "0.0.0.0/0",
            "healthz-bind-address": f"{LOOPBACK}:{self.ports.kube_proxy}",
            # Limits of the machine's whole connection table, which are not this network's to set.
            "conntrack-max-per-core": 0,
            "conntrack-tcp-timeout-established": "0s",
            "conntrack-tcp-timeout-close-wait": "0s",
        }
        made = self._component("kube-proxy", flags, self.ports.kube_proxy, ready="/livez")
        return replace(made, program=replace(made.program, environment={"PATH": search_path()}), probes=())

    def relay(self, reached: Sequence[int]) -> Component:
        """What brings this machine's connections to the programs that run in a namespace, by the ports they have."""
        program = of_module(self.layout, RELAY, "rehearsal.network.relay", namespace=self.namespace)
        return Component(replace(program, host_ports=tuple(reached)))

    def _kubeconfig(self, client: str) -> Path:
        return self.layout.control_plane / f"{client}.kubeconfig"

    def _served_at(self, port: int) -> dict[str, object]:
        server = self.certificates.of("server")
        return {
            "bind-address": LOOPBACK,
            "secure-port": port,
            "tls-cert-file": server.certificate,
            "tls-private-key-file": server.key,
            "profiling": "false",
        }

    def _component(
        self,
        name: str,
        flags: Mapping[str, object],
        port: int,
        *,
        ready: str,
        asked_as: str = "admin",
        executable: Path | None = None,
    ) -> Component:
        """A program, one of Kubernetes' unless another is named, that answers a path at its port once it is ready."""
        program = executable or self.toolchain.kubernetes_program(name)
        command = (str(program), *(f"--{flag}={value}" for flag, value in flags.items()))
        started = Program(name, command, self.layout.logs / f"{name}.log", {}, self.namespace)
        return Component(started, (port,), (Probe(name, port, ready, asked_as),))
