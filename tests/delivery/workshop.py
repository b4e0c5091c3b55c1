"""Everything between a commit and a served request except the cluster: a registry, a repository, Jenkins' agents."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from config import ENVIRONMENTS
from contract.blue_green import preview_service_name
from contract.identities import RELEASE, VERIFY
from kube.client import KubernetesApi
from tests.delivery import buildkit
from tests.delivery.agents import InPod, builder, here
from tests.delivery.buildkit import Daemon, Delivery
from tests.delivery.containers import Containers
from tests.delivery.ecr import Ecr
from tests.delivery.jenkins import Agent, Build
from tests.delivery.kms import Kms
from tests.delivery.runtime import Network, run
from tests.unit.pipelines.jenkinsfile import parse
from tests.unit.program import CHECKOUT

SERVICE = "api"
PROGRAMS = (
    "runc",
    "newuidmap",
    "skopeo",
    "umoci",
    "docker-registry",
    "busybox",
    "git",
    "ip",
    "nft",
    "nsenter",
    "unshare",
)
PACKAGES = "runc uidmap skopeo umoci docker-registry busybox-static git iproute2 nftables"
"""Of Debian, with those programs."""

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

    def write(self, path: str, text: str) -> None:
        """Writes a file, for the next commit."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def check_out(self, workspace: Path) -> None:
        """What Jenkins' step `checkout` does, as who owns the workspace."""
        owner = workspace.stat()
        shutil.rmtree(workspace)
        subprocess.run(["git", "clone", "--quiet", str(self.folder), str(workspace)], check=True)
        run("chown", "--recursive", f"{owner.st_uid}:{owner.st_gid}", workspace)

    def _git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.com", *words]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Site:
    """What builds images and keeps them.

    Attributes:
        delivery: What the program makes for it.
        network: Where containers have addresses.
        ecr: The registry.
        buildkitd: What builds.
        kms: What signs, where the stack's images are signed.
    """

    delivery: Delivery
    network: Network
    ecr: Ecr
    buildkitd: Daemon
    kms: Kms | None

    @property
    def account(self) -> dict[str, str]:
        """By which an agent finds ECR and KMS."""
        return {
            "AWS_ENDPOINT_URL_ECR": self.ecr.endpoint,
            **({"AWS_ENDPOINT_URL_KMS": self.kms.endpoint} if self.kms else {}),
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        }

    def agent(self, folder: Path) -> AbstractContextManager[InPod]:
        """An agent that builds."""
        return builder(self.delivery, self.buildkitd.container.address, self.account, folder)


@contextmanager
def opened_site(delivery: Delivery, folder: Path) -> Generator[Site]:
    """All of that, running.

    Args:
        delivery: Of a stack.
        folder: Empty.
    """
    host, key = delivery.variables["REGISTRY"].partition("/")[0], delivery.variables.get("SIGNING_KEY")
    with Kms(key) if key else nullcontext() as kms, Network() as network, Ecr(folder, host, network.gateway) as ecr:
        authority = ecr.authority.read_text(encoding="utf-8")
        with Daemon(delivery, network, host, authority, folder / "buildkitd") as buildkitd:
            yield Site(delivery, network, ecr, buildkitd, kms)


@dataclass
class Workshop:
    """Everything between a commit and an answered request.

    Attributes:
        api: The cluster, with all rights.
        site: What builds images and keeps them.
        containers: What answers for the Services.
        source: The service's repository.
        agents: By label, what makes an agent.
        folder: For builds.
    """

    api: KubernetesApi
    site: Site
    containers: Containers
    source: Source
    agents: Mapping[str, Callable[[Path], AbstractContextManager[Agent]]]
    folder: Path
    builds: list[Build] = field(default_factory=list[Build])

    def build(
        self, pipeline: str, *, approves: bool = True, stopped_at: tuple[str, str] | None = None, **parameters: str
    ) -> Build:
        """Runs a pipeline for the service."""
        build = Build(
            self.folder / str(len(self.builds)),
            {**self.site.delivery.variables, "SERVICE": SERVICE, **parameters},
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


def missing() -> str | None:
    """What it needs and is not there, with what to do; None where all of it is."""
    if os.geteuid():
        return "containers and their network are made by root: run it as root"
    programs = [name for name in PROGRAMS if shutil.which(name) is None]
    if programs:
        return f"{', '.join(programs)}: apt-get install {PACKAGES}"
    tools = buildkit.missing()
    return f"{', '.join(tools)}: .venv/bin/python -m tests.programs" if tools else None


@contextmanager
def opened(delivery: Delivery, kubeconfig: Path, folder: Path) -> Generator[Workshop]:
    """All of it, running, around a cluster that has the program's objects.

    Args:
        delivery: Of the stack that the cluster has.
        kubeconfig: The administrator's.
        folder: Empty.
    """
    api = KubernetesApi(kubeconfig)
    with (
        opened_site(delivery, folder) as site,
        Containers(api, site.ecr, site.network, folder / "containers") as running,
    ):
        yield Workshop(
            api=api,
            site=site,
            containers=running,
            source=source(folder / "source"),
            agents=agents(site, kubeconfig, running),
            folder=folder / "builds",
        )


def source(folder: Path) -> Source:
    """An empty repository with the one program that its images need."""
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    shutil.copy(shutil.which("busybox") or "", folder / "busybox")
    return Source(folder)


def agents(
    site: Site, kubeconfig: Path, containers: Containers
) -> dict[str, Callable[[Path], AbstractContextManager[Agent]]]:
    """What makes each agent."""
    local = {
        **site.account,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PIPELINES": str(CHECKOUT / "pipelines"),
        "PYTHONPATH": str(CHECKOUT),
    }
    services = [(one, name) for one in ENVIRONMENTS for name in (SERVICE, preview_service_name(SERVICE))]
    names = dict(containers.serve(*one) for one in services)
    return {
        "build": site.agent,
        "release": lambda folder: here(RELEASE, kubeconfig, names, local, folder),
        "verify": lambda folder: here(VERIFY, kubeconfig, names, local, folder),
    }
