"""The programs of a control plane: command lines, ports, readiness probes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rehearsal import aws
from rehearsal.certificates import Certificates
from rehearsal.kubelet.images import BUILT
from rehearsal.layout import Layout
from rehearsal.network.enter import search_path, tool
from rehearsal.network.namespace import OWN_ADDRESS
from rehearsal.ports import LOOPBACK, Ports
from rehearsal.processes import Probe, Program, of_module
from rehearsal.toolchain import Toolchain

SERVICE_CIDR = "172.20.0.0/16"
"""Service addresses: EKS's default where the VPC is in 10.0.0.0/8.

https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
"""

POD_CIDR = "100.64.0.0/16"
"""Pod addresses, from the range (100.64.0.0/10) that EKS recommends for pods outside the VPC's main CIDR.

https://docs.aws.amazon.com/eks/latest/best-practices/custom-networking.html
"""

RUNNING_POD_CIDR = "100.65.0.0/16"
"""Addresses of pods whose containers run (`rehearsal/kubelet/`), not KWOK's."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - in a network namespace of its own

RELAY, KUBE_PROXY, KUBELET = "relay", "kube-proxy", "kubelet"
POD_SIMULATOR, AWS_ENDPOINT = "pod-simulator", "aws-endpoint"
"""Names of the programs that run in a network namespace only; the relay leads into it from this machine's loopback."""

ETCD, API_SERVER, CONTROLLER_MANAGER, AWS = "etcd", "kube-apiserver", "kube-controller-manager", "aws"

EVERY_NODE = "every-node"
"""Node name of kube-proxy."""

_CLIENTS = ("controller-manager", "scheduler", "kwok", "kube-proxy", "kubelet")


@dataclass(frozen=True)
class ControlPlane:
    """The command lines of a control plane."""

    layout: Layout
    toolchain: Toolchain
    certificates: Certificates
    ports: Ports
    namespace: int | None
    """Id of the process whose network namespace the programs run in, or None for this machine's network."""

    @property
    def stages(self) -> Path:
        """Folder of the KWOK stages."""
        return self.layout.control_plane / "stages"

    def write_kubeconfigs(self) -> None:
        """Writes the kubeconfigs of the administrator and of the API server's clients."""
        files = {"admin": self.layout.kubeconfig, **{client: self._kubeconfig(client) for client in _CLIENTS}}
        cluster, server = f"rehearsal-{self.layout.directory.name}", f"https://{LOOPBACK}:{self.ports.api_server}"
        for client, file in files.items():
            self.certificates.write_kubeconfig(file, client=client, cluster=cluster, server=server)

    def programs(self) -> list[Program]:
        """All programs, in the order of starting."""
        programs = [
            self.etcd(),
            self.aws(),
            replace(self.api_server(), after=(ETCD,)),
        ]
        clients = [
            self.controller_manager(),
            self.scheduler(),
            self.kwok(),
            of_module(self.layout, "volumes", "rehearsal.emulators.volumes", namespace=self.namespace),
        ]
        if self.namespace is not None:
            clients = [
                self.kube_proxy(),
                *clients,
                of_module(self.layout, POD_SIMULATOR, "rehearsal.pod_simulator", namespace=self.namespace),
                of_module(self.layout, AWS_ENDPOINT, "rehearsal.aws.endpoint", namespace=self.namespace),
                self.kubelet(),
            ]
        programs += [replace(one, after=(API_SERVER,)) for one in clients]
        if self.namespace is None:
            return programs
        relay = of_module(self.layout, RELAY, "rehearsal.network.relay", namespace=self.namespace)
        return [replace(relay, host_ports=tuple(port for one in programs for port in one.ports)), *programs]

    def etcd(self) -> Program:
        """etcd, without fsync for speed: only a crash of the machine can lose data."""
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
        etcd = self._program(ETCD, flags, self.ports.etcd, ready="/health", client="etcd")
        return replace(etcd, ports=(self.ports.etcd, self.ports.etcd_peer))

    def api_server(self) -> Program:
        """The API server: default admission plugins, NodeRestriction and RBAC.

        In a network namespace, pods call it by the Service `kubernetes`. Without one, it listens on loopback, which
        cannot be a Service's endpoint, and no pod runs.
        """
        if self.namespace is None:
            place = {"bind-address": LOOPBACK, "advertise-address": LOOPBACK, "endpoint-reconciler-type": "none"}
        else:
            place = {"bind-address": EVERYWHERE, "advertise-address": OWN_ADDRESS}
        etcd, tokens, proxy = map(self.certificates.of, ("etcd", "service-account", "front-proxy"))
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
            # The aggregation layer, for metrics-server.
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
        return self._program(API_SERVER, flags, self.ports.api_server, ready="/readyz")

    def controller_manager(self) -> Program:
        """The controller manager: the default controllers, each with its own service account."""
        flags = {
            **self._served_at(self.ports.controller_manager),
            "kubeconfig": self._kubeconfig("controller-manager"),
            "use-service-account-credentials": "true",
            "service-account-private-key-file": self.certificates.of("service-account").key,
            "root-ca-file": self.certificates.authority,
            "leader-elect": "false",
        }
        manager = self._program(CONTROLLER_MANAGER, flags, self.ports.controller_manager, ready="/healthz")
        # Created by a controller in a new cluster; without it no pod is admitted.
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        has_account = Probe("the default service account", self.ports.api_server, account, "admin")
        return replace(manager, probes=(*manager.probes, has_account))

    def scheduler(self) -> Program:
        """The scheduler, with its default profile."""
        flags = {
            **self._served_at(self.ports.scheduler),
            "kubeconfig": self._kubeconfig("scheduler"),
            "leader-elect": "false",
        }
        return self._program("kube-scheduler", flags, self.ports.scheduler, ready="/readyz")

    def kwok(self) -> Program:
        """KWOK for all nodes: stages of nodes and of pods that do not run, and the log endpoint of pods that do."""
        server, port = self.certificates.of("server"), self.ports.kwok
        flags = {
            "kubeconfig": self._kubeconfig("kwok"),
            "manage-all-nodes": "true",
            "node-lease-duration-seconds": 40,  # a kubelet's default
            "cidr": POD_CIDR,
            # The API server calls nodes' addresses for logs.
            "server-address": f"{LOOPBACK if self.namespace is None else EVERYWHERE}:{port}",
            **({} if self.namespace is None else {"enable-crds": "Logs,ClusterResourceUsage", "node-port": port}),
            "tls-cert-file": server.certificate,
            "tls-private-key-file": server.key,
        }
        kwok = self._program("kwok", flags, port, ready="/healthz", executable=self.toolchain.kwok)
        stages = (f"--config={stage}" for stage in sorted(self.stages.glob("*.yaml")))
        return replace(kwok, command=(*kwok.command, *stages))

    def aws(self) -> Program:
        """The AWS account's API."""
        variables = aws.settings(aws.account_id(self.layout))
        program = of_module(self.layout, AWS, "rehearsal.aws.server", namespace=self.namespace, variables=variables)
        healthy = Probe("the AWS API", self.ports.aws, aws.HEALTH, None)
        return replace(program, ports=(self.ports.aws,), probes=(healthy,))

    def kube_proxy(self) -> Program:
        """One kube-proxy for all nodes, which share one network.

        Its node name is no existing node's, so that it prefers no zone, and the deletion of a node does not affect it.
        """
        flags = {
            "kubeconfig": self._kubeconfig("kube-proxy"),
            "proxy-mode": "nftables",
            "hostname-override": EVERY_NODE,
            # All nodes' addresses are local; the default is the primary address of kube-proxy's own node.
            "nodeport-addresses": "0.0.0.0/0",
            "healthz-bind-address": f"{LOOPBACK}:{self.ports.kube_proxy}",
            # Leaves the machine's connection tracking limits as they are.
            "conntrack-max-per-core": 0,
            "conntrack-tcp-timeout-established": "0s",
            "conntrack-tcp-timeout-close-wait": "0s",
        }
        proxy = self._program(KUBE_PROXY, flags, self.ports.kube_proxy, ready="/livez")
        live = Probe(KUBE_PROXY, self.ports.kube_proxy, "/livez", None)
        return replace(proxy, environment={"PATH": search_path()}, probes=(live,))

    def kubelet(self) -> Program:
        """The kubelet, one process for all nodes, with a mount namespace of its own."""
        return of_module(
            self.layout,
            KUBELET,
            "rehearsal.kubelet",
            json.dumps({name: str(getattr(self.toolchain, name)) for name in BUILT}),
            namespace=self.namespace,
            before=(tool("unshare"), "--mount", "--"),
            variables={"PATH": search_path()},
        )

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

    def _program(
        self,
        name: str,
        flags: Mapping[str, object],
        port: int,
        *,
        ready: str,
        client: str = "admin",
        executable: Path | None = None,
    ) -> Program:
        """A program with a probe of one path on its port; by default one of the Kubernetes binary."""
        path = executable or self.toolchain.kubernetes_program(name)
        command = (str(path), *(f"--{flag}={value}" for flag, value in flags.items()))
        log, probe = self.layout.logs / f"{name}.log", Probe(name, port, ready, client)
        return Program(name, command, log, {}, self.namespace, ports=(port,), probes=(probe,))
