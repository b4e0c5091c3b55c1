"""Where a rehearsal keeps its files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

DIRECTORY_VARIABLE = "HELLO_REHEARSAL"
"""Environment variable that tells the stand-in providers which rehearsal they serve: its directory."""


class _Below:
    """A file or folder in a rehearsal's directory, by its path in there."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __get__(self, layout: Layout, _: type[Layout]) -> Path:
        return layout.directory / self._path


@dataclass(frozen=True)
class Layout:
    """The files of one rehearsal of one stack.

    Attributes:
        directory: Everything below it belongs to this rehearsal and goes with it.
    """

    directory: Path

    @classmethod
    def of_stack(cls, stack: str) -> Layout:
        """The rehearsal of a stack in this checkout."""
        return cls(CHECKOUT / ".rehearsal" / stack)

    @classmethod
    def of_environment(cls) -> Layout:
        """The rehearsal that this process was started for (a stand-in provider, the language host).

        Raises:
            KeyError: The process was started outside a rehearsal.
        """
        return cls(Path(os.environ[DIRECTORY_VARIABLE]))

    kubeconfig = _Below("kubeconfig")
    """Administrator's kubeconfig of the local API server, CA and client certificate inline."""

    control_plane = _Below("control-plane")
    """Certificates and data of etcd and the Kubernetes control plane."""

    front_door = _Below("front-door")
    """The front door's configuration."""

    processes = _Below("processes.json")
    """The processes this rehearsal started: names, ids and start times."""

    logs = _Below("logs")
    """One log file a process, and one an engine run."""

    tools = _Below("bin")
    """First on PATH: engine, language host, providers, kubectl."""

    state = _Below("state")
    """The engine's `file://` backend."""

    workspace = _Below("workspace")
    """Copies of Pulumi.yaml and of the stack's file, with secrets of the rehearsal's own."""

    charts = _Below("charts")
    """The Helm charts that are taken instead of those of public repositories."""

    charts_source = _Below("charts.json")
    """Whether the public repositories of charts answered, as JSON."""

    aws_account = _Below("aws.json")
    """What the aws stand-in holds: its resources, as JSON."""

    aws_journal = _Below("aws/journal.jsonl")
    """The requests that changed the AWS account, one a line: it grows with each, and is replayed at its start."""

    cluster_keys = _Below("cluster-keys.json")
    """What the API server's database had when the EKS cluster was made."""

    faults = _Below("faults.json")
    """Which resource types the stand-ins shall fail or delay, as JSON."""

    certificates = _Below("certificates.json")
    """What ACM is to say of certificates, by domain name, as JSON."""

    load = _Below("load.json")
    """How busy services are, as JSON."""
