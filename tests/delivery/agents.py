"""Where the pipelines' commands run: build agents in their pods, others here with their pods' identities."""

from __future__ import annotations

import base64
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import kubernetes.client as kubernetes_client  # pyright: ignore[reportMissingTypeStubs]
import kubernetes.config as kubernetes_config  # pyright: ignore[reportMissingTypeStubs]
import yaml

from components.delivery.jenkins.agents import HOME, USER
from components.delivery.jenkins.names import BUILDKIT_CLIENT
from contract.namespaces import DELIVERY
from pipelines import certificates
from tests.delivery import images
from tests.delivery.buildkit import Delivery, program
from tests.delivery.runtime import Container

AS_IN_A_POD = """
mount --bind "$0/hosts" /etc/hosts
mount -t tmpfs tmpfs "$(readlink -f /var/run)"
mkdir -p /var/run/secrets/kubernetes.io
cp -R "$0/serviceaccount" /var/run/secrets/kubernetes.io
exec "$@"
"""
"""In mounts of its own.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api
"""


@dataclass(frozen=True)
class Here:
    """An agent on this machine, which finds what a kubelet gives a pod: token, hosts, variables.

    Attributes:
        workspace: Its folder.
        pod: Folder with its service account's files and its `hosts`.
        variables: What it has of its own.
    """

    workspace: Path
    pod: Path
    variables: Mapping[str, str]

    def command(self, words: list[str], variables: Mapping[str, str]) -> list[str]:
        """What runs a command in it."""
        told = {**variables, **self.variables, "WORKSPACE_TMP": f"{self.workspace}@tmp"}
        environment = ["env", "--ignore-environment", f"--chdir={self.workspace}", *assigned(told), *words]
        return ["unshare", "--mount", "sh", "-ec", AS_IN_A_POD, str(self.pod), *environment]


@dataclass(frozen=True)
class InPod:
    """An agent that is a pod.

    Attributes:
        workspace: Its folder, as this machine sees it.
        container: The pod's.
        inside: The folder as the pod sees it.
    """

    workspace: Path
    container: Container
    inside: str

    def command(self, words: list[str], variables: Mapping[str, str]) -> list[str]:
        """What runs a command in it."""
        told = {**variables, "WORKSPACE_TMP": f"{self.inside}@tmp"}
        return self.container.execution(*words, directory=self.inside, environment=told)


@contextmanager
def builder(delivery: Delivery, buildkitd: str, variables: Mapping[str, str], folder: Path) -> Generator[InPod]:
    """The agent that builds, as its template says, but on this machine's network, where the ECR of the tests is.

    Args:
        delivery: Whose template it is.
        buildkitd: The daemon's address: a cluster's DNS would tell it.
        variables: What a node gives it: credentials.
        folder: Where it is made.
    """
    folder.mkdir(parents=True)
    image = images.agent(folder / "image", program("buildctl"), hosts={certificates.HOST: buildkitd})
    secrets = {BUILDKIT_CLIENT: delivery.secrets[BUILDKIT_CLIENT]}
    with Container(delivery.agent, image, folder / "pod", secrets=secrets, environment=variables) as container:
        workspace = folder / "pod" / "volumes" / "home" / "workspace"
        for made in (workspace, workspace.with_name(f"{workspace.name}@tmp")):  # Jenkins makes both
            made.mkdir()
            os.chown(made, USER, USER)
        yield InPod(workspace, container, f"{HOME}/workspace")


@contextmanager
def here(
    account: str, kubeconfig: Path, names: Mapping[str, str], variables: Mapping[str, str], folder: Path
) -> Generator[Here]:
    """An agent that acts as its service account, by a token of it.

    Args:
        account: The service account.
        kubeconfig: The administrator's.
        names: The names of Services by their addresses: a cluster's DNS would tell them.
        variables: What it has of its own, beside.
        folder: Where it is made.
    """
    workspace, files = folder / "workspace", folder / "pod" / "serviceaccount"
    for made in (workspace, files):
        made.mkdir(parents=True)
    content: dict[str, Any] = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    server: dict[str, str] = content["clusters"][0]["cluster"]
    (files / "token").write_text(token(kubeconfig, account), encoding="utf-8")
    (files / "namespace").write_text(DELIVERY, encoding="utf-8")
    (files / "ca.crt").write_bytes(base64.b64decode(server["certificate-authority-data"]))
    hosts = "".join(f"{address} {name}\n" for address, name in names.items())
    (folder / "pod" / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}", encoding="utf-8")
    host, port = server["server"].removeprefix("https://").split(":")
    told = {"HOME": str(workspace), "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    yield Here(workspace, folder / "pod", {**variables, **told})


def assigned(variables: Mapping[str, str]) -> list[str]:
    """`NAME=VALUE` words."""
    return [f"{name}={value}" for name, value in variables.items()]


def token(kubeconfig: Path, account: str) -> str:
    """A token of a service account, as its pods have one."""
    client: Any = cast("Any", kubernetes_config).new_client_from_config(str(kubeconfig))
    core: Any = kubernetes_client.CoreV1Api(client)
    asked: Any = kubernetes_client.AuthenticationV1TokenRequest(
        spec=kubernetes_client.V1TokenRequestSpec(audiences=[], expiration_seconds=7200)
    )
    answer: Any = core.create_namespaced_service_account_token(account, DELIVERY, asked)
    return str(answer.status.token)
