"""The programs a rehearsal runs that Python's package index does not have: found, or built from their Go modules."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Toolchain:
    """Where the programs are.

    Attributes:
        pulumi: The engine's command line.
        kubernetes: One binary that is etcd, kubectl, kube-apiserver, kube-controller-manager, kube-proxy or
            kube-scheduler, by the name it is called by; links of those names stand beside it.
        kwok: The program that plays the kubelets.
        kwok_stages: Folder of the stages (YAML files) that kwok takes nodes and pods through.
    """

    pulumi: Path
    kubernetes: Path
    kwok: Path
    kwok_stages: Path

    def kubernetes_program(self, name: str) -> Path:
        """The link by which the Kubernetes binary is the program of this name, e.g. `kubectl`."""
        return self.kubernetes.with_name(name)
