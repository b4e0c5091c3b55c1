"""The programs of a control plane: command lines, ports, readiness probes; the flags are in `programs.yaml`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from rehearsal import aws
from rehearsal.certificates import Certificates
from rehearsal.kubelet.images import BUILT
from rehearsal.layout import Layout
from rehearsal.network.enter import search_path, tool
from rehearsal.network.namespace import OWN_ADDRESS
from rehearsal.ports import LOOPBACK, Ports
from rehearsal.processes import Probe, Program, of_module
from rehearsal.toolchain import Toolchain

POD_CIDR = "100.64.0.0/16"
"""Addresses of KWOK's pods, from the range (100.64.0.0/10) that EKS recommends for pods outside the VPC's main CIDR.

https://docs.aws.amazon.com/eks/latest/best-practices/custom-networking.html
"""

RUNNING_POD_CIDR = "100.65.0.0/16"
"""Addresses of pods whose containers run (`rehearsal/kubelet/`), not KWOK's."""

POD_BLOCK = 20
"""Length of the prefix of a `free_block`."""

RELAY, KUBE_PROXY, KUBELET = "relay", "kube-proxy", "kubelet"
POD_SIMULATOR, AWS_ENDPOINT = "pod-simulator", "aws-endpoint"
"""Names of the programs that run in a network namespace only; the relay leads into it from this machine's loopback."""

ETCD, KWOK, AWS = "etcd", "kwok", "aws"
API_SERVER, CONTROLLER_MANAGER, SCHEDULER = "kube-apiserver", "kube-controller-manager", "kube-scheduler"

KUBERNETES_CONTROL_PLANE = (API_SERVER, CONTROLLER_MANAGER, SCHEDULER)
"""What EKS upgrades with a cluster."""

EVERY_NODE = "every-node"
"""Node name of kube-proxy."""

_PROGRAMS: Mapping[str, Any] = yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CBaseLoader)  # noqa: S506 - a safe loader
"""Flags, ports and probes of the programs that are no modules of this project; all values are text."""

_CLIENTS = ("controller-manager", "scheduler", "kwok", "kube-proxy", "kubelet", "node-manager")


def free_block(used: Iterable[str]) -> str:
    """The first block of `POD_CIDR` in which no pod has an address; the last one if there is none."""
    taken = {IPv4Network(f"{address}/{POD_BLOCK}", strict=False) for address in used}
    blocks = list(IPv4Network(POD_CIDR).subnets(new_prefix=POD_BLOCK))
    return str(next((block for block in blocks if block not in taken), blocks[-1]))


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
        programs = [self._program(ETCD), self.aws(), replace(self._program(API_SERVER), after=(ETCD,))]
        kwok = self._program(KWOK)
        stages = (f"--config={stage}" for stage in sorted(self.stages.glob("*.yaml")))
        clients = [
            self._program(CONTROLLER_MANAGER),
            self._program(SCHEDULER),
            replace(kwok, command=(*kwok.command, *stages)),
            of_module(self.layout, "volumes", "rehearsal.emulators.volumes", namespace=self.namespace),
        ]
        if self.namespace is not None:
            clients = [
                self._program(KUBE_PROXY),
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

    def aws(self) -> Program:
        """The AWS account's API."""
        variables = aws.settings(aws.account_id(self.layout))
        program = of_module(self.layout, AWS, "rehearsal.aws.server", namespace=self.namespace, variables=variables)
        healthy = Probe("the AWS API", self.ports.aws, aws.HEALTH, None)
        return replace(program, ports=(self.ports.aws,), probes=(healthy,))

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

    def _program(self, name: str) -> Program:
        """A program of `programs.yaml`."""
        entry = _PROGRAMS[name]
        places = {
            "control_plane": self.layout.control_plane,
            "pki": self.certificates.directory,
            "ports": self.ports,
            "own_address": OWN_ADDRESS,
            "every_node": EVERY_NODE,
        }
        flags = {**entry["flags"], **entry.get("outside" if self.namespace is None else "inside", {})}
        path = self.toolchain.kwok if name == KWOK else self.toolchain.kubernetes_program(name)
        return Program(
            name,
            (str(path), *(f"--{flag}={value.format_map(places)}" for flag, value in flags.items())),
            self.layout.logs / f"{name}.log",
            {"PATH": search_path()} if name == KUBE_PROXY else {},
            self.namespace,
            ports=tuple(getattr(self.ports, port) for port in entry["ports"]),
            probes=tuple(
                Probe(probe["waits_for"], getattr(self.ports, probe["port"]), probe["path"], probe.get("client"))
                for probe in entry["probes"]
            ),
        )
