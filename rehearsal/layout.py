"""Paths of a rehearsal's files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

DIRECTORY_VARIABLE = "HELLO_REHEARSAL"
"""Environment variable with the rehearsal's directory, for the programs that a rehearsal starts."""

RUNS_VARIABLE = "HELLO_REHEARSAL_RUNS"
"""Environment variable with the same value, by which `strays.find` finds these programs; a user's shell has only the
other one."""


class _Below:
    """Descriptor of a path relative to a rehearsal's directory."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __get__(self, layout: Layout, _: type[Layout]) -> Path:
        return layout.directory / self._path


@dataclass(frozen=True)
class Layout:
    """The files of the rehearsal of one stack.

    Attributes:
        directory: Root of all files; `down` deletes it.
    """

    directory: Path

    @classmethod
    def of_stack(cls, stack: str) -> Layout:
        """The rehearsal of a stack in this checkout."""
        return cls(CHECKOUT / ".rehearsal" / stack)

    @classmethod
    def of_environment(cls) -> Layout:
        """The rehearsal that `DIRECTORY_VARIABLE` names.

        Raises:
            KeyError: The variable is not set: the process was started outside a rehearsal.
        """
        return cls(Path(os.environ[DIRECTORY_VARIABLE]))

    kubeconfig = _Below("kubeconfig")
    """The administrator's kubeconfig for the local API server, certificates inline."""

    control_plane = _Below("control-plane")
    """Certificates and data of etcd and the Kubernetes control plane."""

    node_manager = _Below("control-plane/node-manager.kubeconfig")
    """The kubeconfig of the user as whom EKS replaces nodes."""

    front_door = _Below("front-door")
    """HAProxy's configuration and state (`rehearsal/front_door/`)."""

    processes = _Below("processes.json")
    """The processes of this rehearsal: names, ids and start times."""

    logs = _Below("logs")
    """Log files: one per process, one per engine operation."""

    tools = _Below("bin")
    """Engine, language host, providers and kubectl; first on PATH."""

    pulumi_home = _Below("pulumi-home")
    """The engine's home (`PULUMI_HOME`)."""

    state = _Below("state")
    """The `file://` state backend."""

    workspace = _Below("workspace")
    """Copies of Pulumi.yaml and of the stack's file, the latter with generated secrets."""

    charts = _Below("charts")
    """Helm charts that replace those of the public repositories."""

    charts_source = _Below("charts.json")
    """Whether the public chart repositories answered when they were first called, as JSON."""

    aws_account = _Below("aws.json")
    """Resources of the emulated `aws` provider, as JSON."""

    aws_journal = _Below("aws/journal.jsonl")
    """Requests that changed the AWS account, one JSON object per line; replayed when the emulated AWS API starts."""

    cluster_keys = _Below("cluster-keys.json")
    """The keys in etcd when the EKS cluster was created, as JSON; all others are deleted with the cluster."""

    certificates = _Below("certificates.json")
    """Status of ACM certificates by domain name, as JSON."""

    load = _Below("load.json")
    """CPU load of services, as JSON (`rehearsal/load.py`)."""
