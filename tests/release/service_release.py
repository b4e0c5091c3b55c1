"""The jobs of `service-release.yml` on a runner that is a pod of some cluster, as Actions Runner Controller makes one.

Stand-ins: the runner and its actions, and the AWS CLI, which names the cluster and says who asks.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import yaml

from config import PROJECT
from contract.identities import VERIFIERS, releasers
from tests.delivery.github import Job, StepError, credentials, program, python
from tests.release.identities import STACK
from tests.unit.components.delivery.test_github_actions import ACTIONS
from tests.unit.program import CHECKOUT, configured, stack_config
from tools.program.graph import Graph

__all__ = ["USER", "ServiceRelease", "StepError", "releasers", "with_github"]

CLUSTER = f"hello-{STACK}"
COMMIT = 40 * "a"
REGION = "ap-northeast-2"

UPDATE_KUBECONFIG = """\
[ "$*" = "eks update-kubeconfig --name {cluster}" ] || exit 64
file=${{KUBECONFIG:-$HOME/.kube/config}}
mkdir -p "${{file%/*}}"
cp "{kubeconfig}" "$file"
"""
"""Where the AWS CLI writes: https://docs.aws.amazon.com/cli/latest/reference/eks/update-kubeconfig.html."""

POD = {"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "443"}
"""Variables of every pod. No cluster of this one's answers there.

https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
"""


USER = "github"
"""Whom the API server takes a job for."""


def with_github() -> Graph:
    """The stack with GitHub's roles."""
    return configured({**stack_config(STACK), f"{PROJECT}:githubActions": json.dumps(ACTIONS)}, stack=STACK)


@dataclass(frozen=True)
class ServiceRelease:
    """The workflow for a service, with its jobs' own packages from the package index, and no others.

    Attributes:
        kubectl: The program.
        kubeconfig: The administrator's.
        repository: URL of the service's ECR repository.
        folder: Jobs share what was installed there; each has a folder of its own in it.
    """

    kubectl: str
    kubeconfig: Path
    repository: str
    folder: Path

    def run(self, name: str, environment: str, *, group: str | None = None, **inputs: str) -> Job:
        """Runs a job to its end.

        Args:
            name: `release` or `verify`.
            environment: The input.
            group: Whose rights it has; by default those of its role.
            inputs: The others, besides what all callers give.

        Raises:
            StepError: A command failed.
        """
        registry, _, service = self.repository.rpartition("/")
        own, role = Path(mkdtemp(dir=self.folder)), f"arn:aws:iam::123456789012:role/{name}"
        job = Job(
            "service-release",
            name,
            own,
            inputs={
                "service": service,
                "environment": environment,
                "platform": "OWNER/platform",
                "platform-commit": COMMIT,
                **inputs,
            },
            variables={
                "AWS_REGION": REGION,
                "CLUSTER": CLUSTER,
                "REGISTRY": registry,
                f"{name.upper()}_ROLE_ARN": role,
            },
            actions={
                "actions/checkout": checkout,
                "actions/setup-python": python,
                "aws-actions/configure-aws-credentials": credentials(role, REGION),
            },
            machine={**POD, "HOME": str(own), "HELLO_RELEASE_IMAGE_TAGS": "false"},
        )
        with self._kubeconfig(own, group or (VERIFIERS if name == "verify" else releasers(environment))) as kubeconfig:
            program(own, "aws", UPDATE_KUBECONFIG.format(cluster=CLUSTER, kubeconfig=kubeconfig))
            job.run()
        return job

    @contextmanager
    def _kubeconfig(self, folder: Path, group: str) -> Generator[Path]:
        """What the AWS CLI writes; who asks, EKS says there, and `kubectl proxy` here."""
        command = [self.kubectl, f"--kubeconfig={self.kubeconfig}", "proxy", "--port=0", f"--as={USER}"]
        command += [f"--as-group={group}", "--as-group=system:authenticated"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
            try:
                assert proxy.stdout is not None
                content = yaml.safe_load(self.kubeconfig.read_text(encoding="utf-8"))
                for one in content["clusters"]:
                    one["cluster"] = {"server": f"http://{proxy.stdout.readline().split()[-1]}"}
                for one in content["users"]:
                    one["user"] = {}
                found = folder / "kubeconfig"
                found.write_text(json.dumps(content), encoding="utf-8")
                yield found
            finally:
                proxy.terminate()


def checkout(workspace: Path, given: Mapping[str, str]) -> Mapping[str, str]:
    """`actions/checkout`, of the platform."""
    assert given == {
        "repository": "OWNER/platform",
        "ref": COMMIT,
        "token": "a token",
        "persist-credentials": "false",
    }
    for one in CHECKOUT.iterdir():
        if not one.name.startswith("."):
            (workspace / one.name).symlink_to(one)
    return {}
