"""Where a rehearsal keeps its files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

DIRECTORY_VARIABLE = "HELLO_REHEARSAL"
"""Environment variable that tells the stand-in providers which rehearsal they serve: its directory."""


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

    @property
    def kubeconfig(self) -> Path:
        """Administrator's kubeconfig of the local API server, CA and client certificate inline."""
        return self.directory / "kubeconfig"

    @property
    def control_plane(self) -> Path:
        """Certificates and data of etcd and the Kubernetes control plane."""
        return self.directory / "control-plane"

    @property
    def front_door(self) -> Path:
        """The front door's configuration."""
        return self.directory / "front-door"

    @property
    def processes(self) -> Path:
        """The processes this rehearsal started: names, ids and start times."""
        return self.directory / "processes.json"

    @property
    def logs(self) -> Path:
        """One log file a process, and one an engine run."""
        return self.directory / "logs"

    @property
    def tools(self) -> Path:
        """First on PATH: engine, language host, providers, kubectl."""
        return self.directory / "bin"

    @property
    def state(self) -> Path:
        """The engine's `file://` backend."""
        return self.directory / "state"

    @property
    def workspace(self) -> Path:
        """Copies of Pulumi.yaml and of the stack's file, with secrets of the rehearsal's own."""
        return self.directory / "workspace"

    @property
    def charts(self) -> Path:
        """The Helm charts that are taken instead of those of public repositories."""
        return self.directory / "charts"

    @property
    def charts_source(self) -> Path:
        """Whether the public repositories of charts answered, as JSON."""
        return self.directory / "charts.json"

    @property
    def aws_account(self) -> Path:
        """What the aws stand-in holds: its resources, as JSON."""
        return self.directory / "aws.json"

    @property
    def aws_journal(self) -> Path:
        """The requests that changed the AWS account, one a line: it grows with each, and is replayed at its start."""
        return self.directory / "aws" / "journal.jsonl"

    @property
    def cluster_keys(self) -> Path:
        """What the API server's database had when the EKS cluster was made."""
        return self.directory / "cluster-keys.json"

    @property
    def faults(self) -> Path:
        """Which resource types the stand-ins shall fail or delay, as JSON."""
        return self.directory / "faults.json"

    @property
    def certificates(self) -> Path:
        """What ACM is to say of certificates, by domain name, as JSON."""
        return self.directory / "certificates.json"

    @property
    def load(self) -> Path:
        """How busy services are, as JSON."""
        return self.directory / "load.json"
