"""Everything between a commit and an answered request, but the cluster: a registry, a repository, Jenkins' agents."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import kubernetes.client as kubernetes_client  # pyright: ignore[reportMissingTypeStubs]
import kubernetes.config as kubernetes_config  # pyright: ignore[reportMissingTypeStubs]
import yaml

from components.identities import DELIVERY, RELEASE, VERIFY
from release.kubernetes_api import KubernetesApi
from tests.delivery.containers import Containers
from tests.delivery.ecr import Ecr
from tests.delivery.jenkins import Build
from tests.unit.pipelines.jenkinsfile import parse
from tests.unit.program import CHECKOUT

SERVICE = "api"
PROGRAMS = ("buildah", "docker-registry", "busybox", "git")

DOCKERFILE = """\
FROM scratch AS base
COPY busybox /bin/busybox
COPY www /www
RUN ["/bin/busybox", "grep", "-q", "version", "/www/index.html"]

FROM base AS test
RUN ["/bin/busybox", "grep", "-q", "^ok", "/www/api/healthcheck"]

FROM base
CMD ["/bin/busybox", "httpd", "-f", "-p", "8099", "-h", "/www"]
"""


@dataclass
class Source:
    """A service's repository.

    Attributes:
        folder: Its work tree.
    """

    folder: Path

    def commit(self, version: str, *, health: str = "ok", dockerfile: str = DOCKERFILE) -> str:
        """Commits a version that says its name to who asks for `/index.html`; the commit's id."""
        pages = self.folder / "www" / "api"
        pages.mkdir(parents=True, exist_ok=True)
        (self.folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        (pages.parent / "index.html").write_text(f"version {version}\n", encoding="utf-8")
        (pages / "healthcheck").write_text(f"{health}\n", encoding="utf-8")
        self._git("add", "--all")
        self._git("commit", "--quiet", f"--message={version}")
        return self._git("rev-parse", "HEAD").strip()

    def check_out(self, workspace: Path) -> None:
        """What Jenkins' step `checkout` does."""
        shutil.rmtree(workspace)
        subprocess.run(["git", "clone", "--quiet", str(self.folder), str(workspace)], check=True)

    def _git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.com", *words]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout


@dataclass
class Workshop:
    """Everything between a commit and an answered request.

    Attributes:
        api: The cluster, with all rights.
        ecr: The registry.
        containers: What answers for the Services.
        source: The service's repository.
        variables: What the controller gives each build.
        agents: What each agent's pod has.
        folder: For workspaces.
    """

    api: KubernetesApi
    ecr: Ecr
    containers: Containers
    source: Source
    variables: Mapping[str, str]
    agents: Mapping[str, Mapping[str, str]]
    folder: Path
    builds: list[Build] = field(default_factory=list[Build])

    def build(self, pipeline: str, *, approves: bool = True, stopped_at: tuple[str, str] | None = None) -> Build:
        """Runs a pipeline for the service."""
        build = Build(
            self.folder / str(len(self.builds)),
            {**self.variables, "SERVICE": SERVICE},
            self.agents,
            self.source.check_out,
            approves=approves,
            stopped_at=stopped_at,
        )
        self.builds.append(build)
        return build.run(parse(CHECKOUT / "pipelines" / f"Jenkinsfile.{pipeline}"))

    def answer(self, environment: str) -> str:
        """What a user of the service gets."""
        status, body = self.containers.get(environment, SERVICE, "/index.html")
        return body.decode().strip() if status == 200 else str(status)


def missing() -> list[str]:
    """What it needs of Debian and is not there."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def opened(kubeconfig: Path, registry: str, folder: Path) -> Generator[Workshop]:
    """All of it, running, around a cluster that has the program's objects.

    Args:
        kubeconfig: The administrator's.
        registry: What the program's repositories begin with.
        folder: Empty.
    """
    api = KubernetesApi(kubeconfig)
    with Ecr(folder) as ecr, Containers(api, ecr.registry, folder / "kubelet") as containers:
        yield Workshop(
            api=api,
            ecr=ecr,
            containers=containers,
            source=source(folder / "source"),
            variables=variables(folder, registry, ecr, containers),
            agents=agents(kubeconfig, folder),
            folder=folder / "workspaces",
        )


def source(folder: Path) -> Source:
    """An empty repository with the one program that its images need."""
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    shutil.copy(shutil.which("busybox") or "", folder / "busybox")
    return Source(folder)


def variables(folder: Path, registry: str, ecr: Ecr, containers: Containers) -> dict[str, str]:
    """What the controller's configuration gives, and where the stand-ins are."""
    programs, tls = folder / "programs", folder / "tls"
    for made in (programs, tls):
        made.mkdir()
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tls / name).touch()
    (programs / "buildctl").symlink_to(CHECKOUT / "tests" / "delivery" / "buildctl.py")
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {
        "PATH": path,
        "PIPELINES": str(CHECKOUT / "pipelines"),
        "PYTHONPATH": str(CHECKOUT),
        "REGISTRY": registry,
        "CACHE": f"{registry}-cache",
        "BUILDKIT_HOST": "tcp://buildkitd.buildkit:1234",
        "BUILDKIT_TLS": str(tls),
        "AWS_ENDPOINT_URL_ECR": ecr.endpoint,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "HELLO_RELEASE_THROUGH": containers.pattern,
        "STAND_IN_REGISTRY": ecr.registry,
        "STAND_IN_STORAGE": str(folder / "buildkit"),
    }


def agents(kubeconfig: Path, folder: Path) -> dict[str, dict[str, str]]:
    """Each agent acts as its service account, by a token of it; who builds knows no cluster."""
    found = {"build": {"KUBECONFIG": str(folder / "none")}}
    for label, account in (("release", RELEASE), ("verify", VERIFY)):
        path = folder / f"{label}.kubeconfig"
        path.write_text(yaml.safe_dump(with_token(kubeconfig, account)), encoding="utf-8")
        found[label] = {"KUBECONFIG": str(path)}
    return found


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
