"""Where the pipelines' commands run: who builds in its pod, who asks the cluster on this machine by its own token."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import kubernetes.client as kubernetes_client  # pyright: ignore[reportMissingTypeStubs]
import kubernetes.config as kubernetes_config  # pyright: ignore[reportMissingTypeStubs]
import yaml

from components.identities import DELIVERY
from components.jenkins.agents import HOME, USER
from components.jenkins.names import BUILDKIT_CLIENT
from pipelines import certificates
from tests.delivery import images
from tests.delivery.buildkit import Delivery, program
from tests.delivery.runtime import Container


@dataclass(frozen=True)
class Here:
    """An agent that is no pod.

    Attributes:
        workspace: Its folder.
        variables: What it has of its own.
    """

    workspace: Path
    variables: Mapping[str, str]

    def command(self, words: list[str], variables: Mapping[str, str]) -> list[str]:
        """What runs a command in it."""
        told = {**variables, **self.variables}
        return ["env", "--ignore-environment", f"--chdir={self.workspace}", *assigned(told), *words]


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
        return self.container.execution(*words, directory=self.inside, environment=variables)


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
        workspace.mkdir()
        os.chown(workspace, USER, USER)
        yield InPod(workspace, container, f"{HOME}/workspace")


@contextmanager
def here(account: str, kubeconfig: Path, variables: Mapping[str, str], folder: Path) -> Generator[Here]:
    """An agent that acts as its service account, by a token of it.

    Args:
        account: The service account.
        kubeconfig: The administrator's.
        variables: What it has of its own, beside.
        folder: Where it is made.
    """
    folder.mkdir(parents=True)
    workspace, path = folder / "workspace", folder / "kubeconfig"
    workspace.mkdir()
    path.write_text(yaml.safe_dump(with_token(kubeconfig, account)), encoding="utf-8")
    yield Here(workspace, {**variables, "HOME": str(workspace), "KUBECONFIG": str(path)})


def assigned(variables: Mapping[str, str]) -> list[str]:
    """`NAME=VALUE` words."""
    return [f"{name}={value}" for name, value in variables.items()]


def with_token(kubeconfig: Path, account: str) -> dict[str, Any]:
    """The administrator's kubeconfig with a service account in the administrator's place."""
    client: Any = cast("Any", kubernetes_config).new_client_from_config(str(kubeconfig))
    core: Any = kubernetes_client.CoreV1Api(client)
    asked: Any = kubernetes_client.AuthenticationV1TokenRequest(
        spec=kubernetes_client.V1TokenRequestSpec(audiences=[], expiration_seconds=7200)
    )
    answer: Any = core.create_namespaced_service_account_token(account, DELIVERY, asked)
    found: dict[str, Any] = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    found["users"] = [{"name": one["name"], "user": {"token": answer.status.token}} for one in found["users"]]
    return found
