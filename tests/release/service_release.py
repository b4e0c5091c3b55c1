"""The jobs of `service-release.yml` on a runner that is a pod of some cluster, as Actions Runner Controller makes one.

Stand-ins: the runner and its actions, and the AWS CLI, which names the cluster and says who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from tests.delivery.github import Job, credentials, program, python
from tests.release.identities import STACK
from tests.unit.program import CHECKOUT

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


def job(repository: str, folder: Path, name: str, kubeconfig: Path, **inputs: str) -> Job:
    """A job, with its own packages from the package index, and no others.

    Args:
        repository: URL of the service's ECR repository.
        folder: Jobs share what was installed there; each has a folder of its own in it.
        name: `release` or `verify`.
        kubeconfig: What the AWS CLI writes.
        inputs: Of the workflow, besides what all callers give.
    """
    registry, _, service = repository.rpartition("/")
    own, role = Path(mkdtemp(dir=folder)), f"arn:aws:iam::123456789012:role/{name}"
    program(own, "aws", UPDATE_KUBECONFIG.format(cluster=CLUSTER, kubeconfig=kubeconfig))
    return Job(
        "service-release",
        name,
        own,
        inputs={"service": service, "platform": "OWNER/platform", "platform-commit": COMMIT, **inputs},
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
